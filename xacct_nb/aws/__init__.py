"""Everything that calls AWS through boto3."""
