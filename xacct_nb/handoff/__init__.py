"""Text for people and other tools: what the other owner, the AWS CLI or the console needs."""
