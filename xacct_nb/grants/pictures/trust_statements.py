"""What the statements of trust policies and of callers' policies name: principals and roles."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from xacct_nb.grants.documents import Policy
from xacct_nb.grants.pattern_trust import patterns_in
from xacct_nb.grants.pictures.access_graph import ANYONE
from xacct_nb.grants.sources import is_role_pattern
from xacct_nb.iam.arns import Arn, is_account_id, is_arn
from xacct_nb.iam.caller import WEB_PROVIDERS
from xacct_nb.iam.canonical import as_list, statements_of
from xacct_nb.iam.grammar import ALLOW
from xacct_nb.iam.patterns import covers

_ASSUME = "sts:AssumeRole"


def named_principals(role: str, trust: Policy) -> tuple[str, ...]:
    """Return the principals that a trust policy's Allow statements let in, as `let_in` does."""
    return tuple(dict.fromkeys(name for each in allowing(trust) for name in let_in(each, role)))


def let_in(statement: Mapping[str, Any], role: str) -> Sequence[str]:
    """Return the principals of a statement: an account by its root's ARN, roles by the patterns of theirs."""
    return patterns_in(statement) or names_in(statement.get("Principal"), role)


def roles_named(policies: Iterable[Policy]) -> Iterator[str]:
    """Yield the resources on which policies allow a role to be assumed, "" for all but some."""
    for policy in policies:
        for each in statements_of(policy):
            if is_object(each) and each.get("Effect") == ALLOW and covers_assume(each):
                yield from map(str, as_list(each.get("Resource", "")))


def is_one_role(name: str) -> bool:
    """Return whether a resource is the ARN of one role, without a wildcard or a variable."""
    parsed = Arn.parse(name) if is_arn(name) and not set("*?$") & set(name) else None
    return parsed is not None and parsed.kind == "role" and is_account_id(parsed.account)


def allowing(trust: Policy) -> list[Mapping[str, Any]]:
    """Return the statements of a policy that allow."""
    return [each for each in filter(is_object, statements_of(trust)) if each.get("Effect") == ALLOW]


def is_object(value: object) -> bool:
    """Return whether a statement is one at all: a policy that others wrote may have anything there."""
    return isinstance(value, Mapping)


def covers_assume(statement: Mapping[str, Any]) -> bool:
    """Return whether a statement is about sts:AssumeRole."""
    if "NotAction" in statement:
        return not any(covers(str(each), _ASSUME) for each in as_list(statement["NotAction"]))
    return any(covers(str(each), _ASSUME) for each in as_list(statement.get("Action", [])))


def names_in(element: object, role: str) -> list[str]:
    """Return the principals of an element of a role's policy, an account by the ARN of its root."""
    if isinstance(element, str):
        return [element]
    if not isinstance(element, Mapping):
        return []
    written = [str(name) for names in element.values() for name in as_list(names)]
    front = f"arn:{Arn.parse(role).partition}:iam::"
    return [f"{front}{name}:root" if is_account_id(name) else name for name in written]


def is_whole_principal(key: str) -> bool:
    """Return whether a principal is a whole account, or anyone."""
    return key == ANYONE or (is_arn(key) and Arn.parse(key).resource == "root")


def stands_for_others(key: str) -> bool:
    """Return whether a principal stands for others: a whole account, anyone, or a pattern of roles."""
    return is_whole_principal(key) or (is_arn(key) and is_role_pattern(key))


def session_action(key: str) -> str:
    """Return the call by which a principal gets a session of a role."""
    if ":saml-provider/" in key:
        return "sts:AssumeRoleWithSAML"
    return "sts:AssumeRoleWithWebIdentity" if ":oidc-provider/" in key or key in WEB_PROVIDERS else _ASSUME
