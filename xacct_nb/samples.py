"""Calls that only read, each of which puts one action to the test."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from xacct_nb.grants import Permission

ANY_KEY = "*"


@dataclass(frozen=True)
class Sample:
    """A boto3 call that needs exactly one action.

    `parameters` may hold `Key: *` with a `Prefix`: the key of an object that is there is to be found first.
    `about_resource` says that the call names a resource, so that it can also be put directly.
    """

    action: str
    service: str
    operation: str
    parameters: Mapping[str, Any]
    about_resource: bool

    @property
    def words(self) -> str:
        """The call for people: the action and what it is about."""
        about = "/".join(
            str(self.parameters[name]) for name in ("Bucket", "Prefix", "Key") if self.parameters.get(name)
        )
        return f"{self.action} {about}".strip()


def sample(action: str, resources: Iterable[str]) -> Sample | None:
    """A read-only call for an action (or a pattern of actions) on one of these resources; None if there is none."""
    names = [name for name in _CALLS if covers(action, name)]
    found = (_sample(name, resource) for name in names for resource in resources)
    return next((each for each in found if each), None)


def beside(permissions: Iterable[Permission]) -> Sample | None:
    """A read-only call that these permissions do not allow; None where they allow all of them."""
    allowed = list(permissions)
    actions = [action for permission in allowed for action in permission.actions]
    resources = [*(resource for permission in allowed for resource in permission.resources), "*"]
    others = [name for name in _BESIDE if not any(covers(action, name) for action in actions)]
    return next((found for name in others if (found := sample(name, resources))), None)


def covers(pattern: str, action: str) -> bool:
    """Whether an action pattern (`s3:Get*`) covers an action, without regard to case."""
    words = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return re.fullmatch(words, action, re.IGNORECASE) is not None


def _sample(action: str, resource: str) -> Sample | None:
    service, operation, parameters = _CALLS[action]
    filled = parameters(resource)
    return None if filled is None else Sample(action, service, operation, filled, bool(filled))


def _bucket(resource: str) -> dict[str, Any] | None:
    bucket = _bucket_of(resource)
    return {"Bucket": bucket, "MaxKeys": 1} if bucket else None


def _object(resource: str) -> dict[str, Any] | None:
    bucket, _, key = resource.removeprefix("arn:").partition(":s3:::")[2].partition("/")
    if not key or not _bucket_of(resource):
        return None
    fixed, wildcard, _ = key.partition("*")
    named = {"Prefix": fixed, "Key": ANY_KEY} if wildcard or "?" in key else {"Key": key}
    return {"Bucket": bucket, **named}


def _bucket_of(resource: str) -> str:
    bucket = resource.partition(":s3:::")[2].partition("/")[0]
    return "" if "*" in bucket or "?" in bucket else bucket


def _nothing(resource: str) -> dict[str, Any] | None:
    return {} if resource == "*" else None


_Parameters = Callable[[str], dict[str, Any] | None]
_CALLS: dict[str, tuple[str, str, _Parameters]] = {
    "s3:GetObject": ("s3", "get_object", _object),
    "s3:ListBucket": ("s3", "list_objects_v2", _bucket),
    "s3:GetBucketLocation": ("s3", "get_bucket_location", lambda resource: _only_bucket(resource)),
    "s3:ListAllMyBuckets": ("s3", "list_buckets", _nothing),
    "iam:ListUsers": ("iam", "list_users", _nothing),
    "iam:ListRoles": ("iam", "list_roles", _nothing),
    "ec2:DescribeInstances": ("ec2", "describe_instances", _nothing),
    "dynamodb:ListTables": ("dynamodb", "list_tables", _nothing),
    "sqs:ListQueues": ("sqs", "list_queues", _nothing),
    "sns:ListTopics": ("sns", "list_topics", _nothing),
    "kms:ListKeys": ("kms", "list_keys", _nothing),
    "lambda:ListFunctions": ("lambda", "list_functions", _nothing),
    "logs:DescribeLogGroups": ("logs", "describe_log_groups", _nothing),
    "ssm:DescribeParameters": ("ssm", "describe_parameters", _nothing),
    "secretsmanager:ListSecrets": ("secretsmanager", "list_secrets", _nothing),
}
_BESIDE = ("s3:ListBucket", "s3:ListAllMyBuckets", "iam:ListUsers", "sqs:ListQueues")


def _only_bucket(resource: str) -> dict[str, Any] | None:
    return {"Bucket": bucket} if (bucket := _bucket_of(resource)) else None
