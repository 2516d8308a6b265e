"""Processes that a test starts, and how it waits for what they do."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# A shell that starts the tests in the background lets them and their commands ignore Ctrl-C.
INTERRUPTIBLE = (
    sys.executable,
    "-c",
    "import os, sys; from signal import *; signal(SIGINT, SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])",
)


def in_a_fork(deed: Callable[[], object]) -> bool:
    """Do it in a fork of this process; return whether the fork was killed by a signal."""
    child = os.fork()
    if child == 0:
        try:
            deed()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@contextmanager
def processor_limit(seconds: float = 20) -> Iterator[None]:
    """Stop a block that does not come to an end; what the tests run in it takes well under a second."""

    def give_up(*_: object) -> None:
        raise AssertionError(f"It took more than {seconds} seconds of processor time.")

    before = signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> bool:
    """Wait until it holds, at most this long; return whether it does."""
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()
