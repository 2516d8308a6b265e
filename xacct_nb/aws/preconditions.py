"""Checks that the resources of a plan are still as the plan expects them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from xacct_nb.aws.policy_versions import is_current, is_left_over
from xacct_nb.aws.reader import dependents, read_value
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.json_diff import json_diff
from xacct_nb.changes.plan import Change, Plan, differs
from xacct_nb.changes.self_trust import is_half_made
from xacct_nb.errors import RollbackFailed, StalePlan
from xacct_nb.grants.own_statement import TRUST_STATEMENT
from xacct_nb.iam.canonical import restore_deleted_arns
from xacct_nb.redaction.redact import mask_secrets

PLAN_AGAIN = "Read the difference, then plan the grant again: xacct-nb run plan_and_apply -f FILE"


def check_current(sessions: Sessions, changes: Sequence[Change]) -> None:
    """Raise StalePlan, naming each difference, unless the resource of every planned change is as expected.

    The resource of the first change is read last, immediately before that change is made. One change needs
    one call.
    """
    found = [(change, _current(sessions, change)) for change in reversed(changes)][::-1]
    if changed := [(change, value) for change, value in found if is_different(change, value, change.before)]:
        raise outdated_plan("; ".join(_describe(*each) for each in changed), _differences(changed))


def outdated_plan(what: str, differences: Iterable[str] = ()) -> StalePlan:
    """Return the error for a plan that no longer matches its resources; `what` describes how they differ."""
    why = "Another actor changed it since the plan was made, perhaps another run."
    return StalePlan(
        f"The plan no longer matches AWS: {what}.",
        why="\n".join((why, *differences)),
        hint="Plan the grant again, read the new plan, and approve its digest.",
    )


def find_conflict(sessions: Sessions, change: Change) -> str:
    """Describe how another actor changed the resource of a change in progress; "" for not at all. One call.

    A value equal to the target is no conflict: the call may have taken effect although its response was lost.
    In a rollback, neither is the value from before the run, which IAM may still return.
    """
    value = _current(sessions, change)
    return _describe(change, value) if _is_conflict(change, value) else ""


def remaining_changes(sessions: Sessions, undo_plan: Plan) -> tuple[Change, ...]:
    """Return the changes that are still to be rolled back.

    Raises RollbackFailed where a resource was changed since the run.
    """
    found = [(change, read_value(sessions, change)) for change in undo_plan.changes]
    left = [
        (change, value)
        for change, value in found
        if is_different(change, value, change.after) or is_left_over(sessions, change)
    ]
    conflicts = [(change, value) for change, value in left if _is_conflict(change, value)]
    added = _added_since(sessions, undo_plan, [change for change, _ in left])
    if described := [*(_describe(*each) for each in conflicts), *added]:
        raise RollbackFailed(
            f"Nothing was rolled back: {'; '.join(described)}.",
            why="\n".join(
                (
                    "It was changed since that run, by a later run or by another actor.",
                    *_differences(conflicts),
                )
            ),
            hint=PLAN_AGAIN,
        )
    return tuple(change for change, _ in left)


def is_different(change: Change, value: Any, wanted: Any) -> bool:
    """Return whether two values of the change's resource differ in meaning."""
    return differs(change.kind, mask_secrets(value), mask_secrets(wanted))


def _current(sessions: Sessions, change: Change) -> Any:
    """Return the live value. A policy's version never changes, so that it is still the default is enough."""
    expected = change.before
    if change.kind == "managed-policy" and expected and is_current(sessions, change):
        return expected
    return read_value(sessions, change)


def _added_since(sessions: Sessions, undo_plan: Plan, left: list[Change]) -> list[str]:
    """Return what others attached to a role or policy that is to be deleted."""
    ours = {(change.kind, change.target, change.name) for change in undo_plan.changes}
    roots = [change for change in left if change.after is None and change.kind in ("role", "managed-policy")]
    keys = [key for root in roots for key in sorted(dependents(sessions, root))]
    added = [key for key in keys if (key.kind, key.target, key.name) not in ours]
    return [f"{Change(key.kind, key.target, key.name, None, True).title} was added" for key in added]


def _is_conflict(change: Change, value: Any) -> bool:
    """Return whether the value is neither the one before the change nor the one after it.

    A role that is to trust itself is made by two calls, tags are changed by two calls, and an earlier
    rollback may have ended between them. A deleted principal's id, which AWS shows in place of its ARN, is
    no conflict.
    """
    before, after = change.before, change.after
    if is_half_made(change, value):
        return False
    if change.kind == "role" and isinstance(value, dict) and isinstance(before, dict):
        value = value | {"trust": restore_deleted_arns(value["trust"], before["trust"])}
    elif change.kind == "trust" and value and before:
        value = restore_deleted_arns(value, before)
    elif change.kind == TRUST_STATEMENT and value and before:
        found, written = {"Statement": [value]}, {"Statement": [before]}
        value = restore_deleted_arns(found, written)["Statement"][0]
    elif change.kind == "tags" and isinstance(value, dict):
        names = {*value, *before, *after}
        return any(value.get(name) not in (before.get(name), after.get(name)) for name in names)
    return is_different(change, value, before) and is_different(change, value, after)


def _differences(changed: Iterable[tuple[Change, Any]]) -> Iterator[str]:
    """Yield each difference from the expected value, unless the resource was created or deleted."""
    for change, value in changed:
        if value is not None and change.before is not None:
            differences = json_diff(mask_secrets(change.before), mask_secrets(value))
            yield from (f"{change.title}: {each}" for each in differences)


def _describe(change: Change, value: Any) -> str:
    event = "was deleted" if value is None else "exists" if change.before is None else "was changed"
    return f"{change.title} {event}"
