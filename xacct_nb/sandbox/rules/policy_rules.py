"""What IAM refuses in an identity policy when it is written or attached: grammar, length, number."""

import re
from collections.abc import Iterator
from typing import Any

from xacct_nb.iam import quotas
from xacct_nb.iam.canonical import as_list
from xacct_nb.sandbox.http.calls import Call, Refusal
from xacct_nb.sandbox.ministack import internals
from xacct_nb.sandbox.rules import quota_rules
from xacct_nb.sandbox.rules.statements import (
    length,
    malformed,
    parsed,
    repeated_sid,
    statements_of,
    unknown_operator,
)

_SYNTAX = "Syntax errors in policy."
_TOP = {"Version", "Id", "Statement"}
_ELEMENTS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
_NAMES = {"user": "UserName", "role": "RoleName", "group": "GroupName"}


def managed_policy(call: Call) -> Refusal | None:
    """What IAM does not take in the document of CreatePolicy or CreatePolicyVersion."""
    text = call.parameter("PolicyDocument")
    document = parsed(text)
    if refusal := _grammar(document):
        return refusal
    if document and document.get("Version") != "2012-10-17":
        return malformed("Policy document must be version 2012-10-17 or greater.")
    return quota_rules.over(call.account, "PolicySize", length(text))


def inline_policy(call: Call) -> Refusal | None:
    """What IAM does not take in the document of PutUserPolicy, PutRolePolicy or PutGroupPolicy."""
    kind = call.action.removeprefix("Put").removesuffix("Policy").lower()
    name, text = call.parameter(_NAMES[kind]), call.parameter("PolicyDocument")
    if not internals.entity(kind, call.account, name):
        return None  # MiniStack says so
    there = internals.inline_policies(kind, call.account, name) | {call.parameter("PolicyName"): text}
    most = quotas.INLINE_TOTAL[kind]
    if refusal := _grammar(parsed(text)):
        return refusal
    if sum(length(each) for each in there.values()) > most:
        message = f"Maximum policy size of {most} bytes exceeded for {kind} {name}"
        return Refusal(409, "LimitExceeded", message)
    return None


def sixth_version(call: Call) -> Refusal | None:
    """IAM's answer to a policy version too many."""
    policy = internals.managed_policy(call.account, call.parameter("PolicyArn"))
    if not policy or len(policy["Versions"]) < quotas.POLICY_VERSIONS:
        return None
    message = (
        "A managed policy can have up to 5 versions. "
        "Before you create a new version, you must delete an existing version."
    )
    return Refusal(409, "LimitExceeded", message)


def attachment(call: Call) -> Refusal | None:
    """IAM's answer to a policy that is not there, or to one more than may be attached."""
    kind = call.action.removeprefix("Attach").removesuffix("Policy").lower()
    carrier = internals.entity(kind, call.account, call.parameter(_NAMES[kind]))
    arn = call.parameter("PolicyArn")
    if not carrier or arn in carrier.get("AttachedPolicies", ()):
        return None
    if not arn.startswith("arn:aws:iam::aws:policy/") and not internals.managed_policy(call.account, arn):
        return Refusal(404, "NoSuchEntity", f"Policy {arn} does not exist or is not attachable.")
    number = len(carrier.get("AttachedPolicies", ())) + 1
    return quota_rules.over(call.account, f"PoliciesPer{kind.title()}", number)


def _grammar(document: dict[str, Any] | None) -> Refusal | None:
    if document is None:
        return malformed(_SYNTAX)
    message = next(_faults(document), "")
    return malformed(message) if message else None


def _faults(document: dict[str, Any]) -> Iterator[str]:
    statements = statements_of(document)
    if not statements or not all(isinstance(statement, dict) for statement in statements):
        yield _SYNTAX
        return
    if any("Principal" in each or "NotPrincipal" in each for each in statements):
        yield "Policy document should not specify a principal."
    if not set(document) <= _TOP or document.get("Version", "2008-10-17") not in ("2008-10-17", "2012-10-17"):
        yield _SYNTAX
    for statement in statements:
        yield from _syntax_faults(statement)
    if repeated_sid(statements):
        yield "Statement IDs (SID) in a single policy must be unique."
    for statement in statements:
        yield from _content_faults(statement)


def _syntax_faults(statement: dict[str, Any]) -> Iterator[str]:
    twice = {"Action", "NotAction"} <= set(statement) or {"Resource", "NotResource"} <= set(statement)
    effect = statement.get("Effect")
    if twice or not set(statement) <= _ELEMENTS or not isinstance(effect, str):
        yield _SYNTAX
    elif effect not in ("Allow", "Deny"):
        yield "The policy failed legacy parsing" if effect.lower() in ("allow", "deny") else _SYNTAX
    if not isinstance(statement.get("Condition", {}), dict) or unknown_operator(statement):
        yield _SYNTAX
    for name in ("Action", "NotAction", "Resource", "NotResource"):
        if not all(isinstance(each, str) for each in as_list(statement.get(name, []))):
            yield _SYNTAX


def _content_faults(statement: dict[str, Any]) -> Iterator[str]:
    actions = as_list(statement.get("Action", statement.get("NotAction", [])))
    resources = as_list(statement.get("Resource", statement.get("NotResource", [])))
    if not actions:
        yield "Policy statement must contain actions."
    if not resources:
        yield "Policy statement must contain resources."
    for resource in resources:
        yield from _resource_faults(resource)
    for action in actions:
        yield from _action_faults(action)


def _action_faults(action: str) -> Iterator[str]:
    vendor, colon, rest = action.partition(":")
    if not colon and action != "*":
        yield "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
    if ":" in rest:
        yield "Actions/Condition can contain only one colon."
    if colon and not re.fullmatch(r"\*|[a-zA-Z0-9.-]+", vendor):
        yield f"Vendor {vendor} is not valid"


def _resource_faults(resource: str) -> Iterator[str]:
    if resource == "*" or resource.startswith("${"):
        return
    parts = (resource.split(":", 5) + ["*"] * 6)[:6]
    if ":" not in resource:
        yield f'Resource {resource} must be in ARN format or "*".'
    elif parts[1] not in ("aws", "*"):
        yield f'Partition "{parts[1]}" is not valid for resource "{":".join(["arn", *parts[1:]])}".'
    elif parts[2] == "iam" and parts[3]:
        yield f"IAM resource {resource} cannot contain region information."
    elif parts[2] == "s3" and parts[3]:
        yield f"Resource {resource} can not contain region information."
