"""Plans a fleet, and applies and proves it wave by wave: by threads, or by any other executor."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from typing import Protocol, TypeVar

from xacct_nb.aws.account_sessions import FleetAccess
from xacct_nb.aws.journaled_calls import EntrySink
from xacct_nb.changes.journal import Entry
from xacct_nb.errors import InvalidInput, NotAccepted, StalePlan
from xacct_nb.fleets.expansion import ExpandedFleet, Slice
from xacct_nb.fleets.plan import FleetPlan, SlicePlan, Unplanned
from xacct_nb.fleets.result import FAILED, UNREADABLE, FleetResult, SliceResult, not_started
from xacct_nb.grants.documents import DESTINATION, SOURCE, build
from xacct_nb.grants.state import State
from xacct_nb.linting.findings import lint
from xacct_nb.runs.fleet.slice_work import SliceOutcome, SliceTask, plan_slice, undo_slice, work_on_slice

THREADS = 32
"""Accounts that are worked on at once: AWS's answers take longer than this machine's part."""
WAVES = (1, 10)
"""How many accounts are changed first; then all others."""
Done = TypeVar("Done")


class Progress(Protocol):
    """Is told how far the work is, such as a progress bar."""

    def __call__(self, what: str, done: int, total: int) -> None: ...


def _silent(what: str, done: int, total: int) -> None:
    """Show nothing."""


def plan_fleet(
    expanded: ExpandedFleet,
    access: FleetAccess,
    *,
    executor: Executor | None = None,
    progress: Progress = _silent,
) -> FleetPlan:
    """Read every account of the fleet and return the plan; nothing is changed.

    An account that cannot be read is named in the plan, and stops no other. `executor` is any of
    `concurrent.futures`' kind; by default 32 threads.
    """
    tasks = [*_tasks(expanded, access)]
    with _working(executor) as pool:
        found = list(_plans(pool, tasks, progress))
    place = {task.slice.key: number for number, task in enumerate(tasks)}
    ordered = sorted(found, key=lambda each: place[each.key])
    planned = tuple(each for each in ordered if isinstance(each, SlicePlan))
    failed = tuple(each for each in ordered if isinstance(each, Unplanned))
    return FleetPlan(expanded.fleet.name, planned, failed)


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
    progress: Progress = _silent,
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
    with _working(executor) as pool:
        for number, wave in enumerate(_waves(tasks, waves)):
            bad = sum(not each.is_good for each in results)
            stopped = stopped or (_stopped(number, bad, tolerance) if bad > tolerance else "")
            if stopped:
                results += not_started(task.slice.key for task in wave)
            else:
                results += _results(pool, work_on_slice, wave, f"Wave {number}", sink, progress)
    unread = [
        SliceResult(*each.key, UNREADABLE, code=each.code, reason=each.reason) for each in plan.unplanned
    ]
    return FleetResult(expanded.fleet.name, (*unread, *results), stopped)


def roll_back_fleet(
    expanded: ExpandedFleet,
    result: FleetResult,
    access: FleetAccess,
    *,
    journal: EntrySink | None = None,
    executor: Executor | None = None,
    progress: Progress = _silent,
) -> FleetResult:
    """Roll back what a run over the fleet changed: the callers first, then the roles.

    Return what became of each slice. An account whose resources others changed since is left as it is, and
    named. It may be run again.
    """
    made = {each.key: each.changes for each in result.results if each.changes}
    tasks = [SliceTask(part, access, approved=made[part.key]) for part in expanded.slices if part.key in made]
    sink: EntrySink = [] if journal is None else journal
    found = list[SliceResult]()
    with _working(executor) as pool:
        for side, what in ((SOURCE, "Rolling back callers"), (DESTINATION, "Rolling back roles")):
            mine = [task for task in tasks if task.slice.side == side]
            found += _results(pool, undo_slice, mine, what, sink, progress)
    return FleetResult(expanded.fleet.name, tuple(found), is_rollback=True)


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


class _OneAtATime:
    """A journal that many threads write to."""

    def __init__(self, sink: EntrySink) -> None:
        self._sink, self._lock = sink, threading.Lock()

    def append(self, entry: Entry) -> None:
        """Take an entry."""
        with self._lock:
            self._sink.append(entry)


@contextmanager
def _working(executor: Executor | None) -> Iterator[Executor]:
    """Yield the executor, which its owner ends; else threads that end with the block.

    Where the block is interrupted, accounts that were not begun are not begun any more.
    """
    if executor is not None:
        yield executor
        return
    pool = ThreadPoolExecutor(THREADS, "fleet")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _plans(pool: Executor, tasks: Sequence[SliceTask], progress: Progress) -> Iterator[SlicePlan | Unplanned]:
    for task, future in _ended(pool, plan_slice, tasks, "Planning", progress):
        problem = future.exception()
        yield Unplanned(*task.slice.key, "failed", _lost(problem)) if problem else future.result()


def _results(
    pool: Executor,
    do: Callable[..., SliceOutcome],
    tasks: Sequence[SliceTask],
    what: str,
    journal: EntrySink,
    progress: Progress,
) -> Iterator[SliceResult]:
    """Yield the results. Threads write the journal as they go; others send their entries with the result."""
    threads = isinstance(pool, ThreadPoolExecutor)
    work = partial(do, sink=_OneAtATime(journal)) if threads else do
    for task, future in _ended(pool, work, tasks, what, progress):
        if problem := future.exception():
            yield SliceResult(*task.slice.key, FAILED, code="failed", reason=_lost(problem))
            continue
        outcome = future.result()
        for entry in () if threads else outcome.entries:
            journal.append(entry)
        yield outcome.result


def _ended(
    pool: Executor,
    work: Callable[[SliceTask], Done],
    tasks: Sequence[SliceTask],
    what: str,
    progress: Progress,
) -> Iterator[tuple[SliceTask, "Future[Done]"]]:
    """Yield each task with its future, as they end."""
    asked = {pool.submit(work, task): task for task in tasks}
    for number, future in enumerate(as_completed(asked), start=1):
        progress(what, number, len(tasks))
        yield asked[future], future


def _lost(problem: BaseException) -> str:
    """Return what happened to a slice whose work raised: no error of AWS or of the grant does that."""
    return f"The work on this account ended unexpectedly: {type(problem).__name__}. Plan it again."
