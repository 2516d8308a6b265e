"""The fields of the form of a grant, made from its model."""
