"""Everything that talks to AWS, and the only place that imports boto3 and its core, botocore."""
