"""Makes the approved changes, waits where IAM needs time, and takes back what failed."""

from dataclasses import replace

from xacct_nb.aws.makers import make
from xacct_nb.aws.pen import Pen, Sink, asked_twice
from xacct_nb.aws.probes import awaited, settle
from xacct_nb.aws.reader import hanging, live
from xacct_nb.aws.sessions import Sessions
from xacct_nb.aws.versions import is_left_over
from xacct_nb.errors import AwsRefused, NotAccepted, RollbackFailed, RolledBack, StalePlan, UnresolvedSecret
from xacct_nb.journals import Journal
from xacct_nb.meanings import revived
from xacct_nb.plans import Change, Plan, differs
from xacct_nb.shields import fingerprints_in, shield

PATIENCE = 120.0


def apply(
    plan: Plan, sessions: Sessions, *, approved: str, journal: Sink | None = None, patience: float = PATIENCE
) -> Journal:
    """Makes exactly the changes of the plan, in their order; a failure takes back what was made.

    `approved` is the digest that was approved; `journal` takes every entry as it happens; `patience` is in
    seconds, for each call that IAM is not ready for. Raises StalePlan (also where what is there is no longer
    what the plan was made from), NotAccepted, UnresolvedSecret, RolledBack, RollbackFailed.
    """
    check_approved(plan, approved)
    _check_accepted(plan)
    _check_whole(plan)
    waiting = awaited(sessions.grant)
    _check_current(sessions, plan)
    pen = Pen(sessions, [] if journal is None else journal, patience)
    done: list[Change] = []
    for change in plan.changes:
        try:
            done.append(make(pen, change))
        except AwsRefused as problem:
            if made := _made_unheard(sessions, change, problem):
                done.append(made)
                continue
            if not done and _was_quicker(problem):
                raise _outrun(change) from problem
            _take_back(pen, [*done, *_took_effect(sessions, change, problem)], problem)
    settle(pen, sessions, waiting if done else ())
    return Journal(plan.grant, tuple(done), tuple(pen.entries))


def rollback(
    journal: Journal, sessions: Sessions, *, sink: Sink | None = None, patience: float = PATIENCE
) -> Journal:
    """Takes back what a journal says was done: first looks whether all is still as it was left.

    What is back already stays as it is, so a roll-back that failed can be made again. Raises RollbackFailed,
    before anything is changed where somebody changed it since, and UnresolvedSecret.
    """
    way_back = journal.way_back()
    _check_whole(way_back)
    left = list(_left_to_do(sessions, way_back))
    pen = Pen(sessions, [] if sink is None else sink, patience)
    done: list[Change] = []
    while left:
        try:
            done.append(_make_surely(pen, left[0]))
        except AwsRefused as problem:
            raise _not_back(left, problem, "Mend the cause, then roll back again.") from problem
        left.pop(0)
    return Journal(journal.grant, tuple(done), tuple(pen.entries))


def changed_since(sessions: Sessions, plan: Plan) -> list[str]:
    """What is no longer as the plan found it, in words; empty where the plan still fits."""
    found = ((change, live(sessions, change)) for change in plan.changes)
    return [_words(change, value) for change, value in found if _is_other(change, value, change.before)]


def check_untouched(sessions: Sessions, way_back: Plan) -> None:
    """Raises RollbackFailed, naming the difference, where somebody changed since what is to be taken back."""
    _left_to_do(sessions, way_back)


def _left_to_do(sessions: Sessions, way_back: Plan) -> tuple[Change, ...]:
    """The changes that are not back yet. Raises RollbackFailed."""
    found = [(change, live(sessions, change)) for change in way_back.changes]
    left = [
        (change, value)
        for change, value in found
        if _is_other(change, value, change.after) or is_left_over(sessions, change)
    ]
    touched = [_words(change, value) for change, value in left if _is_touched(change, value)]
    touched += _added_since(sessions, way_back, [change for change, _ in left])
    if touched:
        raise RollbackFailed(
            f"Nothing was rolled back: {'; '.join(touched)}.",
            why="Somebody changed it since the run.",
            hint="Look at the difference, and plan the grant again from what is there now.",
        )
    return tuple(change for change, _ in left)


def _added_since(sessions: Sessions, way_back: Plan, left: list[Change]) -> list[str]:
    """What others hung on a role or policy that is to be deleted."""
    ours = {(change.kind, change.target, change.name) for change in way_back.changes}
    roots = [change for change in left if change.after is None and change.kind in ("role", "managed-policy")]
    keys = [key for root in roots for key in sorted(hanging(sessions, root))]
    added = [key for key in keys if (key.kind, key.target, key.name) not in ours]
    return [f"{Change(key.kind, key.target, key.name, None, True).title} was added" for key in added]


def _is_other(change: Change, value: object, wanted: object) -> bool:
    return differs(change.kind, shield(value), shield(wanted))


