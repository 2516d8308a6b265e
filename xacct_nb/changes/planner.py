"""The planner: compares the grant with the live state, checks who owns what, and orders the changes."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from xacct_nb.changes.adoption import keeps_extras, without_adopted
from xacct_nb.changes.kept_access import kept_access, lost_versions
from xacct_nb.changes.plan import Change, Plan, changes_between
from xacct_nb.changes.removal import owner_of, removal
from xacct_nb.changes.revocation import describe_revocation, existing_revocations, is_revocation
from xacct_nb.changes.trust_owner import check_roles, check_statements
from xacct_nb.errors import NotOwned
from xacct_nb.grants.caller_statement import unattached_note
from xacct_nb.grants.documents import DESTINATION, Documents, Policy, caller_policies_near
from xacct_nb.grants.expiry import moment_of
from xacct_nb.grants.grant import Grant, account_of
from xacct_nb.grants.naming import (
    ADOPTED_TAG,
    OWNER_TAG,
    grant_named_in,
    is_caller_policy,
    policy_arn,
    policy_name,
)
from xacct_nb.grants.own_statement import TRUST_STATEMENT
from xacct_nb.grants.shortening import describe_shortening
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.canonical import deleted_ids, same_policy
from xacct_nb.iam.quotas import ROLE_SESSION_SECONDS
from xacct_nb.linting.findings import lint


def diff(documents: Documents, state: State) -> Plan:
    """Return the plan that makes `state` match `documents`; empty where nothing differs in meaning.

    On a role or policy made for the grant, what is not in the grant is removed; on an adopted one it stays,
    and what says the same under another name is not written again.
    AWSRevokeOlderSessions stays on both: without it, revoked sessions would be valid again. A grant that had
    ended when the state was read requires nothing: the plan removes what was made for it. Raises NotOwned
    where a role or policy of that name differs and was not made for this grant, unless the grant has
    `adopt`, or where another one has the name in another path or case. With `manage: trust` also InvalidGrant
    where a role does not exist, and OverQuota where AWS would refuse its trust policy with the statement.
    """
    return diff_with(documents, state, lambda: lint(documents, state).unaccepted)


def diff_with(documents: Documents, state: State, unaccepted: Callable[[], tuple[str, ...]]) -> Plan:
    """Return the plan as `diff` does; `unaccepted` returns the codes of the findings that nobody accepted.

    It is called where something changes.
    """
    grant = documents.grant
    if state.is_after(grant.expires):
        return _removal_plan(documents, state)
    wanted = without_adopted(grant, desired_resources(documents, state), state)
    if grant.trust_only:
        check_roles(documents, state)
    existing = {key for key in state.resources if key.kind != "group" and not is_revocation(key)}
    families = defaultdict[ResourceKey, list[ResourceKey]](list)
    for key in sorted(wanted.keys() | existing):
        families[owner_of(grant, key)].append(key)
    changes = [
        change
        for owner, family in sorted(families.items())
        for change in _changes_of(grant, owner, family, wanted, state)
    ]
    check_names(changes, state)
    check_statements(documents, state, changes)
    ordered = tuple(sorted(changes, key=lambda change: _rank(grant, change)))
    notes, shortened = _notes(documents, state, changes), describe_shortening(grant)
    plan = Plan(grant.name, ordered, notes, reference=grant.reference, shortened=shortened)
    if not changes:
        return plan
    return replace(
        plan,
        unaccepted=unaccepted(),
        accepted=tuple(sorted(grant.accept)),
        access=kept_access(state, grant.destinations, ordered, wanted),
        lost=lost_versions(state, ordered),
    )


def _removal_plan(documents: Documents, state: State) -> Plan:
    """Return the plan that removes what was made for a grant that has ended. Raises NotOwned."""
    grant = documents.grant
    changes, notes = removal(documents, state)
    return Plan(
        grant.name,
        changes,
        (*notes, *_lost_hops(grant, changes)),
        access=kept_access(state, grant.destinations, changes) if changes else (),
        lost=lost_versions(state, changes),
        ended=moment_of(grant.expires),
        shortened=describe_shortening(grant),
    )


def check_names(changes: Iterable[Change], state: State) -> None:
    """Check that nothing else has the name of what the plan makes. Raises NotOwned."""
    for change in changes:
        if other := change.sign == "+" and state.details.get(ResourceKey("same-name", change.target)):
            raise NotOwned(
                f"{change.target} cannot be made: {other} has its name.",
                why="AWS compares the names of roles and policies without their paths and case.",
                hint="Choose another name for the grant or the role.",
            )


def desired_resources(documents: Documents, state: State) -> dict[ResourceKey, Any]:
    """Return the resources that the grant requires; what it leaves open stays as it is in `state`."""
    grant, resources = documents.grant, dict[ResourceKey, Any]()
    for arn, trust in documents.trust_policies.items():
        if grant.trust_only:
            resources |= {ResourceKey(TRUST_STATEMENT, arn, each["Sid"]): each for each in trust["Statement"]}
            continue
        role = ResourceKey("role", arn)
        resources[role] = _role(grant, arn, trust, state.resources.get(role))
        resources |= {ResourceKey("attachment", arn, policy): True for policy in grant.managed_policies}
    for arn, policy in documents.permissions_policies.items():
        resources[ResourceKey("inline-policy", arn, policy_name(grant))] = policy
    for entity, policies in _caller_policies(documents, state).items():
        for number, policy in enumerate(policies, start=1):
            resources |= _caller_policy_resources(grant, entity, number, policy, state)
    return resources


def _caller_policies(documents: Documents, state: State) -> dict[str, list[Policy]]:
    """Return the caller policies with each role where it stands in the live ones."""
    grant = documents.grant
    if grant.caller_policy == "inline" or not documents.caller_policies:
        return dict(documents.caller_policies)
    live = {entity: _live_policies(grant, account_of(entity), state) for entity in documents.caller_policies}
    return caller_policies_near(grant, live) if any(live.values()) else dict(documents.caller_policies)


def _live_policies(grant: Grant, account: str, state: State) -> list[Policy]:
    """Return the documents of the grant's managed caller policies in an account, in their order."""
    found = list[Policy]()
    while live := state.resources.get(
        ResourceKey("managed-policy", policy_arn(grant, account, len(found) + 1))
    ):
        found.append(live["document"])
    return found


