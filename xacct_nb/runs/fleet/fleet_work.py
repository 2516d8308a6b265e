"""Plans a fleet, and applies and proves it wave by wave: by threads, or by any other executor."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

from xacct_nb.aws.account_sessions import FleetAccess
from xacct_nb.aws.journaled_calls import EntrySink
from xacct_nb.changes.plan import Change
from xacct_nb.errors import InvalidInput, NotAccepted, RollbackFailed, StalePlan
from xacct_nb.fleets.expansion import ExpandedFleet, Slice, changes_by_slice
from xacct_nb.fleets.live_findings import in_any_account
from xacct_nb.fleets.plan import NOT_ACCEPTED, FleetPlan, SlicePlan, Unplanned
from xacct_nb.fleets.plan_notes import left_as_they_are
from xacct_nb.fleets.result import DRIFTED, UNREADABLE, FleetResult, SliceResult, not_started
from xacct_nb.grants.documents import DESTINATION, SOURCE, build
from xacct_nb.grants.state import State
from xacct_nb.linting.findings import lint
from xacct_nb.linting.rules.rule import Finding
from xacct_nb.runs.fleet.execution import Ended, Execution, Progress, silent, working
from xacct_nb.runs.fleet.handed_over_work import work_of_others
from xacct_nb.runs.fleet.slice_planning import plan_slice, plan_undo_slice
from xacct_nb.runs.fleet.slice_results import SliceResults
from xacct_nb.runs.fleet.slice_work import (
    SliceTask,
    forget_sessions,
    undo_slice,
    work_on_slice,
)
from xacct_nb.storage.spool import check_spool

WAVES = (1, 10)
"""How many accounts are changed first; then all others."""


def plan_fleet(
    expanded: ExpandedFleet,
    access: FleetAccess,
    *,
    executor: Executor | None = None,
    progress: Progress = silent,
) -> FleetPlan:
    """Read every account of the fleet and return the plan; nothing is changed.

    An account that cannot be read is named in the plan, and stops no other. `executor` is any of
    `concurrent.futures`' kind; by default 32 threads.
    """
    found = _planned(expanded, plan_slice, [*_tasks(expanded, access)], executor, progress)
    return replace(found, handed_over=tuple(each.key for each in expanded.handed_over))


def plan_rollback(
    expanded: ExpandedFleet,
    changes: Iterable[Change],
    access: FleetAccess,
    *,
    secrets: Iterable[str] = (),
    executor: Executor | None = None,
    progress: Progress = silent,
) -> FleetPlan:
    """Return the plan that undoes what is left of the changes of a run over the fleet; nothing is changed.

    `secrets` are external IDs that are no longer in use. Where a resource was changed since, the account is
    named, and is left as it is.
    """
    made, given = changes_by_slice(expanded.slices, changes), tuple(secrets)
    tasks = [
        SliceTask(part, access, approved=made[part.key], secrets=given)
        for part in expanded.slices
        if part.key in made
    ]
    found = _planned(expanded, plan_undo_slice, tasks, executor, progress)
    return replace(found, notes=tuple(left_as_they_are(found)))


def prove_fleet(
    expanded: ExpandedFleet,
    access: FleetAccess,
    *,
    executor: Executor | None = None,
    progress: Progress = silent,
) -> FleetResult:
    """Prove the access in every account; nothing is changed. What others changed since is `drifted`."""
    tasks = [replace(task, approved=()) for task in _tasks(expanded, access)]
    with working(executor, progress) as execution:
        work = SliceResults(execution, [], None)
        found = [*work.of(work_on_slice, tasks, "Proving"), *work_of_others(expanded, access, work)]
    return _result(expanded, found, execution)


def apply_fleet(
    expanded: ExpandedFleet,
    plan: FleetPlan,
    access: FleetAccess,
    *,
    approved: str,
    journal: EntrySink | None = None,
    executor: Executor | None = None,
    waves: Sequence[int] = WAVES,
    tolerance: int = 0,
    spool: Path | None = None,
    progress: Progress = silent,
) -> FleetResult:
    """Apply the approved plan and prove the access, account by account; return what became of each.

    The source side is done first, then one account, ten, and all others (`waves`). A wave begins only where
    at most `tolerance` accounts failed before it. Within a wave, one bad account stops no other. Each
    account is read again: where something else is to be changed than was approved, nothing is.

    An interruption (Ctrl-C) begins no further account, awaits those in progress, and returns the result,
    which says so. With an executor of other processes, `spool` is an empty folder that all of them can write
    to: from it, the calls of a process that was lost are taken into the journal.

    Raises StalePlan where another plan was approved, NotAccepted where findings are not accepted.
    """
    _check(plan, approved, waves, tolerance, spool)
    tasks = [task for task in _tasks(expanded, access, plan) if task.approved is not None]
    results, stopped = list[SliceResult](), ""
    sink: EntrySink = [] if journal is None else journal
    with working(executor, progress) as execution:
        work = SliceResults(execution, sink, spool)
        parts = list(_waves(tasks, waves))
        execution.expect(len(tasks))
        for number, wave in enumerate(parts):
            bad = sum(not each.is_good for each in results)
            stopped = stopped or execution.stopped
            stopped = stopped or (_stopped(number, bad, tolerance) if bad > tolerance else "")
            if stopped:
                results += not_started(task.slice.key for task in wave)
            else:
                name = f"Wave {number} of {len(parts) - 1}" if number else "Source accounts"
                results += work.of(work_on_slice, wave, name)
        stopped = stopped or execution.stopped
        results += work_of_others(expanded, access, work, stopped=bool(stopped))
    return _result(expanded, (*map(_left_out, plan.unplanned), *results), execution, stopped)


def roll_back_fleet(
    expanded: ExpandedFleet,
    plan: FleetPlan,
    access: FleetAccess,
    *,
    approved: str,
    journal: EntrySink | None = None,
    executor: Executor | None = None,
    spool: Path | None = None,
    progress: Progress = silent,
) -> FleetResult:
    """Make the approved plan of `plan_rollback`: the callers first, then the roles.

    Return what became of each slice; `changes` are those that undid something. An account whose resources
    were changed since is left as it is, and named. `spool` and interruptions are as for `apply_fleet`.
    Raises StalePlan where another plan was approved.
    """
    _check(plan, approved, WAVES, 0, spool)
    parts = {part.key: part for part in expanded.slices}
    tasks = [
        SliceTask(parts[each.key], access, approved=each.plan.reverse().changes) for each in plan.changed
    ]
    sink: EntrySink = [] if journal is None else journal
    found = list[SliceResult]()
    with working(executor, progress) as execution:
        execution.expect(len(tasks))
        work = SliceResults(execution, sink, spool)
        for side, what in ((SOURCE, "Rolling back callers"), (DESTINATION, "Rolling back roles")):
            found += work.of(undo_slice, [task for task in tasks if task.slice.side == side], what)
    left = map(not_undone, plan.unplanned)
    return replace(_result(expanded, (*left, *found), execution), is_rollback=True)


def _result(
    expanded: ExpandedFleet, results: Iterable[SliceResult], execution: Execution, stopped: str = ""
) -> FleetResult:
    interrupted = execution.interruptions > 0
    stopped = execution.stopped or stopped
    return FleetResult(expanded.fleet.name, tuple(results), stopped, is_interrupted=interrupted)


def _planned(
    expanded: ExpandedFleet,
    make: Callable[[SliceTask], SlicePlan | Unplanned],
    tasks: Sequence[SliceTask],
    executor: Executor | None,
    progress: Progress,
) -> FleetPlan:
    found = list[SlicePlan | Unplanned]()
    forget_sessions()
    with working(executor, progress) as execution:
        execution.run(make, tasks, "Planning", lambda each: found.append(_plan(each, execution.stopped)))
    if execution.interruptions:
        raise KeyboardInterrupt
    place = {task.slice.key: number for number, task in enumerate(tasks)}
    ordered = sorted(found, key=lambda each: place[each.key])
    planned = tuple(each for each in ordered if isinstance(each, SlicePlan))
    failed = tuple(each for each in ordered if isinstance(each, Unplanned))
    return FleetPlan(expanded.fleet.name, planned, failed)


def _plan(ended: Ended[SlicePlan | Unplanned], stopped: str) -> SlicePlan | Unplanned:
    """Return the plan of a slice, or why there is none."""
    if ended.value:
        return ended.value
    why = f"The work on this account was lost: {ended.problem}. Plan it again." if ended.begun else stopped
    return Unplanned(*ended.task.slice.key, "lost" if ended.begun else "not-started", why)


def _left_out(part: Unplanned) -> SliceResult:
    """Return the result of a slice that is not in the plan."""
    status = NOT_ACCEPTED if part.code == NOT_ACCEPTED else UNREADABLE
    return SliceResult(*part.key, status, code=part.code, reason=part.reason, hint=part.hint)


def not_undone(part: Unplanned) -> SliceResult:
    """Return the result of a slice that a rollback leaves as it is."""
    status = DRIFTED if part.code == RollbackFailed.code else UNREADABLE
    return SliceResult(*part.key, status, code=part.code, reason=f"{part.reason} {part.hint}")


def _check(plan: FleetPlan, approved: str, waves: Sequence[int], tolerance: int, spool: Path | None) -> None:
    if approved != plan.digest:
        raise StalePlan(
            f"The plan of the fleet {plan.fleet} was not approved.",
            why=f"Its digest is {plan.digest}; approved was {approved[:64] or 'nothing'}.",
            hint="Read the plan, and approve its digest.",
        )
    if plan.unaccepted:
        raise NotAccepted(
            f"The plan widens access: {', '.join(plan.unaccepted)}.",
            why="A grant of the fleet does not accept these findings.",
            hint=f"Narrow the grant, or add to it: accept: [{', '.join(plan.unaccepted)}]",
        )
    if any(each < 1 for each in waves) or tolerance < 0:
        raise InvalidInput(
            "waves and tolerance do not fit.",
            why="A wave has at least one account, and no fewer than 0 accounts may fail.",
            hint="Leave them out: one account, then ten, then all; none may fail before the next wave.",
        )
    if spool:
        check_spool(spool)


def _tasks(
    expanded: ExpandedFleet, access: FleetAccess, plan: FleetPlan | None = None
) -> Iterator[SliceTask]:
    """Yield the task of each slice, with the changes that a plan has for it."""
    base = dict[tuple[str, ...], tuple[tuple[str, ...], frozenset[Finding]]]()
    for part in expanded.slices:
        # Every account has the same findings on the destination side; each source account has its principals.
        about = part.key if part.side == SOURCE else part.key[:2]
        if about not in base:
            base[about] = _base(part)
        unaccepted, known = base[about]
        planned = plan.find(part.key) if plan else None
        approved = planned.plan.changes if planned else None
        yield SliceTask(part, access, unaccepted, approved, known=known, proves=not expanded.asked)


def _base(part: Slice) -> tuple[tuple[str, ...], frozenset[Finding]]:
    """Return the findings of a slice in an account where nothing is yet: codes to accept, and all of them."""
    found = lint(build(part.grant, part.side), State({}))
    return found.unaccepted, frozenset(in_any_account(each, part.account) for each in found.found)


def _waves(tasks: Sequence[SliceTask], sizes: Sequence[int]) -> Iterator[list[SliceTask]]:
    """Yield the source side, then the accounts in waves of these sizes, and all that are left."""
    yield [task for task in tasks if task.slice.side == SOURCE]
    accounts = list(dict.fromkeys(task.slice.account for task in tasks if task.slice.side != SOURCE))
    for size in (*sizes, len(accounts)):
        now, accounts = set(accounts[:size]), accounts[size:]
        if now:
            yield [task for task in tasks if task.slice.side != SOURCE and task.slice.account in now]


def _stopped(wave: int, bad: int, tolerance: int) -> str:
    return (
        f"Stopped before wave {wave}: {bad} account{'s' * (bad != 1)} failed, and at most {tolerance} may. "
        "Run it again once the causes are mended: what is done already is left as it is."
    )
