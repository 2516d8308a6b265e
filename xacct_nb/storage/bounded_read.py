"""Small files that people name: read to a limit and within a time, whatever stands at the path."""

import errno
import os
import select
import stat
import time
from pathlib import Path

MOST = 1_000_000


def read_small(path: Path, *, pipes: bool = True, most: int = MOST, patience: float = 5.0) -> bytes:
    """The content of a file; a pipe gives it within `patience` seconds, a device to `most` bytes.

    Without `pipes` only what can be read again is read. Raises OSError, with words of its own.
    """
    # Without O_NONBLOCK, a pipe that nobody writes to would not even open.
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
    while part := _part(handle, until):
        found += part
        if len(found) > most:
            raise OSError(errno.EFBIG, f"It is longer than {most:,} bytes")
    return bytes(found)


def _part(handle: int, until: float) -> bytes:
    """What comes next, nothing at the end."""
    if not select.select([handle], [], [], max(0.0, until - time.monotonic()))[0]:
        raise OSError(errno.ETIMEDOUT, "It gives nothing and does not end")
    return os.read(handle, 65_536)
