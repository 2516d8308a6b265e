"""What the owner of the other account receives and sends back."""
