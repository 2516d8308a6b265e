"""Disk space that a run keeps for its journal and its record: both have room where the disk is full."""

import errno
import os
from contextlib import suppress
from pathlib import Path

from xacct_nb.errors import DiskFull

FILE, SIZE, PIECE = ".reserve", 8_388_608, 262_144  # bytes
_ENOUGH = SIZE // 2  # for the journal and the record; the rest is for what comes before them
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def reserve(folder: Path) -> None:
    """Take the space, where the folder does not have enough of it. Raises DiskFull."""
    try:
        with (folder / FILE).open("ab") as file:
            if os.fstat(file.fileno()).st_size < _ENOUGH:
                _allocate(file.fileno())
    except OSError as problem:
        release(folder)
        raise no_room(folder.parent.parent, problem) from problem


def take_piece(folder: Path) -> bool:
    """Give a piece of the space back, for a write that found none; return whether there was a piece."""
    try:
        left = os.path.getsize(folder / FILE) - PIECE
        os.truncate(folder / FILE, max(0, left))
    except OSError:
        return False
    return left >= 0


def release(folder: Path) -> None:
    """Give all of the space back."""
    with suppress(OSError):
        (folder / FILE).unlink()


def no_room(records: Path, problem: OSError) -> DiskFull:
    """Return the error of a run that was stopped before it did anything."""
    return DiskFull(
        f"There is no room for the run in {str(records)!r}.",
        why=f"{problem.strerror}. A run keeps {SIZE // 1_048_576} MB for its journal and its record "
        "before it changes anything; nothing was changed.",
        hint="Make room, or name another folder with --records; then run the same command again.",
    )


def _allocate(file: int) -> None:
    """Allocate the space, by writing it where the system (macOS) or the file system has no call for that."""
    if hasattr(os, "posix_fallocate"):
        try:
            return os.posix_fallocate(file, 0, SIZE)
        except OSError as problem:
            if problem.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                raise
    for _ in range(os.fstat(file).st_size, SIZE, PIECE):
        os.write(file, bytes(PIECE))
    os.fsync(file)
