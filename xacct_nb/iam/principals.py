"""The Principal element of a policy, and how it matches the caller of a request."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from xacct_nb.errors import InvalidArn
from xacct_nb.iam.arns import UNIQUE_ID, is_account_id
from xacct_nb.iam.caller import (
    CANONICAL,
    CANONICAL_ID,
    ORIGIN_ACCESS_IDENTITY,
    PROVIDER_ARN,
    ROLE_ITSELF,
    ROOT,
    SERVICE_NAME,
    WEB_PROVIDERS,
    Caller,
    parse_principal,
)
from xacct_nb.iam.patterns import Context
from xacct_nb.iam.unknown import UNREAD_ID, UnknownValue

# Match levels: how an element matches the caller: not at all, by its account, by its role, or directly.
NO_MATCH, ACCOUNT, ROLE, DIRECT = 0, 1, 2, 3
_KINDS = ("AWS", "Service", "Federated", "CanonicalUser")


@dataclass(frozen=True, slots=True)
class Principals:
    """The principals that a Principal or NotPrincipal element names; `texts` as written."""

    anyone: bool
    accounts: frozenset[str]
    roles: Mapping[str, tuple[str, ...]]
    others: frozenset[str]
    unique_ids: frozenset[str]
    texts: tuple[str, ...]

    def match_level(self, caller: Caller, context: Context) -> int:
        """Return how the element matches the caller: NO_MATCH, ACCOUNT, ROLE or DIRECT.

        Negative where that hangs on an unknown aws:userid. Source: reference_policies_elements_principal.
        """
        if self.anyone or caller.text in self.others:
            return DIRECT
        named = self._has_id(context) if self.unique_ids else False
        if named:
            return ROLE if caller.role else DIRECT
        if self.roles and caller.role in self.roles and self._is_role(caller, context):
            return ROLE
        if named is None:
            return -ROLE if caller.role else -DIRECT
        if caller.account in self.accounts:
            return DIRECT if caller.kind == ROOT else ACCOUNT
        return NO_MATCH

    def excludes(self, caller: Caller, context: Context) -> bool | None:
        """Return whether a NotPrincipal of these excludes the caller: it must name its account too.

        None where that hangs on an unknown aws:userid. Source: reference_policies_elements_notprincipal (the
        account is checked, then the user, or the role and its session).
        """
        if not self.anyone and caller.account:
            if caller.account not in self.accounts:
                return False
            if caller.role:
                return self._names_session(caller) and self._is_role(caller, context)
        level = self.match_level(caller, context)
        return None if level < NO_MATCH else level == DIRECT

    def _names_session(self, caller: Caller) -> bool:
        """Return whether the role is named, and this session of it; a role stands for any of its sessions."""
        sessions = caller.role.replace(":iam:", ":sts:", 1).replace(":role/", ":assumed-role/", 1) + "/"
        named = (
            any(each.startswith(sessions) for each in self.others)
            if caller.kind == ROLE_ITSELF
            else caller.text in self.others
        )
        return named and caller.role in self.roles

    def depends_on(self, context: Context) -> tuple[str, ...]:
        """Return aws:userid if it is not known and the element has unique ids."""
        unknown = self.unique_ids and self._has_id(context) is None
        return ("aws:userid",) if unknown else ()

    def _is_role(self, caller: Caller, context: Context) -> bool:
        """Return whether the role is named: names are unique in an account; a known path counts too."""
        named = self.roles[caller.role]
        if caller.role_with_path:
            return caller.role_with_path in named
        # IAM accepts only a role that exists, so the name decides where the path is not known.
        (given, *_) = context.get("aws:principalarn") or ("",)
        return given in named or given == caller.role or _without_path(given) != caller.role

    def _has_id(self, context: Context) -> bool | None:
        values = context.get("aws:userid", ())
        if values is UNREAD_ID:
            return False  # in a policy AWS shows ids of deleted principals only
        if isinstance(values, UnknownValue):
            return None
        return any(user_id.partition(":")[0] in self.unique_ids for user_id in values)


def read_principals(element: object) -> Principals:
    """Read a Principal or NotPrincipal element.

    Source: reference_policies_elements_principal. Raises ValueError with the reason.
    """
    if element == "*":
        return Principals(True, frozenset(), {}, frozenset(), frozenset(), ("*",))
    if not isinstance(element, dict):
        raise ValueError('it is neither "*" nor an object')
    return _group(tuple(_texts(element)))


@lru_cache(maxsize=4096)
def _group(texts: tuple[tuple[str, str], ...]) -> Principals:
    accounts: set[str] = set()
    roles: dict[str, tuple[str, ...]] = {}
    others: set[str] = set()
    unique_ids: set[str] = set()
    for kind, text in texts:
        name, plain = _classify(kind, text)
        if name == ROLE_ITSELF:
            roles[plain] = (*roles.get(plain, ()), text)
        else:
            {ROOT: accounts, "unique-id": unique_ids}.get(name, others).add(plain)
    shown = tuple(f"{kind}: {text}" for kind, text in texts)
    return Principals(
        "*" in others, frozenset(accounts), roles, frozenset(others), frozenset(unique_ids), shown
    )


def _texts(element: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for kind, value in element.items():
        if kind not in _KINDS:
            raise ValueError(f"{kind!r} is not a type of principal; the types are {', '.join(_KINDS)}")
        for text in value if isinstance(value, (list, tuple)) else (value,):
            if not isinstance(text, str):
                raise ValueError(f"{kind} has a value that is not text")
            yield kind, text


def _classify(kind: str, text: str) -> tuple[str, str]:
    """Return the class of a principal, and its text as callers are compared with it. Raises ValueError."""
    if kind == "AWS":
        return _aws(text)
    pattern, description = _OTHERS[kind]
    if text in WEB_PROVIDERS and kind == "Federated":
        return kind, text
    if not pattern.fullmatch(text):
        raise ValueError(f"{text!r} is not {description}")
    return kind, text


_OTHERS = {
    "Service": (SERVICE_NAME, "the name of a service such as ec2.amazonaws.com"),
    "Federated": (PROVIDER_ARN, "an identity provider"),
    "CanonicalUser": (CANONICAL_ID, "a canonical user id"),
}


def _aws(text: str) -> tuple[str, str]:
    if text == "*":
        return "anyone", text
    if is_account_id(text):
        return ROOT, text
    if UNIQUE_ID.fullmatch(text):
        return "unique-id", text
    if ORIGIN_ACCESS_IDENTITY.fullmatch(text):
        return CANONICAL, text
    try:
        kind, account, role = parse_principal(text)
    except InvalidArn:
        raise ValueError(
            f"{text!r} is not an account, user, role or session; groups and wildcards in names are refused"
        ) from None
    return (ROOT, account) if kind == ROOT else (kind, role) if kind == ROLE_ITSELF else (kind, text)


def _without_path(role: str) -> str:
    front, _, name = role.rpartition("/")
    return f"{front.split('/')[0]}/{name}"
