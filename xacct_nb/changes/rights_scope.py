"""The resources of a grant in one account, as the table of rights names them."""

from collections.abc import Iterable, Iterator

from pydantic import SecretStr

from xacct_nb.changes.proof import expected_probes
from xacct_nb.changes.rights import Condition
from xacct_nb.grants.documents import SOURCE
from xacct_nb.grants.grant import Grant, account_of
from xacct_nb.grants.naming import policy_arn, policy_name
from xacct_nb.iam.arns import Arn

_EVERYTHING = ("*",)  # of what AWS cannot limit to a resource
KINDS = ("user", "role", "group")
Resources = dict[str, tuple[str, ...]]
"""ARNs by the name of what they are; what a grant does not have is not there, or empty."""


def resources_of(grant: Grant, side: str, account: str) -> Resources:
    """Return the resources of one side of a grant in one of its accounts."""
    front = f"arn:{grant.partition}:iam::"
    found = dict(_source(grant, account) if side == SOURCE else _destination(grant, account))
    if not any(found.values()):
        return {}
    of_aws = (f"{front}aws:policy/*",)
    every = (f"{front}{account}:policy/*", *of_aws) if found.get("read-account") else ()
    return {"account": _EVERYTHING, "aws-policy": of_aws, "any-policy": every, **found}


def conditions_of(grant: Grant, side: str, account: str) -> dict[str, Condition]:
    """Return the conditions that AWS knows for the rights on one side, by their names in the table.

    On adopted roles a rollback restores what others set, so no boundary can be required of them.
    """
    if side == SOURCE:
        return {"caller-policy": (("ArnLike", "iam:PolicyARN", _caller_policies(grant, account)),)}
    bounds = (grant.permissions_boundary,) if grant.permissions_boundary and not grant.adopt else ()
    bounded: Condition = (("ArnLike", "iam:PermissionsBoundary", bounds),) if bounds else ()
    return {"bounded": bounded, "managed": (("ArnLike", "iam:PolicyARN", grant.managed_policies), *bounded)}


def _source(grant: Grant, account: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    carriers = _of(account, [grant.attach_to] if grant.attach_to else grant.principals)
    principals = _of(account, grant.principals)
    yield from _everyone(grant, account)
    yield "reported", _EVERYTHING if principals else ()
    is_whole = account in grant.whole_accounts
    inline, managed = (grant.caller_policy == form for form in ("inline", "managed"))
    patterns = _of(account, grant.role_patterns)
    # Of whoever may be a caller, the role's path decides.
    yield "pattern-callers", (f"arn:{grant.partition}:iam::{account}:role/*",) if patterns else ()
    if carriers:
        yield "read-account", _EVERYTHING
        yield "account-of-policies", _EVERYTHING if managed else ()
        yield "caller-policies", _caller_policies(grant, account) if managed else ()
        # Whether one is left that the grant made before.
        yield "former-policies", () if inline or managed else _caller_policies(grant, account)[:1]
        yield "adopted-policies", _caller_policies(grant, account) if grant.adopt and managed else ()
    for kind in KINDS:
        own = _of_kind(kind, carriers)
        named = _of_kind(kind, principals)
        everyone = (f"arn:{grant.partition}:iam::{account}:{kind}/*",)
        yield f"inline-{kind}", own if inline else ()
        yield f"attached-{kind}", own if managed else ()
        yield f"named-{kind}", named if kind != "group" else own
        yield f"holder-{kind}", tuple(dict.fromkeys((*own, *named)))
        matching = patterns if kind == "role" else ()
        yield f"caller-{kind}", everyone if is_whole and kind != "group" else (*named, *matching)
        if kind == "group":
            yield "any-group", everyone if _of_kind("user", (*carriers, *principals)) else ()


def _destination(grant: Grant, account: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    roles = _of(account, grant.destinations)
    own = () if grant.trust_only else roles
    # Of a role that does not exist AWS knows the name alone, so the call is decided for it without its path.
    bare = (f"arn:{grant.partition}:iam::{account}:role/{Arn.parse(each).name}" for each in roles)
    names = tuple(dict.fromkeys((*roles, *bare)))
    yield "roles", roles
    yield "read-account", _EVERYTHING if roles else ()
    yield "account-of-roles", _EVERYTHING if own else ()
    yield "role-names", names
    yield "names-with-permissions", names if own and grant.permissions else ()
    yield "names-with-policies", names if own and grant.managed_policies else ()
    yield from _everyone(grant, account)
    yield "own-roles", own
    yield "roles-with-permissions", own if grant.permissions else ()
    yield "roles-with-policies", own if grant.managed_policies else ()
    yield "roles-with-boundary", own if grant.permissions_boundary else ()
    yield "adopted-roles", own if grant.adopt else ()
    yield "adopted-roles-with-boundary", own if grant.adopt and grant.permissions_boundary else ()
    yield "listed-buckets", _listed_buckets(grant, roles)
    yield from _with_policies(grant, account)


def _everyone(grant: Grant, account: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield whom a trust policy may have named that a rollback restores."""
    for kind in () if grant.trust_only else ("user", "role"):
        yield f"every-{kind}", (f"arn:{grant.partition}:iam::{account}:{kind}/*",)


def _with_policies(grant: Grant, account: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what has a policy of its own among the resources of the permissions, by service."""
    pairs = [(action, each) for one in grant.permissions for action in one.actions for each in one.resources]
    wide = {service: f"arn:{grant.partition}:{place}" for service, place in _WIDE.items()}
    for service, pattern in wide.items():
        named = [each for _, each in pairs if each.split(":")[2:3] == [service]]
        every = any(each == "*" and action.split(":")[0] in (service, "*") for action, each in pairs)
        found = [pattern.format(account)] if every else [each.partition("/")[0] for each in named]
        if service == "kms":
            found = [*named, *([pattern.format(account)] if every else [])]
        yield service, tuple(dict.fromkeys(found))


_WIDE = {
    "s3": "s3:::*",
    "kms": "kms:*:{}:key/*",
    "secretsmanager": "secretsmanager:*:{}:secret:*",
    "sqs": "sqs:*:{}:*",
}


def _listed_buckets(grant: Grant, roles: Iterable[str]) -> tuple[str, ...]:
    """Return the buckets in which the proof looks for an object to read."""
    without_secret = grant.conditions.model_copy(update={"external_id": SecretStr("")})
    probes = expected_probes(grant.model_copy(update={"conditions": without_secret}))
    calls = [probe.call for probe in probes if probe.call and probe.role in roles]
    buckets = [call.parameters["Bucket"] for call in calls if "Prefix" in call.parameters]
    return tuple(dict.fromkeys(f"arn:{grant.partition}:s3:::{each}" for each in buckets))


def _caller_policies(grant: Grant, account: str) -> tuple[str, ...]:
    """Return the grant's managed policies: the first one, and those with a number, as many as there are."""
    front = policy_arn(grant, account).removesuffix(policy_name(grant))
    return f"{front}{policy_name(grant)}", f"{front}{policy_name(grant)}.*"


def _of(account: str, arns: Iterable[str]) -> tuple[str, ...]:
    return tuple(each for each in arns if account_of(each) == account)


def _of_kind(kind: str, arns: Iterable[str]) -> tuple[str, ...]:
    return tuple(each for each in arns if Arn.parse(each).kind == kind)
