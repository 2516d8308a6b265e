"""Whether all is as it was before a run, but for sessions that were ended and versions that are lost."""

from collections.abc import Iterable, Mapping
from typing import Any

from xacct_nb.changes.plan import Change
from xacct_nb.changes.revocation import is_revocation
from xacct_nb.errors import RollbackFailed
from xacct_nb.grants.state import ResourceKey, State


def expected_state(before: State, found: State, made: Iterable[Change]) -> State:
    """The state of before the run, with AWSRevokeOlderSessions as found now or as made on the way back.

    That policy is no part of what a run did: where sessions were ended, they stay ended.
    """
    resources = {key: value for key, value in before.resources.items() if not is_revocation(key)}
    resources |= {key: value for key, value in found.resources.items() if is_revocation(key)}
    for change in filter(is_revocation, made):
        key = ResourceKey(change.kind, change.target, change.name)
        resources = {**resources, key: change.after}
    return State({key: value for key, value in resources.items() if value is not None})


def check_restored(wanted: State, after: State, lost: bool) -> None:
    """Raises RollbackFailed where something is not as it was; of a lost version only the text counts."""
    was, now = wanted.to_json(), after.to_json()
    if now != was and not (lost and _unversioned(now) == _unversioned(was)):
        raise RollbackFailed(
            "The changes were taken back, but the state is not as it was before the run.",
            why="Something else in it differs from the state that the record kept.",
            hint="Compare state.before of the record with state.after of this one.",
        )


def _unversioned(state: Iterable[Mapping[str, Any]]) -> list[Any]:
    return [
        {**thing, "value": {**thing["value"], "version": ""}} if thing["kind"] == "managed-policy" else thing
        for thing in state
    ]
