"""What a plan leaves in place and what it destroys: policies that its roles keep, versions that are lost."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from xacct_nb.changes.access import Loss, PolicyAccess
from xacct_nb.changes.plan import Change
from xacct_nb.changes.revocation import is_revocation
from xacct_nb.grants.own_statement import TRUST_STATEMENT, other_statements
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam.canonical import statements_of

_MISSING = object()


def kept_access(
    state: State, roles: Collection[str], changes: Iterable[Change], wanted: Collection[ResourceKey] = ()
) -> tuple[PolicyAccess, ...]:
    """Return the policies of these roles after the changes, unless the changes show their documents.

    Of a managed policy that is changed, also who keeps it attached. `wanted` are the resources of the grant:
    what is among them is left out, unless it is a managed policy that was read.
    """
    written = {change.key: change for change in changes}
    there = {**state.resources, **state.of_others}
    kept = {key: value for key, value in there.items() if key not in written}
    made = {key: change.after for key, change in written.items() if change.after is not None}
    found = [
        *_inline(kept, roles, wanted),
        *_attached(state, {**kept, **made}, roles, {*wanted, *made}),
        *_boundaries(state, written, roles, wanted),
        *_other_trusts(state, roles, {*wanted, *written}),
        *_others(kept, written, wanted),
    ]
    return tuple(sorted(found, key=lambda each: each.key))


def lost_versions(state: State, changes: Iterable[Change]) -> tuple[Loss, ...]:
    """Return the policy versions that the changes delete for good, as they were read."""
    changed = {change.target for change in changes if change.kind == "managed-policy"}
    found = sorted((key, state.details[key]) for key in state.details if key.kind == "version")
    return tuple(lost_version(key.target, key.name, value) for key, value in found if key.target in changed)


def lost_version(policy: str, version: str, document: Any) -> Loss:
    """Return the loss of one policy version."""
    return Loss(f"Version {version} of {policy} is deleted for good.", document)


def _inline(
    kept: dict[ResourceKey, Any], roles: Collection[str], wanted: Collection[ResourceKey]
) -> Iterator[PolicyAccess]:
    for key, document in kept.items():
        ours = key.kind == "inline-policy" and key.target in roles and key not in wanted
        if ours and not (is_revocation(key) and _only_denies(document)):
            yield PolicyAccess(key.kind, key.target, key.name, document)


def _attached(
    state: State, after: dict[ResourceKey, Any], roles: Collection[str], planned: Collection[ResourceKey]
) -> Iterator[PolicyAccess]:
    for key in after:
        value = state.details.get(ResourceKey("policy", key.name), _MISSING)
        ours = key.kind == "attachment" and key.target in roles
        if ours and not (value is _MISSING and key in planned):
            yield PolicyAccess(key.kind, key.target, key.name, None if value is _MISSING else value)


def _boundaries(
    state: State,
    written: dict[ResourceKey, Change],
    roles: Collection[str],
    wanted: Collection[ResourceKey],
) -> Iterator[PolicyAccess]:
    for role in roles:
        whole, part = written.get(ResourceKey("role", role)), written.get(ResourceKey("boundary", role))
        live = whole.after if whole else state.role(role)
        policy = part.after if part else live and live["boundary"]
        value = state.details.get(ResourceKey("policy", policy or ""), _MISSING)
        if policy and not (value is _MISSING and (part or whole)):
            yield PolicyAccess("boundary", role, policy, None if value is _MISSING else value)


def _other_trusts(
    state: State, roles: Collection[str], ours: Collection[ResourceKey]
) -> Iterator[PolicyAccess]:
    """Yield the trust policies of roles of others, without the statements of the grant."""
    own = [key for key in ours if key.kind == TRUST_STATEMENT]
    for role in roles:
        sids = [key.name for key in own if key.target == role]
        if sids and (live := state.role(role)):
            yield PolicyAccess("trust", role, "", other_statements(live["trust"], *sids))


def _others(
    kept: dict[ResourceKey, Any], written: dict[ResourceKey, Change], wanted: Collection[ResourceKey]
) -> Iterator[PolicyAccess]:
    for key in kept:
        change = written.get(ResourceKey("managed-policy", key.name)) if key.kind == "attachment" else None
        if change and change.after is not None and key not in wanted:
            yield PolicyAccess(key.kind, key.target, key.name, True)


def _only_denies(document: Any) -> bool:
    return all(isinstance(each, dict) and each.get("Effect") == "Deny" for each in statements_of(document))
