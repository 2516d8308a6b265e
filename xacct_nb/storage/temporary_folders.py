"""Removes the temporary folders of processes that were killed: kernels', sandboxes', the grader's.

A process locks its folder while it lives, by a descriptor of the folder: however it ends,
the lock is free then.
"""

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

GRADING_PREFIX = "xacct-nb-grading-"
PREFIXES = ("xacct-nb-kernel-", "xacct-nb-sandbox-", GRADING_PREFIX)
_SHORT = "/tmp"  # for the sockets of kernels, where the usual folder's name is too long
# A folder is made first, and locked then.
_YOUNG = 60.0


def remove_abandoned_folders() -> list[str]:
    """Remove this user's temporary folders that no process holds; return their names."""
    return [folder.name for folder in _candidates() if _remove(folder)]


def _candidates() -> Iterator[Path]:
    for folder in {tempfile.gettempdir(), _SHORT}:
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(PREFIXES) and _is_ours_and_old(entry):
                    yield Path(entry.path)


def _is_ours_and_old(entry: "os.DirEntry[str]") -> bool:
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return is_ours and time.time() - found.st_mtime > _YOUNG


def _remove(folder: Path) -> bool:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return not folder.exists()
