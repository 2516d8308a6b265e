"""The embedded AWS: a server with accounts of its own on this machine, which enforces IAM."""
