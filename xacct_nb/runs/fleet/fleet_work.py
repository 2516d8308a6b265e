"""Plans a fleet, and applies and proves it wave by wave: by threads, or by any other executor."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace

from xacct_nb.aws.account_sessions import FleetAccess
from xacct_nb.aws.journaled_calls import EntrySink
from xacct_nb.changes.plan import Change
from xacct_nb.errors import InvalidInput, NotAccepted, StalePlan
from xacct_nb.fleets.expansion import ExpandedFleet, Slice, changes_by_slice
from xacct_nb.fleets.plan import FleetPlan, SlicePlan, Unplanned
from xacct_nb.fleets.result import ROLLBACK_FAILED, UNREADABLE, FleetResult, SliceResult, not_started
from xacct_nb.grants.documents import DESTINATION, SOURCE, build
from xacct_nb.grants.state import State
from xacct_nb.linting.findings import lint
from xacct_nb.runs.fleet.executing import Progress, plans_of, results_of, silent, working
from xacct_nb.runs.fleet.slice_work import (
    SliceTask,
    plan_slice,
    plan_undo_slice,
    undo_slice,
    work_on_slice,
)

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
    return _planned(expanded, plan_slice, [*_tasks(expanded, access)], executor, progress)


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

    `secrets` are external IDs that are no longer in use. Where others changed a resource since, the account
    is named, and is left as it is.
    """
    made, given = changes_by_slice(expanded.slices, changes), tuple(secrets)
    tasks = [
        SliceTask(part, access, approved=made[part.key], secrets=given)
        for part in expanded.slices
        if part.key in made
    ]
    return _planned(expanded, plan_undo_slice, tasks, executor, progress)


def prove_fleet(
    expanded: ExpandedFleet,
    access: FleetAccess,
    *,
    executor: Executor | None = None,
    progress: Progress = silent,
) -> FleetResult:
    """Prove the access in every account; nothing is changed. What others changed since is `drifted`."""
    tasks = [replace(task, approved=()) for task in _tasks(expanded, access)]
    with working(executor) as pool:
        found = tuple(results_of(pool, work_on_slice, tasks, "Proving", [], progress))
    return FleetResult(expanded.fleet.name, found)


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
    progress: Progress = silent,
) -> FleetResult:
    """Apply the approved plan and prove the access, account by account; return what became of each.

    The source side is done first, then one account, ten, and all others (`waves`). A wave begins only where
    at most `tolerance` accounts failed before it. Within a wave, one bad account stops no other. Each
    account is read again: where something else is to be changed than was approved, nothing is. Raises
    StalePlan where another plan was approved, NotAccepted where findings are not accepted.
    """
    _check(plan, approved, waves, tolerance)
    tasks = [task for task in _tasks(expanded, access, plan) if task.approved is not None]
    results, stopped = list[SliceResult](), ""
    sink: EntrySink = [] if journal is None else journal
    with working(executor) as pool:
        for number, wave in enumerate(_waves(tasks, waves)):
            bad = sum(not each.is_good for each in results)
            stopped = stopped or (_stopped(number, bad, tolerance) if bad > tolerance else "")
            if stopped:
                results += not_started(task.slice.key for task in wave)
            else:
                results += results_of(pool, work_on_slice, wave, f"Wave {number}", sink, progress)
    unread = [
        SliceResult(*each.key, UNREADABLE, code=each.code, reason=each.reason) for each in plan.unplanned
    ]
    return FleetResult(expanded.fleet.name, (*unread, *results), stopped)


def roll_back_fleet(
    expanded: ExpandedFleet,
    plan: FleetPlan,
    access: FleetAccess,
    *,
    approved: str,
    journal: EntrySink | None = None,
    executor: Executor | None = None,
    progress: Progress = silent,
) -> FleetResult:
    """Make the approved plan of `plan_rollback`: the callers first, then the roles.

    Return what became of each slice; `changes` are those that undid something. An account whose resources
    others changed since is left as it is, and named. Raises StalePlan where another plan was approved.
    """
    _check(plan, approved, WAVES, 0)
    parts = {part.key: part for part in expanded.slices}
    tasks = [
        SliceTask(parts[each.key], access, approved=each.plan.reverse().changes) for each in plan.changed
    ]
    sink: EntrySink = [] if journal is None else journal
    found = list[SliceResult]()
    with working(executor) as pool:
        for side, what in ((SOURCE, "Rolling back callers"), (DESTINATION, "Rolling back roles")):
            mine = [task for task in tasks if task.slice.side == side]
            found += results_of(pool, undo_slice, mine, what, sink, progress)
    unread = [
        SliceResult(*each.key, ROLLBACK_FAILED, code=each.code, reason=f"{each.reason} {each.hint}")
        for each in plan.unplanned
    ]
    return FleetResult(expanded.fleet.name, (*unread, *found), is_rollback=True)


def _planned(
    expanded: ExpandedFleet,
    make: Callable[[SliceTask], SlicePlan | Unplanned],
    tasks: Sequence[SliceTask],
    executor: Executor | None,
    progress: Progress,
) -> FleetPlan:
    with working(executor) as pool:
        found = list(plans_of(pool, make, tasks, progress))
    place = {task.slice.key: number for number, task in enumerate(tasks)}
    ordered = sorted(found, key=lambda each: place[each.key])
    planned = tuple(each for each in ordered if isinstance(each, SlicePlan))
    failed = tuple(each for each in ordered if isinstance(each, Unplanned))
    return FleetPlan(expanded.fleet.name, planned, failed)


def _check(plan: FleetPlan, approved: str, waves: Sequence[int], tolerance: int) -> None:
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


def _tasks(
    expanded: ExpandedFleet, access: FleetAccess, plan: FleetPlan | None = None
) -> Iterator[SliceTask]:
    """Yield the task of each slice, with the changes that a plan has for it."""
    unaccepted = dict[tuple[str, str], tuple[str, ...]]()
    for part in expanded.slices:
        about = part.grant.name, part.side
        if about not in unaccepted:
            unaccepted[about] = _unaccepted(part)
        planned = plan.find(part.key) if plan else None
        approved = planned.plan.changes if planned else None
        yield SliceTask(part, access, unaccepted[about], approved)


def _unaccepted(part: Slice) -> tuple[str, ...]:
    """Return the findings of a slice in an account where nothing is yet: the same for all its accounts."""
    return lint(build(part.grant, part.side), State({})).unaccepted


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
