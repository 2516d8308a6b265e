"""The tables of the lint rules."""
