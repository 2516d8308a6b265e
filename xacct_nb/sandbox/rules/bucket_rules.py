"""S3's refusals of a bucket policy when it is written. Source: S3 API reference, PutBucketPolicy."""

from collections.abc import Callable, Iterator
from typing import Any

from xacct_nb.errors import InvalidPolicy
from xacct_nb.iam.canonical import as_list
from xacct_nb.iam.grammar import RESOURCE
from xacct_nb.iam.patterns import covers
from xacct_nb.sandbox.http.calls import Call, Refusal
from xacct_nb.sandbox.rules.documents import (
    as_object,
    aws_principals,
    parse_text,
    refused_part,
    statements_of,
)
from xacct_nb.sandbox.rules.trust_rules import principal_exists

_NO_JSON = "Policies must be valid JSON and the first byte must be '{'"
# Actions on an object whose name does not say so, and the one on a bucket whose name does (list_amazons3).
_ON_OBJECTS = ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:BypassGovernanceRetention")
_ON_BUCKETS = ("s3:GetBucketObjectLockConfiguration", "s3:PutBucketObjectLockConfiguration")


def bucket_policy(call: Call) -> Refusal | None:
    """Refuse the policy of PutBucketPolicy with the first reason that S3 has."""
    text = call.body.decode("utf-8", "replace")
    document, policy = as_object(text), parse_text(text, RESOURCE)
    if document is None:
        return _malformed("This policy contains invalid Json" if text.lstrip()[:1] == "{" else _NO_JSON)
    if isinstance(policy, InvalidPolicy):
        return _malformed(_message(document, policy.path))
    if any(not principal_exists(name) for name in aws_principals(policy)):
        return _malformed("Invalid principal in policy")
    bucket = call.parameter("Bucket")
    problem = next(filter(None, (_mismatch(each, bucket) for each in statements_of(document))), "")
    return _malformed(problem) if problem else None


def _malformed(message: str) -> Refusal:
    return Refusal(400, "MalformedPolicy", message)


def _message(document: dict[str, Any], path: str) -> str:
    """Return S3's message for a document that `parse` refused at this path."""
    element, statement, rest = refused_part(document, path)
    if statement is None:
        return _OF_DOCUMENT.get(element, f"Unknown field {element}") if element else _NO_JSON
    if not isinstance(statement, dict):
        return "Invalid policy syntax."
    if element == "Condition":
        return f"Invalid Condition type : {rest.partition('.')[0]}"
    if not statement.get(element) and element in _REQUIRED:
        return f"Missing required field {element}"
    found = _OF_STATEMENT.get(element)
    return found(statement) if found else f"Unknown field {element}"


_REQUIRED = ("Effect", "Principal", "Action")
_OF_DOCUMENT = {
    "Version": "The policy must contain a valid version string",
    "Statement": "Missing required field Statement",
    "Id": "Invalid policy syntax.",
}
_OF_STATEMENT: dict[str, Callable[[dict[str, Any]], str]] = {
    "Effect": lambda statement: f"Invalid effect: {statement['Effect']}",
    "Sid": lambda _: "Invalid policy syntax.",
    "Principal": lambda _: "Invalid principal in policy",
    "NotPrincipal": lambda _: "Invalid principal in policy",
    "Action": lambda _: "Policy has invalid action",
    "NotAction": lambda _: "Policy has invalid action",
    "Resource": lambda _: "Policy has invalid resource",
    "NotResource": lambda _: "Policy has invalid resource",
}


def _mismatch(statement: dict[str, Any], bucket: str) -> str:
    """Return S3's message for resources that are not the bucket's, or that an action does not have."""
    if "Resource" not in statement and "NotResource" not in statement:
        return "Missing required field Resource"
    resources = [str(each) for each in as_list(statement.get("Resource", statement.get("NotResource")))]
    actions = [str(each) for each in as_list(statement.get("Action", []))]
    own = f"arn:aws:s3:::{bucket}"
    if not all(each == "*" or covers(each.partition("/")[0], own) for each in resources):
        return "Policy has invalid resource"
    if any(not action.lower().startswith("s3:") and action != "*" for action in actions):
        return "Policy has invalid action"
    levels = set(_levels(resources))
    if "Resource" in statement and any(_level(action) not in (*levels, "") for action in actions):
        return "Action does not apply to any resource(s) in statement"
    return ""


def _levels(resources: list[str]) -> Iterator[str]:
    """Yield what the resources can be: `bucket`, `object`."""
    for resource in resources:
        if "/" not in resource:
            yield "bucket"
        if "/" in resource or "*" in resource:
            yield "object"


def _level(action: str) -> str:
    """Return what an action is about; "" for a pattern, which can be about both."""
    if "*" in action or "?" in action:
        return ""
    is_object = ("Object" in action and action not in _ON_BUCKETS) or action in _ON_OBJECTS
    return "object" if is_object else "bucket"
