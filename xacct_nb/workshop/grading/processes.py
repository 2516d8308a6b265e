"""The processes that a notebook started: found, stopped while its answer is judged, and killed at its end.

On Linux a process that lost its parent becomes a child of the grader, so none gets away.
"""

import ctypes
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 1, 4, 36
_ON_LINUX = sys.platform == "linux"
_PATIENCE = 5.0  # seconds until everything that was killed has ended


def adopt_orphans(wanted: bool = True) -> None:
    """Let processes below this one whose parent ends become children of this one (Linux)."""
    _control(_PR_SET_CHILD_SUBREAPER, int(wanted))


def end_with_parent(parent: int) -> None:
    """Let this process be killed when its parent ends (Linux), and end now if that has happened."""
    _control(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit()


def hide_memory() -> None:
    """Let no other process of this user read this one's memory and environment (Linux; root still can)."""
    _control(_PR_SET_DUMPABLE, 0)


def _control(option: int, value: int) -> None:
    if _ON_LINUX:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def children() -> set[int]:
    """Return the processes whose parent is this one."""
    me = os.getpid()
    return {pid for pid, parent in _parents().items() if parent == me}


def below(roots: Collection[int]) -> set[int]:
    """Return these processes and all below them."""
    parents, found = _parents(), set[int]()
    new = {pid for pid in roots if pid in parents}
    while new:
        found |= new
        new = {pid for pid, parent in parents.items() if parent in new} - found
    return found


@contextmanager
def stopped(processes: Callable[[], set[int]]) -> Iterator[None]:
    """Stop processes for the time of the block, also those that they start meanwhile."""
    still = set[int]()
    while new := processes() - still:
        _signal(new, signal.SIGSTOP)
        still |= new
    try:
        yield
    finally:
        _signal(still, signal.SIGCONT)


def kill_all(processes: Callable[[], set[int]]) -> None:
    """Kill processes until none is left. Children that were adopted are waited for."""
    deadline = time.monotonic() + _PATIENCE
    while (found := processes()) and time.monotonic() < deadline:
        _signal(found, signal.SIGKILL)
        for pid in found:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.002)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it, whatever its permissions are. No link is followed."""

    def allow(remove: Callable[..., object], path: str, _: object) -> None:
        with suppress(OSError):
            for each in (os.path.dirname(path), path):
                if not stat.S_ISLNK(os.lstat(each).st_mode):
                    os.chmod(each, stat.S_IRWXU)
            remove(path)

    for _ in range(3):  # a folder that could not be read is opened first, and removed then
        shutil.rmtree(folder, onerror=allow)
        if not folder.exists():
            return


def _signal(processes: Collection[int], number: signal.Signals) -> None:
    for pid in processes:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _parents() -> dict[int, int]:
    """Return the parent of each process that has not ended."""
    return dict(_from_proc() if _ON_LINUX else _from_ps())


def _from_proc() -> Iterator[tuple[int, int]]:
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                # The name of a program may hold anything, also a bracket.
                about = Path(f"/proc/{name}/stat").read_text(errors="replace").rpartition(")")[2]
                yield int(name), int(about.split()[1])


def _from_ps() -> Iterator[tuple[int, int]]:
    with subprocess.Popen(["ps", "-axo", "pid=,ppid="], stdout=subprocess.PIPE, text=True) as listing:
        lines = listing.communicate()[0].splitlines()
    for pid, parent in (map(int, line.split()) for line in lines):
        if pid != listing.pid:
            yield pid, parent
