"""What AWS refuses, call by call."""
