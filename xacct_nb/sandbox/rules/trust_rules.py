"""IAM's refusals of a trust policy when it is written: grammar, length, principals that do not exist."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from xacct_nb.errors import InvalidPolicy
from xacct_nb.iam.canonical import as_list
from xacct_nb.iam.grammar import TRUST
from xacct_nb.iam.policy import ParsedPolicy
from xacct_nb.sandbox.http.calls import Call, Refusal
from xacct_nb.sandbox.ministack import internals
from xacct_nb.sandbox.rules import quota_rules
from xacct_nb.sandbox.rules.documents import (
    as_object,
    aws_principals,
    length,
    malformed,
    parse_text,
    refused_part,
    statements_of,
)

_ARN = re.compile(r"arn:aws:(iam|sts)::(\d{12}):([a-z-]+)(?:/(.+))?")
_KINDS = ("AWS", "Service", "Federated")


def trust_policy(call: Call) -> Refusal | None:
    """Refuse the trust policy of CreateRole or UpdateAssumeRolePolicy with the first reason that IAM has."""
    update = call.action == "UpdateAssumeRolePolicy"
    text = call.parameter("PolicyDocument" if update else "AssumeRolePolicyDocument")
    policy = parse_text(text, TRUST)
    if isinstance(policy, InvalidPolicy):
        document = as_object(text)
        message = "This policy contains invalid Json" if document is None else _message(document, policy.path)
        return malformed(message)
    if any(each.principals and each.principals.texts == ("*",) for each in policy.statements):
        return malformed('AssumeRolepolicy contained an invalid principal: "STAR":"*".')
    too_long = quota_rules.over(call.account, "ACLSizePerRole", length(text))
    return too_long or _missing_principal(policy)


def _message(document: dict[str, Any], path: str) -> str:
    """Return AWS's message for a document that `parse` refused at this path."""
    element, statement, rest = refused_part(document, path)
    if statement is None:
        wording = _OF_DOCUMENT.get(element)
        return wording(document) if wording else f"Unknown field {element}"
    if not isinstance(statement, dict) or element == "Sid":
        return "Syntax error in policy."
    if element == "Condition":
        return f"Invalid Condition type : {rest.partition('.')[0]}"
    found = _OF_STATEMENT.get(element)
    return found(statement) if found else f"Unknown field {element}"


def _effect(statement: dict[str, Any]) -> str:
    effect = statement.get("Effect")
    return f"Invalid effect: {effect}" if effect else "Missing required field Effect"


def _action(statement: dict[str, Any]) -> str:
    if statement.get("Action") or statement.get("NotAction"):
        return "AssumeRole policy may only specify STS AssumeRole actions."
    return "Missing required field Action"


def _principal(statement: dict[str, Any]) -> str:
    if "NotPrincipal" in statement:
        if statement.get("Effect") == "Allow":
            return "Allow with NotPrincipal is not allowed."
        return "AssumeRole policy must not contain NotPrincipal field."
    principal = statement.get("Principal")
    if not principal:
        return f"Missing required field Principal{'' if principal is None else ' cannot be empty!'}"
    if not isinstance(principal, dict):
        return "Principal must be a JSON object."
    return next(_principals_refused(principal), "Invalid principal in policy")


def _principals_refused(principal: dict[str, Any]) -> Iterator[str]:
    yield from (f'Invalid principal in policy: "{kind}"' for kind in principal if kind not in _KINDS)
    for kind, names in principal.items():
        for name in as_list(names):
            if kind != "AWS" or not principal_exists(str(name)):
                yield f'Invalid principal in policy: "{kind.upper()}":"{name}"'


def _statement(document: dict[str, Any]) -> str:
    if statements_of(document):
        return "The Statement Ids in the policy are not unique"
    return "Could not parse the policy: Statement is empty!"


_OF_DOCUMENT: dict[str, Callable[[dict[str, Any]], str]] = {
    "": lambda _: "Syntax error in policy.",
    "Version": lambda _: "The policy must contain a valid version string",
    "Statement": _statement,
}
_OF_STATEMENT: dict[str, Callable[[dict[str, Any]], str]] = {
    "Effect": _effect,
    "Action": _action,
    "NotAction": _action,
    "Principal": _principal,
    "NotPrincipal": _principal,
    "Resource": lambda _: "Has prohibited field Resource",
    "NotResource": lambda _: "AssumeRole policy must not contain resources.",
}


def _missing_principal(policy: ParsedPolicy) -> Refusal | None:
    """Refuse a policy with an AWS principal that does not exist."""
    missing = next((name for name in aws_principals(policy) if not principal_exists(name)), None)
    return malformed(f'Invalid principal in policy: "AWS":"{missing}"') if missing else None


def principal_exists(name: str) -> bool:
    """Return whether an AWS principal exists. Every account does: it begins with the first call of its root.

    A group or a name with a wildcard is not a principal. Source: reference_policies_elements_principal.
    """
    if name == "*" or re.fullmatch(r"\d{12}", name):
        return True
    found = _ARN.fullmatch(name)
    if not found:
        return False
    service, account, kind, rest = found.groups(default="")
    first, _, last = rest.rpartition("/")
    if (service, kind) == ("iam", "root"):
        return not rest
    if (service, kind) in (("iam", "user"), ("iam", "role")):
        return (internals.entity(kind, account, last) or {}).get("Arn") == name
    if (service, kind) == ("sts", "assumed-role"):
        is_session_name = re.fullmatch(r"[\w+=,.@-]{2,64}", last) is not None
        return is_session_name and internals.entity("role", account, first) is not None
    return (service, kind) == ("sts", "federated-user") and bool(re.fullmatch(r"[\w+=,.@-]{2,32}", rest))
