"""IAM's refusals of an identity policy when it is written or attached: grammar, length, number."""

import re
from collections.abc import Callable
from typing import Any

from xacct_nb.errors import InvalidPolicy
from xacct_nb.iam import quotas
from xacct_nb.iam.canonical import as_list
from xacct_nb.iam.grammar import IDENTITY, NEW
from xacct_nb.sandbox.http.calls import Call, Refusal
from xacct_nb.sandbox.ministack import internals
from xacct_nb.sandbox.rules import quota_rules
from xacct_nb.sandbox.rules.documents import (
    as_object,
    length,
    malformed,
    parse_text,
    read_policy,
    refused_part,
    statements_of,
)
from xacct_nb.sandbox.rules.entity_rules import named_entity

_SYNTAX = "Syntax errors in policy."


def managed_policy(call: Call) -> Refusal | None:
    """Refuse the document of CreatePolicy or CreatePolicyVersion."""
    text = call.parameter("PolicyDocument")
    if refusal := _grammar(text):
        return refusal
    if read_policy(text).version != NEW:
        return malformed("Policy document must be version 2012-10-17 or greater.")
    return quota_rules.over(call.account, "PolicySize", length(text))


def inline_policy(call: Call) -> Refusal | None:
    """Refuse the document of PutUserPolicy, PutRolePolicy or PutGroupPolicy."""
    (kind, name), text = named_entity(call), call.parameter("PolicyDocument")
    if not internals.entity(kind, call.account, name):
        return None  # MiniStack refuses it
    if refusal := _grammar(text):
        return refusal
    there = internals.inline_policies(kind, call.account, name) | {call.parameter("PolicyName"): text}
    most = quotas.INLINE_TOTAL[kind]
    if sum(length(each) for each in there.values()) > most:
        message = f"Maximum policy size of {most} bytes exceeded for {kind} {name}"
        return Refusal(409, "LimitExceeded", message)
    return None


def sixth_version(call: Call) -> Refusal | None:
    """Refuse a sixth version of a policy."""
    policy = internals.managed_policy(call.account, call.parameter("PolicyArn"))
    if not policy or len(policy["Versions"]) < quotas.POLICY_VERSIONS:
        return None
    message = (
        "A managed policy can have up to 5 versions. "
        "Before you create a new version, you must delete an existing version."
    )
    return Refusal(409, "LimitExceeded", message)


def attachment(call: Call) -> Refusal | None:
    """Refuse a policy that does not exist, or one more than the quota allows."""
    (kind, name), arn = named_entity(call), call.parameter("PolicyArn")
    attached = internals.attached_policies(kind, call.account, name)
    if arn in attached or not internals.entity(kind, call.account, name):
        return None
    if not arn.startswith("arn:aws:iam::aws:policy/") and not internals.managed_policy(call.account, arn):
        return Refusal(404, "NoSuchEntity", f"Policy {arn} does not exist or is not attachable.")
    return quota_rules.over(call.account, f"PoliciesPer{kind.title()}", len(attached) + 1)


def _grammar(text: str) -> Refusal | None:
    document, policy = as_object(text), parse_text(text, IDENTITY)
    if document is None:
        return malformed(_SYNTAX)
    if isinstance(policy, InvalidPolicy):
        return malformed(_message(document, policy.path))
    for statement in statements_of(document):
        for resource in as_list(statement.get("Resource", statement.get("NotResource", []))):
            if regional := _region(resource):
                return malformed(regional)
    return None


def _message(document: dict[str, Any], path: str) -> str:
    """Return AWS's message for a document that `parse` refused at this path."""
    element, statement, _ = refused_part(document, path)
    if element == "Statement" and statement is None and statements_of(document):
        return "Statement IDs (SID) in a single policy must be unique."
    if not isinstance(statement, dict):
        return _SYNTAX
    if element in ("Principal", "NotPrincipal"):
        return "Policy document should not specify a principal."
    if element == "Effect" and str(statement.get("Effect")).lower() in ("allow", "deny"):
        return "The policy failed legacy parsing"
    name = element.removeprefix("Not")
    wording = _WORDINGS.get(name)
    return _list_message(statement, name, wording) if wording else _SYNTAX


def _list_message(statement: dict[str, Any], name: str, wording: Callable[[str], str]) -> str:
    """Return AWS's message for Action or Resource, or their negation."""
    if name in statement and f"Not{name}" in statement:
        return _SYNTAX
    given = as_list(statement.get(name, statement.get(f"Not{name}", [])))
    if not given:
        return f"Policy statement must contain {name.lower()}s."
    texts = [each for each in given if isinstance(each, str)]
    return next(filter(None, map(wording, texts)), _SYNTAX) if len(texts) == len(given) else _SYNTAX


def _action(action: str) -> str:
    vendor, colon, rest = action.partition(":")
    if not colon:
        return "" if action == "*" else _NO_VENDOR
    if ":" in rest:
        return "Actions/Condition can contain only one colon."
    return "" if re.fullmatch(r"\*|[a-zA-Z0-9.-]+", vendor) else f"Vendor {vendor} is not valid"


def _resource(resource: str) -> str:
    if ":" not in resource:
        return "" if resource == "*" else f'Resource {resource} must be in ARN format or "*".'
    parts = (resource.split(":", 5) + ["*"] * 6)[:6]
    if parts[1] in ("aws", "*"):
        return ""
    return f'Partition "{parts[1]}" is not valid for resource "{":".join(["arn", *parts[1:]])}".'


def _region(resource: str) -> str:
    """Return AWS's message for a region in the ARN of a service that has none; "" otherwise."""
    _, _, service, region, *_ = (*resource.split(":", 5), "", "", "", "")
    if service == "iam" and region:
        return f"IAM resource {resource} cannot contain region information."
    return f"Resource {resource} can not contain region information." if service == "s3" and region else ""


_NO_VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
_WORDINGS: dict[str, Callable[[str], str]] = {"Action": _action, "Resource": _resource}
