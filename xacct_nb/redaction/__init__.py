"""Secrets out of everything that is shown or written."""
