"""Redaction: secrets stay out of everything that is shown or written."""
