"""Reads small files that a user names, with a limit of size and time, whatever is at the path."""

import errno
import os
import select
import stat
import time
from pathlib import Path


def read_small(path: Path, *, pipes: bool = True, most: int = 1_000_000, patience: float = 5.0) -> bytes:
    """Return the content of a file of at most `most` bytes; a pipe must end within `patience` seconds.

    Without `pipes`, a pipe is refused. Raises OSError, whose strerror is the problem.
    """
    # Without O_NONBLOCK, opening a pipe without a writer would block.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        if stat.S_ISFIFO(mode) and not pipes:
            raise OSError(errno.ESPIPE, "It is a pipe, which can be read only once")
        return _content(handle, most, time.monotonic() + patience)
    finally:
        os.close(handle)


def _content(handle: int, most: int, until: float) -> bytes:
    found = bytearray()
    while select.select([handle], [], [], max(0.0, until - time.monotonic()))[0]:
        part = os.read(handle, 65_536)
        if not part:
            return bytes(found)
        found += part
        if len(found) > most:
            raise OSError(errno.EFBIG, f"It is longer than {most:,} bytes")
    raise OSError(errno.ETIMEDOUT, "It sends no data and does not end")
