"""The policy language: documents read once into statements, and each element compared with a request."""
