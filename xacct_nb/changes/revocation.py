"""AWSRevokeOlderSessions: the policy that ends a role's sessions, its moment, and which roles it concerns."""

from collections.abc import Iterable, Iterator, Mapping
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
_CALLER_POLICIES = ("inline-policy", "managed-policy")


def revocation(moment: str = CREATION_TIME) -> Policy:
    """The policy that denies all to sessions issued before a moment (UTC, ISO 8601).

    Without one it holds AWS's words for "when it is made", so that a plan of it stays the same until then.
    Source: IAM user guide, "Revoke IAM role temporary security credentials".
    """
    condition = {"DateLessThan": {"aws:TokenIssueTime": moment}}
    statement = {"Effect": "Deny", "Action": ["*"], "Resource": ["*"], "Condition": condition}
    return {"Version": "2012-10-17", "Statement": [statement]}


def is_revocation(thing: Change | ResourceKey) -> bool:
    """Whether it is the policy of this name."""
    return thing.kind == "inline-policy" and thing.name == REVOKED


def revokes(change: Change) -> bool:
    """Whether a change ends sessions."""
    return is_revocation(change) and change.after is not None


def existing_revocations(state: State) -> dict[str, Policy]:
    """The policies of this name that are there: role ARN -> document."""
    return {key.target: value for key, value in state.resources.items() if is_revocation(key)}


def with_cutoff(change: Change, moment: datetime) -> Change:
    """The planned change with its moment, or with a later one that stands: no session comes back to life."""
    latest = max([moment, *_moments(change.before)]) + _A_SECOND
    return replace(change, after=revocation(f"{latest:%Y-%m-%dT%H:%M:%SZ}"))


def describe_revocation(role: str, document: Any) -> str:
    """What the policy on a role does, in words."""
    when = ", ".join(f"{moment:%Y-%m-%d %H:%M:%S} UTC" for moment in _moments(document))
    about = Arn.parse(role).resource
    return f"{REVOKED} on {about} denies all to sessions issued before {when or 'a moment'}."


def plan_revocation(role: str, state: State) -> Change:
    """The change that ends the sessions of a role, whose moment is still open."""
    return Change("inline-policy", role, REVOKED, existing_revocations(state).get(role), revocation())


def with_existing_revocations(changes: Iterable[Change], state: State) -> Iterator[Change]:
    """The changes of a run with what stands of this name on roles that they made: it goes with the role."""
    there = existing_revocations(state)
    for change in changes:
        yield change
        if _makes_role(change) and change.target in there:
            yield Change("inline-policy", change.target, REVOKED, None, there[change.target])


def reversible_changes(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes that a way back takes back: sessions that were ended stay so, while there is the role."""
    made = list(changes)
    roles = {change.target for change in made if _makes_role(change)}
    return tuple(change for change in made if not revokes(change) or change.target in roles)


def affected_roles(changes: Iterable[Change], roles: Iterable[str]) -> tuple[str, ...]:
    """The roles whose sessions these changes bear on: a role itself is changed, or who may ask for it."""
    made, ours = list(changes), list(roles)
    return tuple(role for role in ours if any(_bears_on(change, role, ours) for change in made))


def role_remains(role: str, state: State, way_back: Iterable[Change]) -> bool:
    """Whether the role is there, and is not deleted on the way back."""
    return ResourceKey("role", role) in state.resources and role not in _deleted(way_back)


def session_notes(
    concerned: Iterable[str], state: State, way_back: Iterable[Change], *, revoked: bool
) -> Iterator[str]:
    """What becomes of open sessions of the roles that a way back concerns, in words."""
    changes, there, roles = list(way_back), existing_revocations(state), list(concerned)
    if revoked and not roles:
        yield "This change bears on no role's sessions, so none are ended."
    for role in roles:
        if role in _deleted(changes):
            yield f"{role} is deleted, and its policies before it: what they allowed its sessions is lost."
        elif role_remains(role, state, changes):
            if role in there:
                yield describe_revocation(role, there[role])
            yield _ended(role) if revoked else _going_on(role, _longest(role, state, changes))


def _ended(role: str) -> str:
    return (
        f"{role}: every session issued until {AHEAD_SECONDS} seconds after {REVOKED} is made is denied "
        f"everything, whoever opened it. Its time is put in when it is made."
    )


def _going_on(role: str, seconds: int) -> str:
    return (
        f"{role} stays, and its open sessions go on for up to {seconds / 3600:g} h, with what the role may "
        f"do then. To end them too: -p revoke_sessions true"
    )


def _makes_role(change: Change) -> bool:
    return change.kind == "role" and change.before is None


def _deleted(way_back: Iterable[Change]) -> set[str]:
    return {change.target for change in way_back if change.kind == "role" and change.after is None}


def _longest(role: str, state: State, changes: Iterable[Change]) -> int:
    """How long a session may last, in seconds, as the role was and is."""
    settings = [each for each in changes if (each.kind, each.target) == ("settings", role)]
    sides = [side["session_seconds"] for each in settings for side in (each.before, each.after)]
    return int(max([state.resources[ResourceKey("role", role)]["session_seconds"], *sides]))


def _bears_on(change: Change, role: str, roles: list[str]) -> bool:
    if change.target in roles:
        return change.target == role
    if change.kind in _CALLER_POLICIES:
        named = f'"{role}"'
        return (named in canonical_json(change.before)) != (named in canonical_json(change.after))
    return change.kind == "attachment"


def _moments(document: Any) -> list[datetime]:
    """The moments in a policy of this name; what is no date is left out."""
    found = []
    for statement in statements_of(document) if isinstance(document, Mapping) else []:
        text = str(statement.get("Condition", {}).get("DateLessThan", {}).get("aws:TokenIssueTime", ""))
        seconds = parse_date(text)
        if seconds is not None and 0 <= seconds < _YEAR_9999:
            found.append(datetime.fromtimestamp(float(seconds), UTC))
    return found
