"""The caller of a request, and how the Principal element of a policy matches it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from xacct_nb.errors import InvalidArn
from xacct_nb.iam.arns import UNIQUE_ID, is_account_id
from xacct_nb.iam.patterns import Context

# Match levels: how an element matches the caller: not at all, by its account, by its role, or directly.
NO_MATCH, ACCOUNT, ROLE, DIRECT = 0, 1, 2, 3
USER, ROLE_ITSELF, SESSION, ROOT, FEDERATED_USER = "user", "role", "session", "root", "federated-user"
SERVICE, FEDERATED, CANONICAL, ANONYMOUS = "service", "federated", "canonical", "anonymous"
_KINDS = ("AWS", "Service", "Federated", "CanonicalUser")
_ARN = re.compile(r"arn:(aws[a-z-]*):(iam|sts)::([0-9]{12}):(?:(root)|([a-z-]+)/(.*))")
_PROVIDER = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(?:saml|oidc)-provider/.+")
_WEB_PROVIDERS = (
    "cognito-identity.amazonaws.com",
    "accounts.google.com",
    "graph.facebook.com",
    "www.amazon.com",
)
_SERVICE = re.compile(r"[a-z0-9][a-z0-9.-]*\.amazon(?:aws)?\.com(?:\.cn)?")
_CANONICAL = re.compile(r"[0-9a-f]{64}")
# By service and type in the ARN: the kind of caller, and the pattern of the rest.
_CALLER_PATTERNS = {
    ("iam", "user"): (USER, r"[^*?$]+"),
    ("iam", "role"): (ROLE_ITSELF, r"[^*?$]+"),
    ("sts", "assumed-role"): (SESSION, r"[^/*?$]+/[^/*?$]+"),
    ("sts", "federated-user"): (FEDERATED_USER, r"[^/*?$]+"),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller: its kind, its account ("" for none), and the condition keys that follow from it.

    `role` is the ARN of its role without the path, `role_with_path` the one with the path, where given.
    """

    text: str
    kind: str
    account: str
    role: str
    role_with_path: str
    keys: Mapping[str, tuple[str, ...]]


@lru_cache(maxsize=4096)
def read_caller(text: str) -> Caller:
    """Read a caller: an ARN, a service, an identity provider, or `*` for an anonymous caller.

    Source: reference_policies_variables (principal key values), reference_policies_condition-keys.
    Raises InvalidArn.
    """
    if (caller := _caller_without_account(text)) is not None:
        return caller
    kind, account, role, role_arn = _parse_principal(text)
    keys = {
        "aws:principalarn": (role_arn or text,),
        "aws:principalaccount": (account,),
        "aws:principaltype": (_TYPES[kind],),
        "aws:principalisawsservice": ("false",),
    }
    if kind == USER:
        keys["aws:username"] = (text.rpartition("/")[2],)
    if kind == ROOT:
        keys["aws:userid"] = (account,)
    if kind == FEDERATED_USER:
        keys["aws:userid"] = (f"{account}:{text.rpartition('/')[2]}",)
    return Caller(text, kind, account, role, role_arn if kind == ROLE_ITSELF else "", keys)


_TYPES = {
    USER: "User",
    ROLE_ITSELF: "AssumedRole",
    SESSION: "AssumedRole",
    ROOT: "Account",
    FEDERATED_USER: "FederatedUser",
}


def _parse_principal(text: str) -> tuple[str, str, str, str]:
    """Return kind, account, role without path, and the role's ARN as known, of a principal in an account."""
    found = _ARN.fullmatch(text)
    if found and found[4] and found[2] == "iam":
        return ROOT, found[3], "", ""
    pattern = _CALLER_PATTERNS.get((found[2], found[5])) if found else None
    if not found or not pattern or not re.fullmatch(pattern[1], found[6]):
        raise InvalidArn(
            f"{text!r} is not a principal that can call AWS.",
            why="Users, roles, sessions of roles, the account root, services and identity providers can.",
            hint="Write it like arn:aws:iam::111111111111:user/alice; a group or an account id cannot call.",
        )
    kind, name = pattern[0], found[6]
    plain = name.split("/")[0] if kind == SESSION else name.rpartition("/")[2]
    role = f"arn:{found[1]}:iam::{found[3]}:role/{plain}" if kind in (SESSION, ROLE_ITSELF) else ""
    return kind, found[3], role, text if kind == ROLE_ITSELF else role


def _caller_without_account(text: str) -> Caller | None:
    if text == "*":
        return Caller(text, ANONYMOUS, "", "", "", {"aws:principaltype": ("Anonymous",)})
    if text in _WEB_PROVIDERS or _PROVIDER.fullmatch(text):
        return Caller(text, FEDERATED, "", "", "", {})
    if _CANONICAL.fullmatch(text):
        return Caller(text, CANONICAL, "", "", "", {})
    if _SERVICE.fullmatch(text):
        keys = {"aws:principalisawsservice": ("true",), "aws:principalservicename": (text,)}
        return Caller(text, SERVICE, "", "", "", keys)
    return None


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

        Source: reference_policies_elements_principal.
        """
        if self.anyone or caller.text in self.others:
            return DIRECT
        if self.unique_ids and self._has_id(context):
            return ROLE if caller.role else DIRECT
        if self.roles and caller.role in self.roles and self._is_role(caller, context):
            return ROLE
        if caller.account in self.accounts:
            return DIRECT if caller.kind == ROOT else ACCOUNT
        return NO_MATCH

    def excludes(self, caller: Caller, context: Context) -> bool:
        """Return whether a NotPrincipal of these excludes the caller: it must name its account too.

        Source: reference_policies_elements_notprincipal (the account is checked, then the user or the role).
        """
        if self.anyone or not caller.account:
            return self.match_level(caller, context) == DIRECT
        if caller.account not in self.accounts:
            return False
        if caller.role:
            return caller.role in self.roles and self._is_role(caller, context)
        return self.match_level(caller, context) == DIRECT

    def _is_role(self, caller: Caller, context: Context) -> bool:
        """Return whether the role is named: names are unique in an account; a known path counts too."""
        named = self.roles[caller.role]
        if caller.role_with_path:
            return caller.role_with_path in named
        (given, *_) = context.get("aws:principalarn", ("",))
        return given in named or given == caller.role or _without_path(given) != caller.role

    def _has_id(self, context: Context) -> bool:
        (user_id, *_) = context.get("aws:userid", ("",))
        return user_id.partition(":")[0] in self.unique_ids


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
    if text in _WEB_PROVIDERS and kind == "Federated":
        return kind, text
    if not pattern.fullmatch(text):
        raise ValueError(f"{text!r} is not {description}")
    return kind, text


_OTHERS = {
    "Service": (_SERVICE, "the name of a service such as ec2.amazonaws.com"),
    "Federated": (_PROVIDER, "an identity provider"),
    "CanonicalUser": (_CANONICAL, "a canonical user id"),
}


def _aws(text: str) -> tuple[str, str]:
    if text == "*":
        return "anyone", text
    if is_account_id(text):
        return ROOT, text
    if UNIQUE_ID.fullmatch(text):
        return "unique-id", text
    try:
        kind, account, role, _ = _parse_principal(text)
    except InvalidArn:
        raise ValueError(
            f"{text!r} is not an account, user, role or session; groups and wildcards in names are refused"
        ) from None
    return (ROOT, account) if kind == ROOT else (kind, role) if kind == ROLE_ITSELF else (kind, text)


def _without_path(role: str) -> str:
    front, _, name = role.rpartition("/")
    return f"{front.split('/')[0]}/{name}"