def _role(grant: Grant, arn: str, trust: Policy, live: Mapping[str, Any] | None) -> dict[str, Any]:
    fresh = {"path": Arn.parse(arn).path, "description": _description(grant), "boundary": ""}
    kept = {**fresh, **(live or {})}
    return kept | {
        "session_seconds": max(grant.session_minutes * 60, ROLE_SESSION_SECONDS[0]),
        "boundary": grant.permissions_boundary or kept["boundary"],
        "tags": _tags(grant, live),
        "trust": trust,
    }


def _caller_policy_resources(
    grant: Grant, entity: str, number: int, policy: Policy, state: State
) -> dict[ResourceKey, Any]:
    if grant.caller_policy == "inline":
        return {ResourceKey("inline-policy", entity, policy_name(grant, number)): policy}
    arn = policy_arn(grant, account_of(entity), number)
    live = state.resources.get(ResourceKey("managed-policy", arn))
    version = live["version"] if live and same_policy(live["document"], policy) else ""
    kept = {"description": _description(grant), **(live or {})}
    value = kept | {"tags": _tags(grant, live), "document": policy, "version": version}
    return {ResourceKey("managed-policy", arn): value, ResourceKey("attachment", entity, arn): True}


def _description(grant: Grant) -> str:
    return f"xacct-nb grant {grant.name}"


def _tags(grant: Grant, live: Mapping[str, Any] | None) -> dict[str, str]:
    if live is None:
        return {OWNER_TAG: grant.name}
    owned = live["tags"].get(OWNER_TAG) == grant.name
    return dict(live["tags"]) | ({} if owned else {OWNER_TAG: grant.name, ADOPTED_TAG: "true"})


