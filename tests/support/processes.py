"""Processes that a test starts, and how it waits for what they do."""

import sys
import time
from collections.abc import Callable

# A shell that starts the tests in the background lets them and their commands ignore Ctrl-C.
INTERRUPTIBLE = (
    sys.executable,
    "-c",
    "import os, sys; from signal import *; signal(SIGINT, SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])",
)


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> bool:
    """Wait until it holds, at most this long; return whether it does."""
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()
