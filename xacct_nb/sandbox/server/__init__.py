"""The server process of the sandbox, its state and its accounts."""