def _is_touched(change: Change, value: object) -> bool:
    """Whether it is neither as it was left nor as it was before.

    That AWS shows a deleted principal's id is nobody's change. Tags are changed by two calls, between which
    an earlier roll-back may have ended.
    """
    before, after = change.before, change.after
    if change.kind == "role" and isinstance(value, dict) and isinstance(before, dict):
        value = value | {"trust": revived(value["trust"], before["trust"])}
    elif change.kind == "trust" and value and before:
        value = revived(value, before)
    elif change.kind == "tags" and isinstance(value, dict):
        names = {*value, *before, *after}
        return any(value.get(name) not in (before.get(name), after.get(name)) for name in names)
    return _is_other(change, value, before) and _is_other(change, value, after)


def _words(change: Change, value: object) -> str:
    return f"{change.title} {'is gone' if value is None else 'was changed' if change.before else 'is there'}"


def check_approved(plan: Plan, approved: str) -> None:
    """Raises StalePlan where another plan was approved than this one."""
    if approved != plan.digest:
        raise StalePlan(
            f"The approval {approved[:12] or '(none)'} is not for the plan that stands now.",
            why=f"The plan that stands now has the digest {plan.digest}.",
            hint="Read the plan above, and approve its digest.",
        )


def _check_accepted(plan: Plan) -> None:
    if plan.unaccepted:
        raise NotAccepted(
            f"The plan widens access: {', '.join(plan.unaccepted)}.",
            why="What widens access needs a word in the grant.",
            hint=f"Narrow the grant, or add accept: [{', '.join(plan.unaccepted)}]",
        )


def _check_whole(plan: Plan) -> None:
    """A plan that was read from JSON has fingerprints for external IDs, which must not be written to AWS."""
    if marks := sorted({mark for change in plan.changes for mark in fingerprints_in(change.after)}):
        raise UnresolvedSecret(
            f"The external ID with the fingerprint {', '.join(marks)} is not in the plan itself.",
            why="A plan or journal that was read from a record holds no external IDs.",
            hint="Plan the grant again, or put the external ID back with xacct_nb.shields.unshield.",
        )


def _check_current(sessions: Sessions, plan: Plan) -> None:
    if touched := changed_since(sessions, plan):
        raise StalePlan(
            f"The plan no longer fits: {'; '.join(touched)}.",
            why="Somebody changed it since the plan was made.",
            hint="Plan the grant again, read the new plan, and approve its digest.",
        )


def _made_unheard(sessions: Sessions, change: Change, problem: AwsRefused) -> Change | None:
    """The change whose answer was lost: boto3 asked again, and met what it had made or deleted itself.

    A moment before there was nothing of that name; now it is what was wanted, with the grant's tag. What is
    to go and is gone needs no more.
    """
    gone = change.after is None and problem.answer == "NoSuchEntity"
    made = change.before is None and problem.answer == "EntityAlreadyExists" and asked_twice(problem)
    if not (gone or made):
        return None
    value = live(sessions, change)
    if _is_other(change, value, change.after) or (made and value["tags"] != change.after["tags"]):
        return None
    return replace(change, after=value)


def _was_quicker(problem: AwsRefused) -> bool:
    """Whether somebody made the thing between our look at it and our call."""
    return problem.answer == "EntityAlreadyExists" and not asked_twice(problem)


def _outrun(change: Change) -> StalePlan:
    return StalePlan(
        f"The plan no longer fits: {change.title} is there.",
        why="Somebody made it in this very moment, perhaps another run. Nothing was changed.",
        hint="Plan the grant again, read the new plan, and approve its digest.",
    )


def _took_effect(sessions: Sessions, change: Change, problem: AwsRefused) -> list[Change]:
    """The change itself where its failed call took effect all the same (a cut connection, a late answer)."""
    if _was_quicker(problem):
        return []
    try:
        value = live(sessions, change)
    except AwsRefused:
        return [change]  # nobody knows: the way back finds out
    if change.kind == "tags" and value != change.before:
        return [replace(change, after=value)]  # made by two calls, so one of them may have been made
    if differs(change.kind, value, change.after):
        return []
    return [replace(change, after=value)] if change.kind == "managed-policy" else [change]


def _take_back(pen: Pen, done: list[Change], problem: AwsRefused) -> None:
    left = [change.reverse() for change in reversed(done)]
    while left:
        try:
            _make_surely(pen, left[0])
        except AwsRefused as second:
            hint = "Mend the cause, then plan and apply again, or take it back by hand."
            raise _not_back(left, second, hint) from problem
        left.pop(0)
    raise RolledBack(
        "The change failed, and what had been made was taken back. Everything is as it was before.",
        why=problem.what,
        hint=problem.hint or "Mend the cause, then plan again.",
    ) from problem


def _make_surely(pen: Pen, change: Change) -> Change:
    """Makes the change; what is so already (a call took effect without an answer) is no failure."""
    try:
        return make(pen, change)
    except AwsRefused:
        if _is_other(change, live(pen.sessions, change), change.after):
            raise
        return change


def _not_back(changes: list[Change], problem: AwsRefused, hint: str) -> RollbackFailed:
    titles = "; ".join(f"{change.sign} {change.title}" for change in changes)
    return RollbackFailed(f"Not rolled back: {titles}.", why=problem.what, hint=hint)
