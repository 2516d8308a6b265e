"""IAM's refusals of an identity policy when it is written or attached: grammar, length, number."""

import re
from collections.abc import Callable
from typing import Any

from xacct_nb.errors import InvalidPolicy
from xacct_nb.iam import quotas
from xacct_nb.iam.canonical import as_list
from xacct_nb.iam.grammar import IDENTITY, NEW, OLD
from xacct_nb.iam.operators import parse_date
from xacct_nb.sandbox.http.calls import Call, Refusal
from xacct_nb.sandbox.ministack import internals
from xacct_nb.sandbox.rules import quota_rules
from xacct_nb.sandbox.rules.documents import (
    as_object,
    length,
    malformed,
    parse_text,
    refused_part,
    statements_of,
)
from xacct_nb.sandbox.rules.entity_rules import named_entity

_SYNTAX = "Syntax errors in policy."
_LEGACY = "The policy failed legacy parsing"


def managed_policy(call: Call) -> Refusal | None:
    """Refuse the document of CreatePolicy or CreatePolicyVersion."""
    text = call.parameter("PolicyDocument")
    return _grammar(text, least=NEW) or quota_rules.over(call.account, "PolicySize", length(text))


def same_name(call: Call) -> Refusal | None:
    """Refuse a policy whose name another policy of the account has, in whatever path and case."""
    name = call.parameter("PolicyName")
    if name.lower() not in {each.lower() for each in internals.policy_names(call.account)}:
        return None
    message = f"A policy called {name} already exists. Duplicate names are not allowed."
    return Refusal(409, "EntityAlreadyExists", message)


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


def session_policy(call: Call) -> Refusal | None:
    """Refuse the document that is passed as session policy."""
    return _grammar(call.parameter("Policy")) if call.parameter("Policy") else None


def _grammar(text: str, least: str = OLD) -> Refusal | None:
    """Refuse a document by AWS's first reason; `least` is the version that it must have at least."""
    document, policy = as_object(text), parse_text(text, IDENTITY)
    if document is None:
        return malformed(_SYNTAX)
    found = _message(document, policy.path) if isinstance(policy, InvalidPolicy) else ""
    if found != _SYNTAX and document.get("Version", OLD) < least:
        found = f"Policy document must be version {least} or greater."
    elif found != _SYNTAX:
        statements = [each for each in statements_of(document) if isinstance(each, dict)]
        legacy = _LEGACY if any(map(_fails_legacy, statements)) else ""
        found = legacy or _same_sids(statements) or _resources_refused(statements) or found
    return malformed(found) if found else None


def _fails_legacy(statement: dict[str, Any]) -> bool:
    """Return whether AWS's older parser refuses a statement: for an effect's case, a short ARN, a date."""
    in_another_case = statement.get("Effect") not in ("Allow", "Deny")
    return in_another_case or any(map(_is_cut_short, _resources(statement))) or _has_no_date(statement)


def _has_no_date(statement: dict[str, Any]) -> bool:
    """Return whether a comparison of dates has a text that is none."""
    conditions = statement.get("Condition")
    operators = conditions.items() if isinstance(conditions, dict) else ()
    comparisons = [keys for name, keys in operators if "Date" in name and isinstance(keys, dict)]
    texts = [text for keys in comparisons for values in keys.values() for text in as_list(values)]
    return any(isinstance(text, str) and "${" not in text and parse_date(text) is None for text in texts)


def _is_cut_short(resource: str) -> bool:
    parts = resource.split(":", 5)
    is_short = len(parts) < 6 and "*" not in parts[-1]  # which stands for other parts too
    return parts[:2] == ["arn", "aws"] and len(parts) > 3 and (is_short or not parts[2])


def _resources(statement: dict[str, Any]) -> list[str]:
    given = as_list(statement.get("Resource", statement.get("NotResource", [])))
    return [resource for resource in given if isinstance(resource, str)]


def _same_sids(statements: list[dict[str, Any]]) -> str:
    sids = [str(statement["Sid"]) for statement in statements if statement.get("Sid")]
    return "Statement IDs (SID) in a single policy must be unique." if len(sids) > len(set(sids)) else ""


def _resources_refused(statements: list[dict[str, Any]]) -> str:
    """Return AWS's message for the first resource that it refuses; "" for none."""
    for statement in statements:
        if message := next(filter(None, map(_resource, _resources(statement))), ""):
            return message
    return ""


def _message(document: dict[str, Any], path: str) -> str:
    """Return AWS's message for a document that `parse` refused at this path."""
    element, statement, rest = refused_part(document, path)
    if element == "Statement" and statement is None and statements_of(document):
        return _same_sids(statements_of(document))
    if not isinstance(statement, dict):
        return _SYNTAX
    if element in ("Principal", "NotPrincipal"):
        return "Policy document should not specify a principal."
    if _is_of_legacy(statement, element, rest):
        return _LEGACY
    name = element.removeprefix("Not")
    wording = _WORDINGS.get(name)
    return _list_message(statement, name, wording) if wording else _SYNTAX


def _is_of_legacy(statement: dict[str, Any], element: str, rest: str) -> bool:
    """Return whether it is AWS's older parser that refuses this element."""
    if element == "Effect":
        return str(statement.get("Effect")).lower() in ("allow", "deny")
    if element == "Condition":
        return "." in rest and _has_no_date(statement)
    return element.endswith("Resource") and any(map(_is_cut_short, _resources(statement)))


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
    """Return AWS's message for a resource that it refuses; "" for one that it accepts."""
    if ":" not in resource:
        return "" if resource == "*" else f'Resource {resource} must be in ARN format or "*".'
    _, partition, service, region, account, inside = (resource.split(":", 5) + ["*"] * 6)[:6]
    if partition not in ("aws", "*"):
        whole = ":".join(["arn", partition, service, region, account, inside])
        return f'Partition "{partition}" is not valid for resource "{whole}".'
    if resource.count(":") < 2 or "*" in service or "?" in service:
        return "Resource vendor must be fully qualified and cannot contain regexes."
    if service == "iam":
        return _iam_resource(resource, region, inside)
    if service == "s3" and region not in ("", "*") and not inside.startswith(_REGIONAL_IN_S3):
        return f"Resource {resource} can not contain region information."
    return ""


def _iam_resource(resource: str, region: str, inside: str) -> str:
    if region not in ("", "*"):
        return f"IAM resource {resource} cannot contain region information."
    first = inside.partition("/")[0]
    if any(each in first for each in "*?$") or inside.startswith(_IAM_PATHS):
        return ""
    return f'IAM resource path must either be "*" or start with {", ".join(_IAM_PATHS)}.'


_IAM_PATHS = (
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
)
# Resources of S3 that are in a region (list_amazons3); buckets and objects are not.
_REGIONAL_IN_S3 = ("accesspoint", "job/", "storage-lens", "async-request", "access-grants", "*")
_NO_VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
_WORDINGS: dict[str, Callable[[str], str]] = {"Action": _action, "Resource": _resource}
