"""The caller of a request, and the condition keys that follow from it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from xacct_nb.errors import InvalidArn
from xacct_nb.iam.patterns import Context
from xacct_nb.iam.unknown import ANY_VALUE, UNREAD_ID, UnknownValue

USER, ROLE_ITSELF, SESSION, ROOT, FEDERATED_USER = "user", "role", "session", "root", "federated-user"
SERVICE, FEDERATED, CANONICAL, ANONYMOUS = "service", "federated", "canonical", "anonymous"
WEB_PROVIDERS = (
    "cognito-identity.amazonaws.com",
    "accounts.google.com",
    "graph.facebook.com",
    "www.amazon.com",
)
PROVIDER_ARN = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):(saml|oidc)-provider/.+")
SERVICE_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*\.amazon(?:aws)?\.com(?:\.cn)?")
CANONICAL_ID = re.compile(r"[0-9a-f]{64}")
# CloudFront's older way into a bucket: a user of an account of CloudFront's own.
ORIGIN_ACCESS_IDENTITY = re.compile(
    r"arn:aws[a-z-]*:iam::cloudfront:user/CloudFront Origin Access Identity [A-Z0-9]+"
)
_ARN = re.compile(r"arn:(aws[a-z-]*):(iam|sts)::([0-9]{12}):(?:(root)|([a-z-]+)/(.*))")
_SERVICE_LINKED_PATH, _SERVICE_LINKED_NAME = ":role/aws-service-role/", "AWSServiceRoleFor"
# By service and type in the ARN: the kind of caller, and the pattern of the rest.
_CALLER_PATTERNS = {
    ("iam", "user"): (USER, r"[^*?$]+"),
    ("iam", "role"): (ROLE_ITSELF, r"[^*?$]+"),
    ("sts", "assumed-role"): (SESSION, r"[^/*?$]+/[^/*?$]+"),
    ("sts", "federated-user"): (FEDERATED_USER, r"[^/*?$]+"),
}
# The kinds of callers in no account; the first whose test holds is the kind.
_OUTSIDE: tuple[tuple[str, Callable[[str], object]], ...] = (
    (ANONYMOUS, "*".__eq__),
    (FEDERATED, lambda text: text in WEB_PROVIDERS or PROVIDER_ARN.fullmatch(text)),
    (CANONICAL, lambda text: CANONICAL_ID.fullmatch(text) or ORIGIN_ACCESS_IDENTITY.fullmatch(text)),
    (SERVICE, SERVICE_NAME.fullmatch),
)
# The condition keys that follow from each kind of caller, as templates; "" is a key that it never has.
# Source: reference_policies_variables (principal key values), reference_policies_condition-keys.
_NO_SERVICE = {"aws:PrincipalServiceName": "", "aws:PrincipalServiceNamesList": ""}
_NO_SERVICE |= {"aws:SourceArn": "", "aws:SourceAccount": "", "aws:SourceOrgID": "", "aws:SourceOrgPaths": ""}
_SIGNED = {
    "aws:PrincipalArn": "{text}",
    "aws:PrincipalAccount": "{account}",
    "aws:PrincipalIsAWSService": "false",
    "aws:username": "",
    **_NO_SERVICE,
}
_NO_FEDERATION = {"aws:FederatedProvider": ""}
KEYS: dict[str, dict[str, str]] = {
    USER: {**_SIGNED, **_NO_FEDERATION, "aws:PrincipalType": "User", "aws:username": "{name}"},
    ROLE_ITSELF: {**_SIGNED, "aws:PrincipalType": "AssumedRole"},
    SESSION: {**_SIGNED, "aws:PrincipalType": "AssumedRole"},
    ROOT: {**_SIGNED, **_NO_FEDERATION, "aws:PrincipalType": "Account", "aws:userid": "{account}"},
    FEDERATED_USER: {
        **_SIGNED,
        "aws:PrincipalType": "FederatedUser",
        "aws:userid": "{account}:{name}",
    },
    SERVICE: {
        "aws:PrincipalIsAWSService": "true",
        "aws:PrincipalServiceName": "{text}",
        "aws:username": "",
    },
    FEDERATED: {"aws:PrincipalIsAWSService": "", "aws:PrincipalArn": "", "aws:username": "", **_NO_SERVICE},
    CANONICAL: {},
    ANONYMOUS: {
        "aws:PrincipalAccount": "anonymous",
        "aws:PrincipalType": "Anonymous",
        "aws:userid": "anonymous",
        "aws:PrincipalArn": "",
        "aws:PrincipalIsAWSService": "",
        "aws:PrincipalOrgID": "",
        "aws:PrincipalOrgPaths": "",
        "aws:username": "",
        **_NO_SERVICE,
        **_NO_FEDERATION,
    },
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

    Raises InvalidArn.
    """
    for kind, holds in _OUTSIDE:
        if holds(text):
            keys = _keys(kind, text, "")
            # It has the service's name, and regional ones that are not known.
            names = {"aws:principalservicenameslist": ANY_VALUE} if kind == SERVICE else {}
            return Caller(text, kind, "", "", "", keys | names)
    kind, account, role = parse_principal(text)
    keys = _keys(kind, text, account)
    keys.setdefault("aws:userid", UNREAD_ID)
    if kind == SESSION:
        # The ARN of a session does not have the path of its role.
        front, _, name = role.rpartition("/")
        keys["aws:principalarn"] = UnknownValue(f"{front}/", name)
    return Caller(text, kind, account, role, text if kind == ROLE_ITSELF else "", keys)


def _keys(kind: str, text: str, account: str) -> dict[str, tuple[str, ...]]:
    provider = PROVIDER_ARN.fullmatch(text)
    signs_in = {"aws:FederatedProvider": "{text}"} if kind == FEDERATED and not _is_saml(provider) else {}
    parts = {"text": text, "account": account, "name": text.rpartition("/")[2]}
    templates = KEYS[kind] | signs_in
    return {key.lower(): (each.format(**parts),) if each else () for key, each in templates.items()}


def _is_saml(provider: re.Match[str] | None) -> bool:
    return provider is not None and provider[2] == "saml"


def is_service_linked(caller: Caller, context: Context) -> bool | None:
    """Return whether the caller is a service-linked role, or a session of one; None where that is not known.

    Its path tells. Source: id_roles_create-service-linked-role.
    """
    if not caller.role:
        return False
    given = (caller.role_with_path,) if caller.role_with_path else context.get("aws:principalarn", ())
    if isinstance(given, UnknownValue):
        return None if given.end.startswith(_SERVICE_LINKED_NAME) else False
    return any(_SERVICE_LINKED_PATH in arn for arn in given)


def parse_principal(text: str) -> tuple[str, str, str]:
    """Return kind, account, and the role's ARN without its path, of a principal in an account."""
    found = _ARN.fullmatch(text)
    if found and found[4] and found[2] == "iam":
        return ROOT, found[3], ""
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
    return kind, found[3], role
