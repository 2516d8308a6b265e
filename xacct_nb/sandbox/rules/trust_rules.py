"""What IAM refuses in a trust policy when it is written: its grammar, its length, who does not exist."""

import re
from collections.abc import Callable, Iterator
from typing import Any

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

_TOP = {"Version", "Id", "Statement"}
_ELEMENTS = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Condition"}
_ELEMENTS |= {"Resource", "NotResource"}  # which have messages of their own
_VERSIONS = {"2008-10-17", "2012-10-17"}
_ARN = re.compile(r"arn:aws:(iam|sts)::(\d{12}):([a-z-]+)(?:/(.+))?")
_SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?")
_PROVIDER = re.compile(
    r"arn:aws:iam::\d{12}:(saml|oidc)-provider/.+|cognito-identity\.amazonaws\.com|accounts\.google\.com"
    r"|www\.amazon\.com|graph\.facebook\.com"
)


def trust_policy(call: Call) -> Refusal | None:
    """The first thing that IAM does not take in the trust policy of CreateRole or UpdateAssumeRolePolicy."""
    update = call.action == "UpdateAssumeRolePolicy"
    text = call.parameter("PolicyDocument" if update else "AssumeRolePolicyDocument")
    document = parsed(text)
    if document is None:
        return malformed("This policy contains invalid Json")
    message = next(_faults(document), "")
    return (
        malformed(message)
        if message
        else quota_rules.over(call.account, "ACLSizePerRole", length(text)) or _stranger(document)
    )


def _faults(document: dict[str, Any]) -> Iterator[str]:
    """What breaks the grammar, in the order in which it is looked at."""
    yield from (f"Unknown field {name}" for name in document if name not in _TOP)
    if document.get("Version", "2012-10-17") not in _VERSIONS:
        yield "The policy must contain a valid version string"
    statements = statements_of(document)
    if not statements:
        yield "Could not parse the policy: Statement is empty!"
    for statement in statements:
        if not isinstance(statement, dict):
            yield "Syntax error in policy."
            return
        yield from _statement_faults(statement)
    if repeated_sid(statements):
        yield "The Statement Ids in the policy are not unique"


def _statement_faults(statement: dict[str, Any]) -> Iterator[str]:
    yield from (f"Unknown field {name}" for name in statement if name not in _ELEMENTS)
    if not (effect := statement.get("Effect")):
        yield "Missing required field Effect"
    elif effect not in ("Allow", "Deny"):
        yield f"Invalid effect: {effect}"
    if "NotPrincipal" in statement:
        yield (
            "Allow with NotPrincipal is not allowed."
            if effect == "Allow"
            else "AssumeRole policy must not contain NotPrincipal field."
        )
    yield from _principal_faults(statement)
    actions = as_list(statement.get("Action") or []) + as_list(statement.get("NotAction") or [])
    if not actions:
        yield "Missing required field Action"
    if not all(str(action).lower().startswith("sts:") for action in actions):
        yield "AssumeRole policy may only specify STS AssumeRole actions."
    if "Resource" in statement:
        yield "Has prohibited field Resource"
    if "NotResource" in statement:
        yield "AssumeRole policy must not contain resources."
    if operator := unknown_operator(statement):
        yield f"Invalid Condition type : {operator}"


def _principal_faults(statement: dict[str, Any]) -> Iterator[str]:
    principal = statement.get("Principal")
    if principal is None:
        yield "Missing required field Principal"
    elif principal != "*" and not isinstance(principal, dict):
        yield "Principal must be a JSON object."
    elif not principal:
        yield "Missing required field Principal cannot be empty!"
    elif isinstance(principal, dict):
        yield from (f'Invalid principal in policy: "{kind}"' for kind in principal if kind not in _EXISTS)


def _stranger(document: dict[str, Any]) -> Refusal | None:
    """IAM's answer if a principal in the document does not exist."""
    for statement in statements_of(document):
        principal = statement["Principal"]
        for kind, names in principal.items() if isinstance(principal, dict) else ():
            for name in as_list(names):
                if not _EXISTS[kind](str(name)):
                    return malformed(f'Invalid principal in policy: "{kind.upper()}":"{name}"')
    return None


def _principal_exists(name: str) -> bool:
    """Whether an AWS principal is there. Every account is: it begins with the first call of its root.

    A group is none, and neither is a name with a wildcard in it. IAM user guide, "AWS JSON policy elements:
    Principal".
    """
    if name == "*" or re.fullmatch(r"\d{12}", name):
        return True
    found = _ARN.fullmatch(name)
    if not found:
        return False
    service, account, kind, rest = found.groups()
    return _KINDS.get((service, kind), _never)(account, rest or "", name)


def _never(account: str, rest: str, arn: str) -> bool:
    return False


def _is_root(account: str, rest: str, arn: str) -> bool:
    return not rest


def _is_user(account: str, rest: str, arn: str) -> bool:
    return (internals.entity("user", account, rest.rpartition("/")[2]) or {}).get("Arn") == arn


def _is_role(account: str, rest: str, arn: str) -> bool:
    return (internals.entity("role", account, rest.rpartition("/")[2]) or {}).get("Arn") == arn


def _is_session(account: str, rest: str, arn: str) -> bool:
    role, _, name = rest.partition("/")
    return (
        bool(re.fullmatch(r"[\w+=,.@-]{2,64}", name)) and internals.entity("role", account, role) is not None
    )


def _is_federated(account: str, rest: str, arn: str) -> bool:
    return bool(re.fullmatch(r"[\w+=,.@-]{2,32}", rest))


_KINDS = {
    ("iam", "root"): _is_root,
    ("iam", "user"): _is_user,
    ("iam", "role"): _is_role,
    ("sts", "assumed-role"): _is_session,
    ("sts", "federated-user"): _is_federated,
}
_EXISTS: dict[str, Callable[[str], bool]] = {
    "AWS": _principal_exists,
    "Service": lambda name: bool(_SERVICE.fullmatch(name)),
    "Federated": lambda name: bool(_PROVIDER.fullmatch(name)),
}
