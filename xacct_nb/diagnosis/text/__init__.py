"""The words of AWS in a pasted error text, whatever stands around them."""
