"""Makes the approved changes, waits where IAM needs time, and rolls back after a failure."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NoReturn

from xacct_nb.aws.journaled_calls import EntrySink, JournaledClient, may_have_taken_effect, was_retried
from xacct_nb.aws.operations import ensure_change, make_change
from xacct_nb.aws.preconditions import (
    PLAN_AGAIN,
    check_current,
    find_conflict,
    is_different,
    outdated_plan,
    remaining_changes,
)
from xacct_nb.aws.probes import wait_for_access
from xacct_nb.aws.reader import read_resources, read_value
from xacct_nb.aws.retries import PATIENCE
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.approval import plan_differences, unapproved_plan
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.plan import Change, Plan, differs
from xacct_nb.changes.planner import diff
from xacct_nb.changes.proof import expected_probes
from xacct_nb.changes.self_trust import is_half_made
from xacct_nb.errors import (
    AwsRefused,
    InvalidGrant,
    NotAccepted,
    NotOwned,
    RollbackFailed,
    RolledBack,
    StalePlan,
    UnresolvedSecret,
)

_AGAIN = "Fix the cause, then plan and apply again, or roll back by hand."


def apply(
    plan: Plan,
    sessions: Sessions,
    *,
    approved: str,
    journal: EntrySink | None = None,
    patience: float = PATIENCE,
) -> Journal:
    """Make exactly the changes of the plan, in their order; after a failure, roll back those that were made.

    Each resource is read once more immediately before its change; if another actor changed it meanwhile, that
    is a failure. `approved` is the approved digest. `journal` takes every entry as it happens. `patience` is
    how many seconds to retry each call, while AWS throttles it or until IAM is consistent. Raises StalePlan
    (nothing was changed), NotAccepted, UnresolvedSecret, RolledBack, RollbackFailed.
    """
    check_approved(plan, approved)
    _check_accepted(plan)
    _check_secrets(plan)
    with sessions.endpoint.retries.within(patience):
        return _apply(plan, JournaledClient(sessions, journal, patience))


def apply_as_read(
    plan: Plan, sessions: Sessions, *, journal: EntrySink | None = None, patience: float = PATIENCE
) -> Journal:
    """Make the changes of a plan that was made a moment ago from what was read, as `apply` does.

    What is to be changed is not read once more, except what others may have changed since the first call.
    The caller has checked the approval. Raises NotAccepted, UnresolvedSecret, StalePlan, RolledBack,
    RollbackFailed.
    """
    _check_accepted(plan)
    _check_secrets(plan)
    with sessions.endpoint.retries.within(patience):
        client = JournaledClient(sessions, journal, patience)
        done = _make_all(plan, client, _created(plan))
        return Journal(plan.grant, tuple(done), tuple(client.entries))


def _apply(plan: Plan, client: JournaledClient) -> Journal:
    probes = () if plan.ended else expected_probes(client.sessions.grant)
    _check_covered(plan, client.sessions)
    check_current(client.sessions, plan.changes)
    done = _make_all(plan, client)
    wait_for_access(client, probes if done else ())
    return Journal(plan.grant, tuple(done), tuple(client.entries))


def _make_all(plan: Plan, client: JournaledClient, ours: frozenset[str] = frozenset()) -> list[Change]:
    """Make the changes, and roll back after a failure; what is about `ours` is not read before its change."""
    done: list[Change] = []
    for change in plan.changes:
        try:
            if done and not ours & {change.target, change.name}:
                check_current(client.sessions, [change])
            done.append(_make(client, change))
        except StalePlan as problem:
            if not done:
                raise
            _roll_back(client, done, problem)
        except AwsRefused as problem:
            _roll_back(client, [*done, *_took_effect(client, change, problem)], problem)
    return done


def _created(plan: Plan) -> frozenset[str]:
    """Return the ARNs of the roles and policies that the plan makes: AWS refuses to make one twice."""
    return frozenset(each.target for each in plan.changes if each.kind in _MADE and each.before is None)


_MADE = ("role", "managed-policy")


def rollback(
    journal: Journal, sessions: Sessions, *, sink: EntrySink | None = None, patience: float = PATIENCE
) -> Journal:
    """Roll back the changes of a journal, if their resources are still as the journal left them.

    A change that is rolled back already is left out, so a failed rollback can be repeated. Raises
    UnresolvedSecret, and RollbackFailed: before any change where a resource was changed since, and before one
    change where its resource was changed meanwhile.
    """
    undo_plan = journal.undo_plan()
    _check_secrets(undo_plan)
    client = JournaledClient(sessions, sink, patience)
    with sessions.endpoint.retries.within(patience):
        left = remaining_changes(sessions, undo_plan)
        done = _apply_reverse(client, left, "Fix the cause, then roll back again.")
    return Journal(journal.grant, tuple(done), tuple(client.entries))


def check_approved(plan: Plan, approved: str) -> None:
    """Raise StalePlan unless this plan was approved."""
    if approved != plan.digest:
        raise unapproved_plan(approved, plan)


def _check_covered(plan: Plan, sessions: Sessions) -> None:
    """Raise StalePlan where the roles can do something else now than the plan says, or more would be lost."""
    made = {change.target for change in plan.changes if change.kind == "role" and change.before is None}
    replaced = any(change.kind == "managed-policy" and change.before is not None for change in plan.changes)
    if plan.access or plan.lost or replaced or set(sessions.documents.trust_policies) - made:
        documents = sessions.documents
        try:
            now = diff(documents, read_resources(documents, sessions))
        except (InvalidGrant, NotOwned) as problem:
            raise outdated_plan(problem.what.rstrip("."), [problem.why]) from problem
        if differences := plan_differences(plan, replace(plan, access=now.access, lost=now.lost)):
            raise outdated_plan(differences[0], differences[1:])


def _check_accepted(plan: Plan) -> None:
    if plan.unaccepted:
        raise NotAccepted(
            f"The plan widens access: {', '.join(plan.unaccepted)}.",
            why="The grant does not accept these findings.",
            hint=f"Narrow the grant, or add accept: [{', '.join(plan.unaccepted)}]",
        )


def _check_secrets(plan: Plan) -> None:
    """Raise UnresolvedSecret for a plan that was read from JSON: its external IDs are fingerprints."""
    if marks := sorted(plan.unresolved_fingerprints):
        raise UnresolvedSecret(
            f"The external ID with the fingerprint {', '.join(marks)} is not in the plan itself.",
            why="A plan or journal that was read from a record holds no external IDs.",
            hint="Plan the grant again, or call xacct_nb.redaction.redact.restore_secrets on the plan.",
        )


def _make(client: JournaledClient, change: Change) -> Change:
    """Make the change. Raises AwsRefused, and StalePlan where another actor created the resource before."""
    try:
        return make_change(client, change)
    except AwsRefused as problem:
        if made := _made_without_response(client.sessions, change, problem):
            return made
        exists = problem.aws_code == "EntityAlreadyExists" and not was_retried(problem)
        if conflict := client.conflict or (f"{change.title} exists" if exists else ""):
            raise outdated_plan(conflict) from problem
        raise


def _made_without_response(sessions: Sessions, change: Change, problem: AwsRefused) -> Change | None:
    """Return the change if it took effect although its response was lost: boto3's retry met its own result.

    A created resource did not exist a moment before, and now has the wanted value with the grant's tag. A
    resource to delete is deleted.
    """
    deleted = change.after is None and problem.aws_code == "NoSuchEntity"
    made = change.before is None and problem.aws_code == "EntityAlreadyExists" and was_retried(problem)
    if not (deleted or made):
        return None
    value = read_value(sessions, change)
    if is_different(change, value, change.after) or (made and value["tags"] != change.after["tags"]):
        return None
    return replace(change, after=value)


def _took_effect(client: JournaledClient, change: Change, problem: AwsRefused) -> list[Change]:
    """Return what to roll back of a change whose call failed, such as by a closed connection."""
    tries, no_response = client.tries(change), may_have_taken_effect(problem)
    if not tries or problem.aws_code == "EntityAlreadyExists":
        return []
    try:
        value = read_value(client.sessions, change)
    except AwsRefused:
        return [change]  # it is unknown here, and the rollback checks it
    if change.kind == "tags":
        return _tags_made(change, value)
    if differs(change.kind, value, change.after) and not is_half_made(change, value):
        return [change] if no_response else []  # without a response, IAM may not show the change yet
    if tries == 1 and not no_response and not was_retried(problem):
        return []  # AWS refused the only call, so another actor made this value
    return [replace(change, after=value)] if change.kind == "managed-policy" else [change]


def _tags_made(change: Change, value: dict[str, str] | None) -> list[Change]:
    """Return the part of a change of tags that took effect: of its two calls, one may have been made."""
    names = {*change.before, *change.after}
    ours = {name for name in names if change.before.get(name) != change.after.get(name)}
    others = {name: tag for name, tag in (value or {}).items() if name not in ours}
    before = others | {name: tag for name, tag in change.before.items() if name in ours}
    return [replace(change, before=before, after=value)] if value not in (None, before) else []


def _roll_back(client: JournaledClient, done: list[Change], problem: AwsRefused | StalePlan) -> NoReturn:
    try:
        _apply_reverse(client, [change.reverse() for change in reversed(done)], _AGAIN)
    except RollbackFailed as second:
        why = f"{problem.what} During the rollback: {second.why}"
        raise RollbackFailed(second.what, why=why, hint=second.hint) from problem
    ended, left = (
        ("was stopped", "None of its changes is left")
        if isinstance(problem, StalePlan)
        else ("failed", "Everything is as it was before")
    )
    raise RolledBack(
        f"The run {ended}, and the changes that it had made were rolled back. {left}.",
        why=problem.what,
        hint=problem.hint or "Fix the cause, then plan again.",
    ) from problem


def _apply_reverse(client: JournaledClient, changes: Iterable[Change], hint: str) -> list[Change]:
    """Make the changes of a rollback, each unless its resource was changed. Raises RollbackFailed."""
    left, done = list(changes), list[Change]()
    while left:
        try:
            if conflict := find_conflict(client.sessions, left[0]):
                raise _not_rolled_back(left, f"{conflict}: another actor changed it meanwhile.", PLAN_AGAIN)
            done.append(ensure_change(client, left[0]))
        except AwsRefused as problem:
            raise _not_rolled_back(left, problem.what, hint) from problem
        left.pop(0)
    return done


def _not_rolled_back(changes: list[Change], why: str, hint: str) -> RollbackFailed:
    titles = "; ".join(f"{change.sign} {change.title}" for change in changes)
    return RollbackFailed(f"Not rolled back: {titles}.", why=why, hint=hint)
