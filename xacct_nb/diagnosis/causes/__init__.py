"""Finders of causes, one module a subject: each reads a case and yields what denies the request."""
