"""AWSRevokeOlderSessions: AWS's inline policy that ends the sessions of a role issued before a cutoff."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from xacct_nb.changes.plan import Change
from xacct_nb.grants.documents import Policy
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.canonical import canonical_json, statements_of
from xacct_nb.iam.operators import parse_date

REVOKED = "AWSRevokeOlderSessions"
CREATION_TIME = "[policy creation time]"
AHEAD_SECONDS = 30
# AWS counts whole seconds: a fraction is rounded up.
_A_SECOND = timedelta(microseconds=999_999)
_YEAR_9999 = 253_370_764_800  # seconds since 1970; a datetime ends with that year
_SESSIONS_END = (
    f"{{role}}: {REVOKED} denies all actions to every session issued until {AHEAD_SECONDS} seconds after "
    "the policy is made. The cutoff is set when the policy is made."
)
_SESSIONS_STAY = (
    "{role} stays, and its open sessions stay valid for up to {hours:g} h, with the role's new permissions. "
    "To end them too: -p revoke_sessions true"
)
_SESSIONS_OF_OTHERS = (
    "{role} belongs to others and stays, and its open sessions stay valid for up to {hours:g} h. "
    "Only its owner can end them: that would end the sessions of every caller."
)
_CALLER_POLICIES = ("inline-policy", "managed-policy")


def revocation(moment: str = CREATION_TIME) -> Policy:
    """Return the policy that denies all actions to sessions issued before a cutoff (UTC, ISO 8601).

    Without one it holds AWS's placeholder, so that the plan's digest does not depend on the time.
    Source: IAM user guide, "Revoke IAM role temporary security credentials".
    """
    condition = {"DateLessThan": {"aws:TokenIssueTime": moment}}
    statement = {"Effect": "Deny", "Action": ["*"], "Resource": ["*"], "Condition": condition}
    return {"Version": "2012-10-17", "Statement": [statement]}


def is_revocation(resource: Change | ResourceKey) -> bool:
    """Return whether the resource is a policy of this name."""
    return resource.kind == "inline-policy" and resource.name == REVOKED


def revokes(change: Change) -> bool:
    """Return whether a change ends sessions."""
    return is_revocation(change) and change.after is not None


def existing_revocations(state: State) -> dict[str, Policy]:
    """Return the policies of this name that exist: {role ARN: document}."""
    return {key.target: value for key, value in state.resources.items() if is_revocation(key)}


def with_cutoff(change: Change, moment: datetime) -> Change:
    """Return the planned change with its cutoff; a later existing one is kept, so that no session revives."""
    latest = max([moment, *_cutoffs(change.before)]) + _A_SECOND
    return replace(change, after=revocation(f"{latest:%Y-%m-%dT%H:%M:%SZ}"))


def covers(change: Change, moment: datetime) -> bool:
    """Return whether the policy that a change makes ends the sessions that are issued before a moment."""
    return any(cutoff >= moment for cutoff in _cutoffs(change.after))


def describe_revocation(role: str, document: Any) -> str:
    """Return what the policy on a role does, as a sentence."""
    when = ", ".join(f"{cutoff:%Y-%m-%d %H:%M:%S} UTC" for cutoff in _cutoffs(document))
    name = Arn.parse(role).resource
    return f"{REVOKED} on {name} denies all actions to sessions issued before {when or 'its cutoff'}."


def plan_revocation(role: str, state: State) -> Change:
    """Return the change that ends the sessions of a role; its cutoff is set when it is made."""
    return Change("inline-policy", role, REVOKED, existing_revocations(state).get(role), revocation())


def with_existing_revocations(changes: Iterable[Change], state: State) -> Iterator[Change]:
    """Yield the changes; after each role that they made, its policy of this name, to be deleted with it."""
    existing = existing_revocations(state)
    for change in changes:
        yield change
        if _makes_role(change) and change.target in existing:
            yield Change("inline-policy", change.target, REVOKED, None, existing[change.target])


def reversible_changes(changes: Collection[Change]) -> tuple[Change, ...]:
    """Return the changes that a rollback undoes: not the end of sessions, unless it deletes the role."""
    roles = {change.target for change in changes if _makes_role(change)}
    return tuple(change for change in changes if not revokes(change) or change.target in roles)


def affected_roles(changes: Collection[Change], roles: Collection[str]) -> tuple[str, ...]:
    """Return the roles whose sessions these changes affect: the role changed, or who may assume it."""
    return tuple(role for role in roles if any(_affects(change, role, roles) for change in changes))


def role_remains(role: str, state: State, undo: Iterable[Change]) -> bool:
    """Return whether the role exists and the rollback does not delete it."""
    return ResourceKey("role", role) in state.resources and role not in _deleted(undo)


def session_notes(
    roles: Collection[str], state: State, undo: Collection[Change], *, revoked: bool
) -> Iterator[str]:
    """Yield what a rollback means for the open sessions of the affected roles, one sentence each."""
    existing = existing_revocations(state)
    if revoked and not roles:
        yield "This change affects no role's sessions, so no session is ended."
    for role in roles:
        if role in _deleted(undo):
            yield f"{role} and its policies are deleted, and its open sessions lose their permissions."
        elif role_remains(role, state, undo):
            if role in existing:
                yield describe_revocation(role, existing[role])
            note = _SESSIONS_END if revoked else _SESSIONS_STAY
            yield note.format(role=role, hours=_longest_session(role, state, undo) / 3600)
        elif live := state.role(role):
            yield _SESSIONS_OF_OTHERS.format(role=role, hours=live["session_seconds"] / 3600)


def _makes_role(change: Change) -> bool:
    return change.kind == "role" and change.before is None


def _deleted(undo: Iterable[Change]) -> set[str]:
    return {change.target for change in undo if change.kind == "role" and change.after is None}


def _longest_session(role: str, state: State, changes: Iterable[Change]) -> int:
    """Return how long a session may last, in seconds, before or after the change."""
    settings = [each for each in changes if (each.kind, each.target) == ("settings", role)]
    sides = [side["session_seconds"] for each in settings for side in (each.before, each.after)]
    return int(max([state.resources[ResourceKey("role", role)]["session_seconds"], *sides]))


def _affects(change: Change, role: str, roles: Collection[str]) -> bool:
    if change.target in roles:
        return change.target == role
    if change.kind in _CALLER_POLICIES:
        name = f'"{role}"'
        return (name in canonical_json(change.before)) != (name in canonical_json(change.after))
    return change.kind == "attachment"


def _cutoffs(document: Any) -> list[datetime]:
    """Return the cutoffs in a policy of this name; what is no date is left out."""
    found = []
    for statement in statements_of(document) if isinstance(document, Mapping) else []:
        text = str(statement.get("Condition", {}).get("DateLessThan", {}).get("aws:TokenIssueTime", ""))
        seconds = parse_date(text)
        if seconds is not None and 0 <= seconds < _YEAR_9999:
            found.append(datetime.fromtimestamp(float(seconds), UTC))
    return found
