"""Work on many slices by an executor: threads by default, any of `concurrent.futures`' kind otherwise."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from typing import Protocol, TypeVar

from xacct_nb.aws.journaled_calls import EntrySink
from xacct_nb.changes.journal import Entry
from xacct_nb.fleets.plan import SlicePlan, Unplanned
from xacct_nb.fleets.result import FAILED, SliceResult
from xacct_nb.runs.fleet.slice_work import SliceOutcome, SliceTask

THREADS = 32
"""Accounts that are worked on at once: AWS's answers take longer than this machine's part."""
Done = TypeVar("Done")


class Progress(Protocol):
    """Is told how far the work is, such as a progress bar."""

    def __call__(self, what: str, done: int, total: int) -> None: ...


def silent(what: str, done: int, total: int) -> None:
    """Show nothing."""


class OneAtATime:
    """A journal that many threads write to."""

    def __init__(self, sink: EntrySink) -> None:
        self._sink, self._lock = sink, threading.Lock()

    def append(self, entry: Entry) -> None:
        """Take an entry."""
        with self._lock:
            self._sink.append(entry)


@contextmanager
def working(executor: Executor | None) -> Iterator[Executor]:
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


def plans_of(
    pool: Executor,
    make: Callable[[SliceTask], SlicePlan | Unplanned],
    tasks: Sequence[SliceTask],
    progress: Progress,
) -> Iterator[SlicePlan | Unplanned]:
    for task, future in _ended(pool, make, tasks, "Planning", progress):
        problem = future.exception()
        yield Unplanned(*task.slice.key, "failed", _lost(problem)) if problem else future.result()


def results_of(
    pool: Executor,
    do: Callable[..., SliceOutcome],
    tasks: Sequence[SliceTask],
    what: str,
    journal: EntrySink,
    progress: Progress,
) -> Iterator[SliceResult]:
    """Yield the results. Threads write the journal as they go; others send their entries with the result."""
    threads = isinstance(pool, ThreadPoolExecutor)
    work = partial(do, sink=OneAtATime(journal)) if threads else do
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
