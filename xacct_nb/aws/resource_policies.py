"""Reads the own policy of the resource that a role's session was denied, and of the key behind a bucket."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from xacct_nb.aws.clients import AwsClient
from xacct_nb.iam.arns import Arn, is_arn

Call = Callable[..., Any]
Client = Callable[[str], AwsClient]


def read_resource_policies(resource: str, account: str, client: Client, call: Call) -> dict[str, Any]:
    """Return the policies by ARN, None for a resource that has none; what cannot be read is left out.

    `call` makes a call, and returns None where AWS says that there is no such policy.
    """
    if not is_arn(resource):
        return {}
    read = _READERS.get(Arn.parse(resource).service)
    return dict(read(resource, account, client, call)) if read else {}


def read_bucket_settings(resource: str, account: str, client: Client, call: Call) -> dict[str, Any]:
    """Return the object ownership of a bucket, and whether it blocks public access; None where unread.

    Source: S3 user guide, about-object-ownership and access-control-block-public-access.
    """
    arn = resource.partition("/")[0]
    name = {"Bucket": arn.rpartition(":")[2], "ExpectedBucketOwner": account}
    found: dict[str, Any] = {"object_ownership": None, "blocks_public": None}
    if not is_arn(resource) or Arn.parse(resource).service != "s3":
        return found
    with suppress(ClientError, BotoCoreError):
        answer = call(client("s3"), "get_bucket_ownership_controls", **name) or {}
        rules = answer.get("OwnershipControls", {}).get("Rules", [])
        # A bucket without controls is one from before they were the default.
        found["object_ownership"] = rules[0]["ObjectOwnership"] if rules else "ObjectWriter"
    with suppress(ClientError, BotoCoreError):
        answer = call(client("s3"), "get_public_access_block", **name) or {}
        block = answer.get("PublicAccessBlockConfiguration", {})
        found["blocks_public"] = bool(block.get("RestrictPublicBuckets") or block.get("IgnorePublicAcls"))
    return found


def _bucket(resource: str, account: str, client: Client, call: Call) -> Iterator[tuple[str, Any]]:
    arn, s3 = resource.partition("/")[0], client("s3")
    name = {"Bucket": arn.rpartition(":")[2], "ExpectedBucketOwner": account}
    yield from _policy(arn, "Policy", call, s3, "get_bucket_policy", **name)
    try:
        found = call(s3, "get_bucket_encryption", **name) or {}
    except (ClientError, BotoCoreError):
        return
    for rule in found.get("ServerSideEncryptionConfiguration", {}).get("Rules", []):
        key = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID", "")
        if is_arn(key):
            yield from _key(key, account, client, call)


def _key(resource: str, account: str, client: Client, call: Call) -> Iterator[tuple[str, Any]]:
    given = {"KeyId": resource, "PolicyName": "default"}
    yield from _policy(resource, "Policy", call, client("kms"), "get_key_policy", **given)


def _secret(resource: str, account: str, client: Client, call: Call) -> Iterator[tuple[str, Any]]:
    given = {"SecretId": resource}
    yield from _policy(
        resource, "ResourcePolicy", call, client("secretsmanager"), "get_resource_policy", **given
    )


def _queue(resource: str, account: str, client: Client, call: Call) -> Iterator[tuple[str, Any]]:
    sqs, arn = client("sqs"), Arn.parse(resource)
    try:
        url = call(sqs, "get_queue_url", QueueName=arn.name, QueueOwnerAWSAccountId=arn.account)["QueueUrl"]
        found = call(sqs, "get_queue_attributes", QueueUrl=url, AttributeNames=["Policy"])
    except (ClientError, BotoCoreError):
        return
    text = (found or {}).get("Attributes", {}).get("Policy")
    yield resource, json.loads(text) if text else None


def _policy(
    arn: str, field: str, call: Call, client: AwsClient, operation: str, **given: str
) -> Iterator[tuple[str, Any]]:
    """Yield the policy in a field of the response, None for none; nothing where it cannot be read."""
    try:
        text = (call(client, operation, **given) or {}).get(field)
    except (ClientError, BotoCoreError):
        return
    yield arn, json.loads(text) if text else None


_READERS = {"s3": _bucket, "kms": _key, "secretsmanager": _secret, "sqs": _queue}
