"""The review of access, as the cells of its notebook call it."""
