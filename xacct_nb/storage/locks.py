"""Locks on files of this machine; the system releases them when their process ends, however it ends."""

import fcntl
import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from xacct_nb.storage.plain_files import open_plain

# Python in a browser tab has no locks: there is no other process on its files.
HAS_LOCKS = hasattr(fcntl, "flock")
EXCLUSIVE, SHARED, NO_WAIT = (fcntl.LOCK_EX, fcntl.LOCK_SH, fcntl.LOCK_NB) if HAS_LOCKS else (2, 1, 4)


def lock_file(path: Path, kind: int, *, wait: bool = True, create: bool = True) -> IO[Any]:
    """Open a file and lock it EXCLUSIVE or SHARED; closing it releases the lock.

    Without `create` the file must exist, and is opened for reading only. No link is followed. Raises OSError
    where it cannot be opened or locked: BlockingIOError, without `wait`, where another process has the lock.
    """
    flags = os.O_RDWR | os.O_CREAT if create else os.O_RDONLY
    file = os.fdopen(open_plain(path, flags), "r+b" if create else "rb")
    try:
        if HAS_LOCKS:
            fcntl.flock(file, kind if wait else kind | NO_WAIT)
    except OSError:
        file.close()
        raise
    return file


def state_folder() -> Path:
    """Return `xacct-nb` in the folder in which programs of this user keep their state (XDG)."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "xacct-nb"


@contextmanager
def exclusive_lock(name: str) -> Iterator[None]:
    """Keep other processes of this user out of every block with the same name, while this block runs.

    Where no file can be locked (a read-only home), the block runs without a lock.
    """
    file = None
    path = state_folder() / "locks" / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.lock"
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            file = lock_file(path, EXCLUSIVE, wait=False)
        except BlockingIOError:
            print("Another run changes this grant: waiting until it has ended.", file=sys.stderr, flush=True)
            file = lock_file(path, EXCLUSIVE)
    try:
        yield
    finally:
        if file:
            file.close()
