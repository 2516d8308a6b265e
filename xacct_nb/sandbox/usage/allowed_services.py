"""The services that policies allow, and which of their actions are tracked.

Conditions, boundaries and other policy types do not count, and a Deny counts only where it denies a whole
service everywhere. The sandbox tracks the management actions of S3, IAM, Lambda and EC2; AWS tracks those of
more services. Source: access_policies_last-accessed.
"""

import json
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from xacct_nb.iam.canonical import as_list, statements_of
from xacct_nb.iam.patterns import covers
from xacct_nb.linting.service_reference import service_reference

_TRACKED = ("ec2", "iam", "lambda", "s3")
_UNTRACKED = ("iam:PassRole", "lambda:InvokeFunction", "lambda:InvokeAsync", "lambda:InvokeFunctionUrl")
_DATA_OF_S3 = ("s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads")


def allowed_services(documents: Iterable[str], used: Iterable[str]) -> list[str]:
    """Return the prefixes of the services in which policies allow something; `used` ones exist."""
    statements = [each for text in documents for each in statements_of(json.loads(text))]
    known = {
        *_known_services(),
        *used,
        *(action.partition(":")[0] for each in statements for action in _named(each)),
    }
    whole = [action for each in statements if _denies_all(each) for action in as_list(each["Action"])]
    return sorted(
        each.lower()
        for each in known
        if "*" not in each
        and "?" not in each
        and any(_allows(one, each) for one in statements)
        and not any(covers(action, f"{each}:*") for action in whole)
    )


def tracked_actions(service: str, documents: Iterable[str]) -> list[str]:
    """Return the names of the tracked actions of a service that policies allow."""
    if service not in _TRACKED:
        return []
    statements = [each for text in documents for each in statements_of(json.loads(text))]
    return [
        name.partition(":")[2]
        for name in _tracked(service)
        if any(_allows_action(each, name) for each in statements)
    ]


def is_tracked(action: str) -> bool:
    """Return whether an action such as `s3:CreateBucket` is one that is tracked."""
    return action in _tracked(action.partition(":")[0])


def service_name(service: str) -> str:
    """Return the name of a service, its prefix where the name is not known."""
    reference = service_reference()
    known = reference is not None and reference.has_service(service)
    return str(reference.data.services.get_service_name(service)) if reference and known else service


@cache
def _known_services() -> tuple[str, ...]:
    reference = service_reference()
    return tuple(reference.data.services.get_service_keys()) if reference else ()


@cache
def _tracked(service: str) -> frozenset[str]:
    reference = service_reference()
    if service not in _TRACKED or reference is None:
        return frozenset()
    found = reference.actions(f"{service}:*")
    return frozenset(each.name for each in found if each.name not in _UNTRACKED and not _is_data(each))


def _is_data(action: Any) -> bool:
    """Return whether an action of S3 is about objects, whose calls are data events."""
    if not action.name.startswith("s3:"):
        return False
    return action.name in _DATA_OF_S3 or any(arn.endswith("/${ObjectName}") for arn in action.arns)


def _named(statement: Any) -> Iterator[str]:
    if statement.get("Effect") == "Allow":
        yield from (action for action in as_list(statement.get("Action", [])) if action != "*")


def _allows(statement: Any, service: str) -> bool:
    """Return whether a statement allows some action of a service."""
    if statement.get("Effect") != "Allow":
        return False
    if "NotAction" in statement:
        return not any(covers(each, f"{service}:*") for each in as_list(statement["NotAction"]))
    prefixes = (each.partition(":")[0] for each in as_list(statement.get("Action", [])))
    return any(covers(prefix, service) for prefix in prefixes)


def _allows_action(statement: Any, action: str) -> bool:
    if statement.get("Effect") != "Allow":
        return False
    if "NotAction" in statement:
        return not any(covers(each, action) for each in as_list(statement["NotAction"]))
    return any(covers(each, action) for each in as_list(statement.get("Action", [])))


def _denies_all(statement: Any) -> bool:
    plain = statement.get("Effect") == "Deny" and not statement.get("Condition")
    return plain and "Action" in statement and as_list(statement.get("Resource", [])) == ["*"]