def _changes_of(
    grant: Grant,
    owner: ResourceKey,
    family: list[ResourceKey],
    wanted: Mapping[ResourceKey, Any],
    state: State,
) -> list[Change]:
    """Return the changes of a role or policy with all resources that belong to it. Raises NotOwned."""
    live = state.resources.get(owner)
    tags = live.get("tags") if isinstance(live, Mapping) else None
    keeps = tags is not None and keeps_extras(grant, tags)
    changes = [
        change
        for key in family
        for change in changes_between(key, state.resources.get(key), wanted.get(key))
        if change.after is not None or not keeps
    ]
    if tags is None or tags.get(OWNER_TAG) == grant.name:
        return changes
    touched = [change for change in changes if change.kind != "tags"]
    if touched and not grant.adopt:
        kinds = ", ".join(dict.fromkeys(change.kind for change in touched))
        raise NotOwned(
            f"{owner.target} exists and was not made for the grant {grant.name!r}.",
            why=f"It has no tag {OWNER_TAG}={grant.name}, and the plan would change: {kinds}.",
            hint="Choose another name, or set adopt: true to take it over; "
            "a rollback restores it as it is now.",
        )
    return changes if touched else []


# Restrict before widening: a role gets its boundary and permissions, then its trust, then its callers.
_ROLE_RANKS = {
    "role": 0,
    "boundary": 1,
    "inline-policy": 2,
    "attachment": 2,
    "tags": 3,
    "settings": 3,
    "trust": 4,
    TRUST_STATEMENT: 4,
}
_CALLER_RANKS = {"managed-policy": 5, "tags": 5, "inline-policy": 6, "attachment": 6}


def _rank(grant: Grant, change: Change) -> tuple[int, str, str]:
    is_caller = change.kind == "attachment" and is_caller_policy(grant, change.name)
    if change.target in grant.destinations and not is_caller:
        rank = _ROLE_RANKS[change.kind]
    elif change.after is not None:
        rank = _CALLER_RANKS[change.kind]
    else:
        rank = 8 if change.kind == "managed-policy" else 7
    return rank, change.target, change.name


def _notes(documents: Documents, state: State, changes: list[Change]) -> tuple[str, ...]:
    grant = documents.grant
    adopted = [
        f"{change.target} was not made for this grant and is taken over."
        for change in changes
        if change.kind == "tags" and ADOPTED_TAG in (change.after or {})
    ]
    members = state.resources.get(ResourceKey("group", grant.attach_to))
    outside = [
        f"{arn} is not in {grant.attach_to}, so the caller policy does not reach it."
        for arn in (grant.principals if members is not None else ())
        if Arn.parse(arn).name not in (members or ())
    ]
    deleted = [
        f"{change.target} trusts {', '.join(ids)}, which was deleted; a rollback cannot restore that."
        for change in changes
        if change.kind == "trust" and (ids := deleted_ids(change.before))
    ]
    revocations = sorted(existing_revocations(state).items())
    revoked = [describe_revocation(role, document) for role, document in revocations]
    return (
        *adopted,
        *_trust_only_notes(grant, changes),
        *_lost_hops(grant, changes),
        *deleted,
        *outside,
        *revoked,
        *_unattached(documents, changes),
    )


def _trust_only_notes(grant: Grant, changes: list[Change]) -> Iterator[str]:
    """Yield what a plan leaves to the owners of the roles."""
    for change in changes:
        if change.kind == TRUST_STATEMENT:
            yield f"{change.target} belongs to others: of its trust policy only {change.name} changes."
    if grant.trust_only and grant.permissions and changes:
        yield "The permissions are not written: the roles' owners set them, and the proof asks for them."


def _unattached(documents: Documents, changes: list[Change]) -> Iterator[str]:
    """Yield who needs a policy that the grant does not write, in a plan that has the source side."""
    if changes and documents.side != DESTINATION and (note := unattached_note(documents.grant)):
        yield note


def _lost_hops(grant: Grant, changes: Iterable[Change]) -> Iterator[str]:
    """Yield the caller policies of other grants that a plan takes from a role of its own."""
    for change in changes:
        other = grant_named_in(change.name) if change.after is None else ""
        if other not in ("", grant.name):
            yield (
                f"{change.target} can no longer assume the roles of the grant {other!r}: plan that one again "
                "afterwards."
            )
