"""What to change, so that this caller gets in and nobody else is affected, and the commands for it."""
