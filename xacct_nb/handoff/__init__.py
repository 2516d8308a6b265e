"""What goes to the other account's owner and comes back."""
