"""What the lint looks for, as tables of rules."""
