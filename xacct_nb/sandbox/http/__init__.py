"""A request to the sandbox, read as a call to AWS."""
