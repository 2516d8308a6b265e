"""A worker process that is killed in the middle of its work on an account."""

import os
import signal
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from xacct_nb.changes.journal import collapse_entries
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.client import misbehaving, misbehaviour
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.storage.spool import read_spool

COUNTED = Fault("latency", ("CreateRole",), seconds=0.01)
"""Lets the sandbox count the calls of CreateRole."""
FindVictim = Callable[[], int | None]


@contextmanager
def slow_policies(sandbox: Sandbox, after: int) -> Iterator[None]:
    """Let the sandbox take long over some calls of PutRolePolicy, which follow CreateRole."""
    with misbehaving(
        sandbox, COUNTED, Fault("latency", ("PutRolePolicy",), after=after, count=4, seconds=1.5)
    ):
        yield


def roles_created(sandbox: Sandbox) -> int:
    """Return how often CreateRole was called since `slow_policies` began, successfully or not."""
    return misbehaviour(sandbox).met[0]


@contextmanager
def killing(find: FindVictim, how: int = signal.SIGKILL, times: int = 1) -> Iterator[list[int]]:
    """Send the signal to the process that `find` returns, as soon as it returns one.

    Yield the list that it is in then.
    """
    killed, over = list[int](), threading.Event()

    def watch() -> None:
        while len(killed) < times and not over.wait(0.02):
            if victim := find():
                killed.append(victim)
                os.kill(victim, how)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield killed
    finally:
        over.set()
        watcher.join()


def in_the_middle(spool: Path, but: str) -> FindVictim:
    """Find a worker that has created a role, in any account but one, and waits for the role's policy.

    None of its threads waits for CreateRole: whether AWS makes a role for a lost caller is not known at once.
    """

    def find() -> int | None:
        waiting = defaultdict[str, list[str]](list)
        for attempt in read_spool(spool):
            calls = collapse_entries(attempt.entries)
            if attempt.slice[2] != but and calls and not calls[-1].answer:
                waiting[attempt.worker].append(calls[-1].operation)
        ready = (worker for worker, calls in waiting.items() if set(calls) == {"PutRolePolicy"})
        return next((int(worker.split()[1]) for worker in ready), None)

    return find


def once_policies_are_slow(sandbox: Sandbox, count: int, process: FindVictim) -> FindVictim:
    """Find a process once so many calls of PutRolePolicy are slow: the roles are there, and no more."""
    return lambda: process() if misbehaviour(sandbox).struck[1] >= count else None


def first_of(processes: ProcessPoolExecutor) -> FindVictim:
    """Find a process of the pool."""
    return lambda: next(iter(processes._processes), None)
