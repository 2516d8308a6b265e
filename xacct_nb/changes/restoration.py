"""The check after a rollback: the state is as it was before the run.

Two differences are allowed: revoked sessions stay revoked, and a deleted policy version gets a new id.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from xacct_nb.changes.plan import Change
from xacct_nb.changes.revocation import is_revocation
from xacct_nb.errors import RollbackFailed
from xacct_nb.grants.state import ResourceKey, State


def expected_state(before: State, found: State, made: Iterable[Change]) -> State:
    """Return the state before the run, with the AWSRevokeOlderSessions policies as found or made since."""
    resources = {key: value for key, value in before.resources.items() if not is_revocation(key)}
    resources |= {key: value for key, value in found.resources.items() if is_revocation(key)}
    for change in filter(is_revocation, made):
        resources[ResourceKey(change.kind, change.target, change.name)] = change.after
    return State({key: value for key, value in resources.items() if value is not None})


def check_restored(expected: State, after: State, lost: bool) -> None:
    """Raise RollbackFailed unless the state is as expected; with `lost`, version ids may differ."""
    was, now = expected.to_json(), after.to_json()
    if now != was and not (lost and _without_versions(now) == _without_versions(was)):
        raise RollbackFailed(
            "The changes were rolled back, but the state is not as it was before the run.",
            why="A resource differs from its state in the record.",
            hint="Compare state.before of the record with state.after of this one.",
        )


def _without_versions(state: Iterable[Mapping[str, Any]]) -> list[Any]:
    return [
        {**each, "value": {**each["value"], "version": ""}} if each["kind"] == "managed-policy" else each
        for each in state
    ]
