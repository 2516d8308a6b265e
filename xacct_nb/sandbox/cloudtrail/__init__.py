"""The CloudTrail of the sandbox."""
