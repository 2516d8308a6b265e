"""What principals of the sandbox used, and the reports of IAM and of IAM Access Analyzer on it."""
