"""Read-only calls that each need exactly one action."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from xacct_nb.grants.conditions import Permission
from xacct_nb.iam.canonical import as_list, statements_of
from xacct_nb.iam.patterns import covers


@dataclass(frozen=True)
class SampleCall:
    """A boto3 call that needs exactly one action.

    Where `parameters` hold a `Prefix` beside a `Key`, the key is a pattern: find an object that matches it
    first, because AWS denies access to an object that does not exist. `about_resource`: the call names a
    resource, so that it can also be made without the role.
    """

    action: str
    service: str
    operation: str
    parameters: Mapping[str, Any]
    about_resource: bool

    @property
    def title(self) -> str:
        """Return the action and its resource, as people read it."""
        about = [self.parameters[name] for name in ("Bucket", "Key") if name in self.parameters]
        return f"{self.action} {'/'.join(about)}".strip()


def sample_call(action: str, resources: Iterable[str]) -> SampleCall | None:
    """Return a read-only call for an action (or a pattern) on one of these resources, if there is one."""
    for name, resource in product((name for name in _CALLS if covers(action, name)), resources):
        service, operation, parameters_for = _CALLS[name]
        parameters = parameters_for(resource)
        if parameters is not None:
            return SampleCall(name, service, operation, parameters, bool(parameters))
    return None


def why_no_call(action: str) -> str:
    """Return why `sample_call` has no call for an action: it knows none, or none of this resource."""
    if not any(covers(action, name) for name in _CALLS):
        return "No read-only call for this action is known here."
    return "The read-only call that is known for this action cannot be made for this resource."


def sample_calls(policy: Mapping[str, Any]) -> Iterator[SampleCall]:
    """Yield read-only calls that a policy's statements allow; their conditions are ignored."""
    for statement in statements_of(policy):
        if statement.get("Effect") == "Allow":
            resources = as_list(statement.get("Resource", []))
            calls = (sample_call(action, resources) for action in as_list(statement.get("Action", [])))
            yield from (call for call in calls if call)


def unallowed_sample_call(permissions: Collection[Permission]) -> SampleCall | None:
    """Return a read-only call that these permissions do not allow, None where they allow all of them."""
    actions = [action for permission in permissions for action in permission.actions]
    named = [resource for permission in permissions for resource in permission.resources]
    resources = [*(resource.partition("/")[0] for resource in named if ":s3:::" in resource), "*"]
    others = [name for name in _UNALLOWED_CANDIDATES if not any(covers(action, name) for action in actions)]
    return next((found for name in others if (found := sample_call(name, resources))), None)


def _bucket(resource: str) -> dict[str, Any] | None:
    """Return the bucket itself, None for the ARN of objects: an action on buckets does not apply to those."""
    bucket, slash, _ = _s3(resource)
    return {"Bucket": bucket} if bucket and not slash else None


def _listing(resource: str) -> dict[str, Any] | None:
    bucket = _bucket(resource)
    return bucket and bucket | {"MaxKeys": 1}


def _object(resource: str) -> dict[str, Any] | None:
    bucket, _, key = _s3(resource)
    return {"Bucket": bucket, "Prefix": re.split(r"[*?]", key)[0], "Key": key} if bucket and key else None


def _s3(resource: str) -> tuple[str, str, str]:
    """Return bucket, slash and key of an S3 ARN; no bucket where it is a pattern or holds a variable."""
    bucket, slash, key = resource.partition(":s3:::")[2].partition("/")
    return ("" if set("*?$") & set(bucket) or "$" in key else bucket), slash, key


def _no_parameters(resource: str) -> dict[str, Any] | None:
    return {} if resource == "*" else None


_Parameters = Callable[[str], dict[str, Any] | None]
_CALLS: dict[str, tuple[str, str, _Parameters]] = {
    "s3:GetObject": ("s3", "get_object", _object),
    "s3:ListBucket": ("s3", "list_objects_v2", _listing),
    "s3:GetBucketLocation": ("s3", "get_bucket_location", _bucket),
    "s3:ListAllMyBuckets": ("s3", "list_buckets", _no_parameters),
    "iam:ListUsers": ("iam", "list_users", _no_parameters),
    "iam:ListRoles": ("iam", "list_roles", _no_parameters),
    "ec2:DescribeInstances": ("ec2", "describe_instances", _no_parameters),
    "dynamodb:ListTables": ("dynamodb", "list_tables", _no_parameters),
    "sqs:ListQueues": ("sqs", "list_queues", _no_parameters),
    "sns:ListTopics": ("sns", "list_topics", _no_parameters),
    "kms:ListKeys": ("kms", "list_keys", _no_parameters),
    "lambda:ListFunctions": ("lambda", "list_functions", _no_parameters),
    "logs:DescribeLogGroups": ("logs", "describe_log_groups", _no_parameters),
    "ssm:DescribeParameters": ("ssm", "describe_parameters", _no_parameters),
    "secretsmanager:ListSecrets": ("secretsmanager", "list_secrets", _no_parameters),
}
_UNALLOWED_CANDIDATES = ("s3:ListBucket", "s3:ListAllMyBuckets", "iam:ListUsers", "sqs:ListQueues")
