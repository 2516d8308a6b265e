"""The resource that a role's session was denied: what it is, whose it is, and its own policy."""

from collections.abc import Iterator, Mapping
from typing import Any

from xacct_nb.diagnosis.snapshot import BUCKET, KEY, QUEUE, SECRET, SnapshotPolicy
from xacct_nb.iam.arns import Arn, is_account_id, is_arn

_KINDS = {"s3": BUCKET, "kms": KEY, "secretsmanager": SECRET, "sqs": QUEUE}
# What S3 does with the key of an encrypted object on behalf of the caller, by the denied action.
_KEY_ACTIONS = {
    "s3:getobject": "kms:Decrypt",
    "s3:getobjectversion": "kms:Decrypt",
    "s3:putobject": "kms:GenerateDataKey",
}


def resource_kind(resource: str) -> str:
    """Return the kind of a resource that has a policy of its own; "" for another one."""
    return _KINDS.get(Arn.parse(resource).service, "") if is_arn(resource) else ""


def policy_arn(resource: str) -> str:
    """Return the ARN of what has the policy: the bucket of an object, else the resource itself."""
    return resource.partition("/")[0] if resource_kind(resource) == BUCKET else resource


def owner_of(resource: str, read: Mapping[str, Any], account: str) -> str:
    """Return the account of a resource; "" where it is not known.

    A bucket's ARN has none: it is in the account in which its policy was read.
    """
    if is_arn(resource) and is_account_id(Arn.parse(resource).account):
        return Arn.parse(resource).account
    return account if policy_arn(resource) in read else ""


def own_policy(resource: str, read: Mapping[str, Any]) -> SnapshotPolicy | None:
    """Return the resource's own policy, without a document where it has none; None where it was not read."""
    arn = policy_arn(resource)
    if arn not in read:
        return None
    kind = resource_kind(resource)
    name = arn.rpartition(":")[2].rpartition("/")[2]
    return SnapshotPolicy(name=name, kind=kind or BUCKET, arn=arn, document=read[arn])


def keys_behind(action: str, resource: str, read: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the keys that encrypt a bucket's objects, as far as they were read, each with its action."""
    used_for = _KEY_ACTIONS.get(action.lower())
    if used_for and resource_kind(resource) == BUCKET:
        yield from ((arn, used_for) for arn in read if resource_kind(arn) == KEY)
