"""Makes the approved changes, waits where IAM needs time, and takes back what failed."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NoReturn

from xacct_nb.aws.journaled_calls import EntrySink, JournaledClient, may_have_taken_effect, was_retried
from xacct_nb.aws.operations import ensure_change, make_change
from xacct_nb.aws.preconditions import (
    check_current,
    check_unchanged,
    find_conflict,
    is_different,
    remaining_changes,
    stale_plan,
)
from xacct_nb.aws.probes import access_probes, wait_for_access
from xacct_nb.aws.reader import read_value
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.approval import unapproved_plan
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.plan import Change, Plan, differs
from xacct_nb.errors import AwsRefused, NotAccepted, RollbackFailed, RolledBack, StalePlan, UnresolvedSecret
from xacct_nb.redaction.redact import fingerprints_in

PATIENCE = 120.0
_AGAIN = "Mend the cause, then plan and apply again, or take it back by hand."
_LOOK = "Look at the difference, and plan the grant again from what is there now."


def apply(
    plan: Plan,
    sessions: Sessions,
    *,
    approved: str,
    journal: EntrySink | None = None,
    patience: float = PATIENCE,
) -> Journal:
    """Makes exactly the changes of the plan, in their order; a failure takes back what was made.

    What a change is about is looked at once more right before the change: where somebody moved it meanwhile,
    it stays as it is, and what was made is taken back. `approved` is the digest that was approved; `journal`
    takes every entry as it happens; `patience` is in seconds, for each call that IAM is not ready for. Raises
    StalePlan (nothing was changed), NotAccepted, UnresolvedSecret, RolledBack, RollbackFailed.
    """
    check_approved(plan, approved)
    _check_accepted(plan)
    _check_whole(plan)
    waiting = access_probes(sessions.grant)
    check_current(sessions, plan)
    client = JournaledClient(sessions, [] if journal is None else journal, patience, find_conflict)
    done: list[Change] = []
    for change in plan.changes:
        try:
            if done:
                check_unchanged(sessions, change)
            done.append(_made(client, change))
        except StalePlan as problem:
            if not done:
                raise
            _take_back(client, done, problem)
        except AwsRefused as problem:
            _take_back(client, [*done, *_took_effect(client, change, problem)], problem)
    wait_for_access(client, sessions, waiting if done else ())
    return Journal(plan.grant, tuple(done), tuple(client.entries))


def rollback(
    journal: Journal, sessions: Sessions, *, sink: EntrySink | None = None, patience: float = PATIENCE
) -> Journal:
    """Takes back what a journal says was done: first looks whether all is still as it was left.

    What is back already stays as it is, so a roll-back that failed can be made again. Raises RollbackFailed,
    before anything is changed where somebody changed it since, and before the very change where somebody
    changed it meanwhile; and UnresolvedSecret.
    """
    way_back = journal.undo_plan()
    _check_whole(way_back)
    left = remaining_changes(sessions, way_back)
    client = JournaledClient(sessions, [] if sink is None else sink, patience, find_conflict)
    done = _put_back(client, left, "Mend the cause, then roll back again.")
    return Journal(journal.grant, tuple(done), tuple(client.entries))


def check_no_conflict(sessions: Sessions, way_back: Plan) -> None:
    """Raises RollbackFailed, naming the difference, where somebody changed since what is to be taken back."""
    remaining_changes(sessions, way_back)


def check_approved(plan: Plan, approved: str) -> None:
    """Raises StalePlan where another plan was approved than this one."""
    if approved != plan.digest:
        raise unapproved_plan(approved, plan)


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
            hint="Plan the grant again, or call xacct_nb.redaction.redact.restore_secrets on the plan.",
        )


def _made(client: JournaledClient, change: Change) -> Change:
    """The change, as it was made. Raises AwsRefused, and StalePlan where somebody made the thing before."""
    try:
        return make_change(client, change)
    except AwsRefused as problem:
        if made := _made_unheard(client.sessions, change, problem):
            return made
        there = problem.aws_code == "EntityAlreadyExists" and not was_retried(problem)
        if words := client.conflict or (f"{change.title} is there" if there else ""):
            raise stale_plan(words) from problem
        raise


def _made_unheard(sessions: Sessions, change: Change, problem: AwsRefused) -> Change | None:
    """The change whose answer was lost: boto3 asked again, and met what it had made or deleted itself.

    A moment before there was nothing of that name; now it is what was wanted, with the grant's tag. What is
    to go and is gone needs no more.
    """
    gone = change.after is None and problem.aws_code == "NoSuchEntity"
    made = change.before is None and problem.aws_code == "EntityAlreadyExists" and was_retried(problem)
    if not (gone or made):
        return None
    value = read_value(sessions, change)
    if is_different(change, value, change.after) or (made and value["tags"] != change.after["tags"]):
        return None
    return replace(change, after=value)


def _took_effect(client: JournaledClient, change: Change, problem: AwsRefused) -> list[Change]:
    """What of the change is to be taken back, though its call failed (a cut connection, a late answer)."""
    tries, unheard = client.tries(change), may_have_taken_effect(problem)
    if not tries or problem.aws_code == "EntityAlreadyExists":
        return []
    try:
        value = read_value(client.sessions, change)
    except AwsRefused:
        return [change]  # nobody knows: the way back finds out
    if change.kind == "tags":
        return _tags_made(change, value)
    if differs(change.kind, value, change.after):
        return [change] if unheard else []  # IAM may not show yet what nobody heard of
    if tries == 1 and not unheard and not was_retried(problem):
        return []  # AWS refused the only call, so somebody else made it so
    return [replace(change, after=value)] if change.kind == "managed-policy" else [change]


def _tags_made(change: Change, value: dict[str, str] | None) -> list[Change]:
    """The tags of ours that are there: made by two calls, one of them may have been made."""
    ours = {
        name for name in {*change.before, *change.after} if change.before.get(name) != change.after.get(name)
    }
    others = {name: tag for name, tag in (value or {}).items() if name not in ours}
    before = others | {name: tag for name, tag in change.before.items() if name in ours}
    return [replace(change, before=before, after=value)] if value not in (None, before) else []


def _take_back(client: JournaledClient, done: list[Change], problem: AwsRefused | StalePlan) -> NoReturn:
    try:
        _put_back(client, [change.reverse() for change in reversed(done)], _AGAIN)
    except RollbackFailed as second:
        why = f"{problem.what} On the way back: {second.why}"
        raise RollbackFailed(second.what, why=why, hint=second.hint) from problem
    ended = "was stopped" if isinstance(problem, StalePlan) else "failed"
    left = "Nothing of it is left" if isinstance(problem, StalePlan) else "Everything is as it was before"
    raise RolledBack(
        f"The change {ended}, and what had been made was taken back. {left}.",
        why=problem.what,
        hint=problem.hint or "Mend the cause, then plan again.",
    ) from problem


def _put_back(client: JournaledClient, changes: Iterable[Change], hint: str) -> list[Change]:
    """Makes the changes of a way back, each unless somebody moved its thing. Raises RollbackFailed."""
    left, done = list(changes), list[Change]()
    while left:
        try:
            if words := find_conflict(client.sessions, left[0]):
                raise _not_back(left, f"{words}: somebody changed it meanwhile.", _LOOK)
            done.append(ensure_change(client, left[0]))
        except AwsRefused as problem:
            raise _not_back(left, problem.what, hint) from problem
        left.pop(0)
    return done


def _not_back(changes: list[Change], why: str, hint: str) -> RollbackFailed:
    titles = "; ".join(f"{change.sign} {change.title}" for change in changes)
    return RollbackFailed(f"Not rolled back: {titles}.", why=why, hint=hint)
