"""A grant, its parameters, the documents of both sides, and how the access is used."""
