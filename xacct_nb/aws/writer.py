"""Makes the approved changes with the fewest calls, waits where IAM needs time, and takes back what failed."""

from xacct_nb.aws.makers import make
from xacct_nb.aws.pen import Pen, Sink
from xacct_nb.aws.probes import settle
from xacct_nb.aws.reader import live
from xacct_nb.aws.sessions import Sessions
from xacct_nb.errors import AwsRefused, NotAccepted, RollbackFailed, RolledBack, StalePlan
from xacct_nb.journals import Journal
from xacct_nb.plans import Change, Plan, differs
from xacct_nb.shields import shield

PATIENCE = 120.0


def apply(
    plan: Plan, sessions: Sessions, *, approved: str, journal: Sink | None = None, patience: float = PATIENCE
) -> Journal:
    """Makes exactly the changes of the plan, in their order; a failure takes back what was made.

    `approved` is the digest that was approved; `journal` takes every entry as it happens; `patience` is in
    seconds, for each call that IAM is not ready for. Raises StalePlan, NotAccepted, RolledBack,
    RollbackFailed.
    """
    _check(plan, approved)
    pen = Pen(sessions, [] if journal is None else journal, patience)
    done: list[Change] = []
    for change in plan.changes:
        try:
            done.append(make(pen, change))
        except AwsRefused as problem:
            _take_back(pen, [*done, *_took_effect(sessions, change)], problem)
    settle(pen, sessions)
    return Journal(plan.grant, tuple(done), tuple(pen.entries))


def rollback(
    journal: Journal, sessions: Sessions, *, sink: Sink | None = None, patience: float = PATIENCE
) -> Journal:
    """Takes back what a journal says was done: first looks whether all is still as it was left.

    Raises RollbackFailed, before anything is changed where somebody changed it since.
    """
    way_back = journal.way_back()
    check_untouched(sessions, way_back)
    pen = Pen(sessions, [] if sink is None else sink, patience)
    done: list[Change] = []
    for change in way_back.changes:
        try:
            done.append(make(pen, change))
        except AwsRefused as problem:
            raise _left(way_back.changes[len(done) :], problem) from problem
    return Journal(journal.grant, tuple(done), tuple(pen.entries))


def changed_since(sessions: Sessions, way_back: Plan) -> list[str]:
    """What is no longer as it was left, in words; empty where the way back is clear."""
    found = ((change, live(sessions, change)) for change in way_back.changes)
    return [
        f"{change.title} {'is gone' if value is None else 'was changed'}"
        for change, value in found
        if differs(change.kind, shield(value), shield(change.before))
    ]


def check_untouched(sessions: Sessions, way_back: Plan) -> None:
    """Raises RollbackFailed, naming the difference, where somebody changed since what is to be taken back."""
    if touched := changed_since(sessions, way_back):
        raise RollbackFailed(
            f"Nothing was rolled back: {'; '.join(touched)}.",
            why="Somebody changed it since the run.",
            hint="Look at the difference, and plan the grant again from what is there now.",
        )


def check_approved(plan: Plan, approved: str) -> None:
    """Raises StalePlan where another plan was approved than this one."""
    if approved != plan.digest:
        raise StalePlan(
            f"The approval {approved[:12] or '(none)'} is not for the plan that stands now.",
            why=f"The plan that stands now has the digest {plan.digest}.",
            hint="Read the plan above, and approve its digest.",
        )


def _check(plan: Plan, approved: str) -> None:
    check_approved(plan, approved)
    if plan.unaccepted:
        raise NotAccepted(
            f"The plan widens access: {', '.join(plan.unaccepted)}.",
            why="What widens access needs a word in the grant.",
            hint=f"Narrow the grant, or add accept: [{', '.join(plan.unaccepted)}]",
        )


def _took_effect(sessions: Sessions, change: Change) -> list[Change]:
    """The change itself where its failed call took effect all the same (a cut connection, a late answer)."""
    value = live(sessions, change)
    return [] if differs(change.kind, value, change.after) else [change]


def _take_back(pen: Pen, done: list[Change], problem: AwsRefused) -> None:
    left = [change.reverse() for change in reversed(done)]
    while left:
        try:
            make(pen, left[0])
        except AwsRefused as second:
            raise _left(tuple(left), second) from problem
        left.pop(0)
    raise RolledBack(
        "The change failed, and what had been made was taken back. Everything is as it was before.",
        why=problem.what,
        hint=problem.hint or "Mend the cause, then plan again.",
    ) from problem


def _left(changes: tuple[Change, ...], problem: AwsRefused) -> RollbackFailed:
    titles = "; ".join(f"{change.sign} {change.title}" for change in changes)
    return RollbackFailed(
        f"Not rolled back: {titles}.", why=problem.what, hint="Mend the cause, then roll back again."
    )
