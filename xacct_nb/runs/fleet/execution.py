"""The execution of work on slices by an executor: what has ended is kept, also after an interruption."""

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from threading import current_thread, main_thread
from typing import Any, Generic, Protocol, TypeVar

from xacct_nb.runs.fleet.slice_work import SliceTask

THREADS = 32
"""Accounts that are worked on at once: AWS's answers take longer than this machine's part."""
INTERRUPTED = "Interrupted. Work that had begun was awaited; the other accounts are not-started."
_TWICE = "Interrupted twice, so that the work in progress was not awaited: it may go on."
_ENDINGS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))
Done = TypeVar("Done")


class Progress(Protocol):
    """Is told how far the work is, such as a progress bar."""

    def __call__(self, what: str, done: int, total: int) -> None: ...


def silent(what: str, done: int, total: int) -> None:
    """Show nothing."""


@dataclass(frozen=True)
class Ended(Generic[Done]):
    """A task whose work ended with a value, or was not begun, or was lost by the `problem`."""

    task: SliceTask
    value: Done | None = None
    problem: str = ""
    begun: bool = True


class Execution:
    """Lets an executor work on slices. Once `stopped` says why, nothing more is begun."""

    def __init__(self, pool: Executor, progress: Progress) -> None:
        self.pool, self._progress = pool, progress
        self.stopped, self.interruptions = "", 0
        self._before, self._total = 0, 0
        self._ended = SimpleQueue[Future[Any] | None]()

    def expect(self, total: int) -> None:
        """Let the progress of the next runs count together: they have `total` tasks."""
        self._before, self._total = 0, total

    def run(
        self,
        work: Callable[[SliceTask], Done],
        tasks: Sequence[SliceTask],
        what: str,
        take: Callable[[Ended[Done]], None],
    ) -> None:
        """Work on the tasks; `take` gets each as it ends.

        An interruption lets the work in progress end, and begins no other; a second one does not wait.
        """
        left, asked = deque(tasks), dict[Future[Done], SliceTask]()
        while True:
            self._begin(work, left, asked)
            if not asked or self.interruptions > 1:
                break
            future = self._ended.get()
            if future is None:
                self._cancel(asked)
            elif future in asked:
                take(self._outcome(asked.pop(future), future))
                done = len(tasks) - len(left) - len(asked)
                self._progress(what, self._before + done, self._total or len(tasks))
        for task in asked.values():
            take(Ended(task, problem=_TWICE))
        for task in left:
            take(Ended(task, begun=False))
        self._before += len(tasks)
        if self._before >= self._total:
            self.expect(0)

    def interrupt(self) -> None:
        """Begin nothing more; called again, await nothing more. A handler of signals may call it."""
        self.interruptions += 1
        self.stopped = INTERRUPTED if self.interruptions == 1 else _TWICE
        self._ended.put(None)

    def _begin(
        self,
        work: Callable[[SliceTask], Done],
        left: deque[SliceTask],
        asked: dict["Future[Done]", SliceTask],
    ) -> None:
        """Begin as many tasks as the executor works on at once: what is not begun yet stays with us."""
        if not left or self.stopped:
            return
        width = width_of(self.pool)
        while left and (width is None or len(asked) < width) and not self.stopped:
            try:
                future = self.pool.submit(work, left[0])
            except RuntimeError as problem:  # BrokenExecutor is one, and so is that of an executor that ended
                self.stopped = f"The executor takes no more work: {_named(problem)}."
                return
            asked[future] = left.popleft()
            future.add_done_callback(self._ended.put)

    def _cancel(self, asked: Iterable["Future[Done]"]) -> None:
        """Cancel what has not begun. Those that were given no more than they begin at once have begun all."""
        if width_of(self.pool) is None:
            for future in list(asked):
                future.cancel()

    def _outcome(self, task: SliceTask, future: "Future[Done]") -> Ended[Done]:
        if future.cancelled():
            begun = width_of(self.pool) is not None  # a cluster that ends cancels what its workers had begun
            return Ended(task, problem="CancelledError", begun=begun)
        problem = future.exception()
        return Ended(task, problem=_named(problem)) if problem else Ended(task, future.result())


def width_of(pool: Executor) -> int | None:
    """Return how many tasks the executor works on at once, None where it is not known, or is no matter.

    Threads die with this process only, and tell truly whether work can be cancelled. Of processes and
    clusters it matters: work that they were given may be lost with them, or may have begun.
    """
    if isinstance(pool, ThreadPoolExecutor):
        return None
    width = getattr(pool, "width", None) or getattr(pool, "_max_workers", None)
    return max(1, width) if isinstance(width, int) else None


@contextmanager
def working(executor: Executor | None, progress: Progress) -> Iterator[Execution]:
    """Yield an execution by the executor, which its owner ends; else by threads that end with the block.

    Ctrl-C in the block interrupts the execution, and raises nothing.
    """
    execution = Execution(executor or ThreadPoolExecutor(THREADS, "fleet"), progress)
    try:
        with _on_interruption(execution.interrupt):
            yield execution
    finally:
        if executor is None:
            execution.pool.shutdown(wait=execution.interruptions < 2, cancel_futures=True)


def _named(problem: BaseException) -> str:
    return type(problem).__name__


@contextmanager
def _on_interruption(tell: Callable[[], None]) -> Iterator[None]:
    """Call `tell` for each signal in the block that raises KeyboardInterrupt otherwise.

    Signals with another handler, and threads other than the main one, are left as they are.
    """
    in_main = current_thread() is main_thread()
    held = [each for each in _ENDINGS if in_main and signal.getsignal(each) is signal.default_int_handler]
    for each in held:
        signal.signal(each, lambda *_: tell())
    try:
        yield
    finally:
        for each in held:
            signal.signal(each, signal.default_int_handler)
