"""Looks whether what a change is about is still as the change expects it."""

from collections.abc import Iterable, Iterator
from typing import Any

from xacct_nb.aws.policy_versions import is_current, is_left_over
from xacct_nb.aws.reader import dependents, read_value
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.json_diff import json_diff
from xacct_nb.changes.plan import Change, Plan, differs
from xacct_nb.errors import RollbackFailed, StalePlan
from xacct_nb.iam.canonical import restore_deleted_arns
from xacct_nb.redaction.redact import mask_secrets


def check_current(sessions: Sessions, plan: Plan) -> None:
    """Raises StalePlan, naming all that moved, where something is no longer as the plan found it.

    The first change of the plan is looked at last, a moment before it is made.
    """
    found = [(change, _found(sessions, change)) for change in reversed(plan.changes)][::-1]
    if moved := [(change, value) for change, value in found if is_different(change, value, change.before)]:
        raise stale_plan("; ".join(_words(*each) for each in moved), _differences(moved))


def check_unchanged(sessions: Sessions, change: Change) -> None:
    """Raises StalePlan where what the change is about is no longer as the plan found it; asks AWS once."""
    value = _found(sessions, change)
    if is_different(change, value, change.before):
        raise stale_plan(_words(change, value), _differences([(change, value)]))


def stale_plan(words: str, differences: Iterable[str] = ()) -> StalePlan:
    """What a plan meets that no longer fits, for the reason that the words say."""
    why = "Somebody changed it since the plan was made, perhaps another run."
    return StalePlan(
        f"The plan no longer fits: {words}.",
        why="\n".join((why, *differences)),
        hint="Plan the grant again, read the new plan, and approve its digest.",
    )


def find_conflict(sessions: Sessions, change: Change) -> str:
    """What somebody did to the thing of a change that is under way, in words; "" for nothing. Asks AWS once.

    As the change leaves it is nobody's doing: it may have been made unheard, and on the way back IAM may
    still show what was there before the run.
    """
    value = _found(sessions, change)
    return _words(change, value) if _is_touched(change, value) else ""


def remaining_changes(sessions: Sessions, way_back: Plan) -> tuple[Change, ...]:
    """The changes that are not back yet. Raises RollbackFailed where somebody changed something since."""
    found = [(change, read_value(sessions, change)) for change in way_back.changes]
    left = [
        (change, value)
        for change, value in found
        if is_different(change, value, change.after) or is_left_over(sessions, change)
    ]
    moved = [(change, value) for change, value in left if _is_touched(change, value)]
    added = _added_since(sessions, way_back, [change for change, _ in left])
    if words := [*(_words(*each) for each in moved), *added]:
        raise RollbackFailed(
            f"Nothing was rolled back: {'; '.join(words)}.",
            why="\n".join(("Somebody changed it since the run.", *_differences(moved))),
            hint="Look at the difference, and plan the grant again from what is there now.",
        )
    return tuple(change for change, _ in left)


def is_different(change: Change, value: Any, wanted: Any) -> bool:
    """Whether a value of the change's thing differs from the wanted one in meaning."""
    return differs(change.kind, mask_secrets(value), mask_secrets(wanted))


def _found(sessions: Sessions, change: Change) -> Any:
    """The thing as it is now; a version of a policy never changes, so whether it still counts is enough."""
    expected = change.before
    if change.kind == "managed-policy" and expected and is_current(sessions, change):
        return expected
    return read_value(sessions, change)


def _added_since(sessions: Sessions, way_back: Plan, left: list[Change]) -> list[str]:
    """What others hung on a role or policy that is to be deleted."""
    ours = {(change.kind, change.target, change.name) for change in way_back.changes}
    roots = [change for change in left if change.after is None and change.kind in ("role", "managed-policy")]
    keys = [key for root in roots for key in sorted(dependents(sessions, root))]
    added = [key for key in keys if (key.kind, key.target, key.name) not in ours]
    return [f"{Change(key.kind, key.target, key.name, None, True).title} was added" for key in added]


def _is_touched(change: Change, value: Any) -> bool:
    """Whether it is neither as it was left nor as it was before.

    That AWS shows a deleted principal's id is nobody's change. Tags are changed by two calls, between which
    an earlier roll-back may have ended.
    """
    before, after = change.before, change.after
    if change.kind == "role" and isinstance(value, dict) and isinstance(before, dict):
        value = value | {"trust": restore_deleted_arns(value["trust"], before["trust"])}
    elif change.kind == "trust" and value and before:
        value = restore_deleted_arns(value, before)
    elif change.kind == "tags" and isinstance(value, dict):
        names = {*value, *before, *after}
        return any(value.get(name) not in (before.get(name), after.get(name)) for name in names)
    return is_different(change, value, before) and is_different(change, value, after)


def _differences(moved: Iterable[tuple[Change, Any]]) -> Iterator[str]:
    """What is other than it was expected, place by place; of what is there or gone all is said."""
    for change, value in moved:
        if value is not None and change.before is not None:
            yield from (
                f"{change.title}: {each}"
                for each in json_diff(mask_secrets(change.before), mask_secrets(value))
            )


def _words(change: Change, value: Any) -> str:
    deed = "is gone" if value is None else "is there" if change.before is None else "was changed"
    return f"{change.title} {deed}"
