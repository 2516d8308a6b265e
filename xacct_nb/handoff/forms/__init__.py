"""What the owner of the other account receives to make their side without this toolkit, and to remove it."""
