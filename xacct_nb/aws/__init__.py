"""Everything that talks to AWS, and the only place that imports botocore, the core of boto3."""
