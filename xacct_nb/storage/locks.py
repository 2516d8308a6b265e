"""A lock of this machine: who comes second waits, and a process that dies lets go of it."""

import fcntl
import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def exclusive_lock(with_what: str) -> Iterator[None]:
    """Within this block no other process of this user is in a block of the same name.

    Where no file can be locked (a read-only home), nobody is kept out.
    """
    path = _folder() / f"{hashlib.sha256(with_what.encode()).hexdigest()[:32]}.lock"
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        file = path.open("w")
    except OSError:
        yield
        return
    with file:
        _take(file.fileno())
        yield


def _take(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.stderr.write("Another run changes this grant: waiting until it has ended.\n")
        sys.stderr.flush()
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _folder() -> Path:
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "xacct-nb" / "locks"
