"""Who calls, and whether the Principal of a policy means them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from xacct_nb.errors import InvalidArn
from xacct_nb.iam.patterns import Context

# How a statement means the caller: not at all, through the account, through the role, or itself.
NO_MATCH, ACCOUNT, ROLE, DIRECT = 0, 1, 2, 3
USER, ROLE_ITSELF, SESSION, ROOT, FEDERATED_USER = "user", "role", "session", "root", "federated-user"
SERVICE, FEDERATED, CANONICAL, ANONYMOUS = "service", "federated", "canonical", "anonymous"
_KINDS = ("AWS", "Service", "Federated", "CanonicalUser")
_ACCOUNT = re.compile(r"[0-9]{12}")
_UNIQUE = re.compile(r"A(?:IDA|ROA)[A-Z0-9]{12,124}")
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
# The service and the parts after the kind that the ARN of each kind of caller has.
_SHAPES = {
    ("iam", "user"): (USER, r"[^*?$]+"),
    ("iam", "role"): (ROLE_ITSELF, r"[^*?$]+"),
    ("sts", "assumed-role"): (SESSION, r"[^/*?$]+/[^/*?$]+"),
    ("sts", "federated-user"): (FEDERATED_USER, r"[^/*?$]+"),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: its kind, its account ("" for none), and what follows from it for the request.

    `role` is the ARN of the role without its path, `role_in_full` the one with it, where that is known.
    """

    text: str
    kind: str
    account: str
    role: str
    role_in_full: str
    keys: Mapping[str, tuple[str, ...]]


@lru_cache(maxsize=4096)
def read_caller(text: str) -> Caller:
    """The caller that this text names: an ARN, a service, an identity provider, or `*` for anybody.

    Source: reference_policies_variables (principal key values), reference_policies_condition-keys.
    Raises InvalidArn.
    """
    if not _ARN.fullmatch(text) or _PROVIDER.fullmatch(text):
        return _caller_without_account(text)
    kind, account, role, in_full = _parse_principal(text)
    arn = in_full or text
    keys = {
        "aws:principalarn": (arn,),
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
    return Caller(text, kind, account, role, in_full if kind == ROLE_ITSELF else "", keys)


_TYPES = {
    USER: "User",
    ROLE_ITSELF: "AssumedRole",
    SESSION: "AssumedRole",
    ROOT: "Account",
    FEDERATED_USER: "FederatedUser",
}


def _parse_principal(text: str) -> tuple[str, str, str, str]:
    """Kind, account, role without path, and ARN behind the session or role, of a principal in an account."""
    found = _ARN.fullmatch(text)
    if found and found[4] and found[2] == "iam":
        return ROOT, found[3], "", ""
    shape = _SHAPES.get((found[2], found[5])) if found else None
    if not found or not shape or not re.fullmatch(shape[1], found[6]):
        raise InvalidArn(
            f"{text!r} is not somebody who can call AWS.",
            why="Users, roles, sessions of roles, the account root, services and identity providers can.",
            hint="Write it like arn:aws:iam::111111111111:user/alice; a group or an account id cannot call.",
        )
    kind, name = shape[0], found[6]
    plain = name.split("/")[0] if kind == SESSION else name.rpartition("/")[2]
    role = f"arn:{found[1]}:iam::{found[3]}:role/{plain}" if kind in (SESSION, ROLE_ITSELF) else ""
    return kind, found[3], role, text if kind == ROLE_ITSELF else role


def _caller_without_account(text: str) -> Caller:
    if text == "*":
        return Caller(text, ANONYMOUS, "", "", "", {"aws:principaltype": ("Anonymous",)})
    if text in _WEB_PROVIDERS or _PROVIDER.fullmatch(text):
        return Caller(text, FEDERATED, "", "", "", {})
    if _CANONICAL.fullmatch(text):
        return Caller(text, CANONICAL, "", "", "", {})
    if _SERVICE.fullmatch(text):
        keys = {"aws:principalisawsservice": ("true",), "aws:principalservicename": (text,)}
        return Caller(text, SERVICE, "", "", "", keys)
    _parse_principal(text)
    raise AssertionError(text)  # _named has refused it


@dataclass(frozen=True, slots=True)
class Principals:
    """Those whom a Principal or NotPrincipal element names."""

    anyone: bool
    accounts: frozenset[str]
    roles: Mapping[str, tuple[str, ...]]
    others: frozenset[str]
    unique_ids: frozenset[str]
    texts: tuple[str, ...]

    def match_level(self, caller: Caller, context: Context) -> int:
        """How the element means the caller: NOBODY, ACCOUNT, ROLE or DIRECT.

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
        """Whether a NotPrincipal of these leaves the caller out: its account has to be named too.

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
        """Names of roles are unique in an account; where the path is known, it has to be the same."""
        named = self.roles[caller.role]
        if caller.role_in_full:
            return caller.role_in_full in named
        (said, *_) = context.get("aws:principalarn", ("",))
        return said in named or said == caller.role or _without_path(said) != caller.role

    def _has_id(self, context: Context) -> bool:
        (known, *_) = context.get("aws:userid", ("",))
        return known.partition(":")[0] in self.unique_ids


def principals(element: Any) -> Principals:
    """Those whom a Principal or NotPrincipal element of a policy names.

    Source: reference_policies_elements_principal. Raises ValueError with what is wrong.
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
        sort, plain = _classify(kind, text)
        if sort == ROLE_ITSELF:
            roles[plain] = (*roles.get(plain, ()), text)
        else:
            {ROOT: accounts, "unique-id": unique_ids}.get(sort, others).add(plain)
    shown = tuple(f"{kind}: {text}" for kind, text in texts)
    return Principals(
        "*" in others, frozenset(accounts), roles, frozenset(others), frozenset(unique_ids), shown
    )


def _texts(element: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for kind, value in element.items():
        if kind not in _KINDS:
            raise ValueError(f"{kind!r} is no kind of principal; there are {', '.join(_KINDS)}")
        for text in value if isinstance(value, (list, tuple)) else (value,):
            if not isinstance(text, str):
                raise ValueError(f"{kind} holds what is not text")
            yield kind, text


def _classify(kind: str, text: str) -> tuple[str, str]:
    """What sort of principal this is, and its text as callers are compared with it. Raises ValueError."""
    if kind == "AWS":
        return _aws(text)
    shape, words = _OTHERS[kind]
    if text in _WEB_PROVIDERS and kind == "Federated":
        return kind, text
    if not shape.fullmatch(text):
        raise ValueError(f"{text!r} is not {words}")
    return kind, text


_OTHERS = {
    "Service": (_SERVICE, "the name of a service such as ec2.amazonaws.com"),
    "Federated": (_PROVIDER, "an identity provider"),
    "CanonicalUser": (_CANONICAL, "a canonical user id"),
}


def _aws(text: str) -> tuple[str, str]:
    if text == "*":
        return "everybody", text
    if _ACCOUNT.fullmatch(text):
        return ROOT, text
    if _UNIQUE.fullmatch(text):
        return "unique-id", text
    try:
        kind, account, role, _ = _parse_principal(text)
    except InvalidArn:
        raise ValueError(
            f"{text!r} is no account, user, role or session; a wildcard is * alone, a group cannot be one"
        ) from None
    return (ROOT, account) if kind == ROOT else (kind, role) if kind == ROLE_ITSELF else (kind, text)


def _without_path(role: str) -> str:
    front, _, name = role.rpartition("/")
    return f"{front.split('/')[0]}/{name}"
