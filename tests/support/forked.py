"""Work in processes of its own, forked from the tests' process, which tell how it ended."""

import ctypes
import os
import subprocess
from collections.abc import Callable

_NEW_USER_NAMESPACE = 0x10000000


def forked(work: Callable[[], str]) -> tuple[int, int]:
    """Start the work; return its process and the pipe in which it tells its result."""
    end, say = os.pipe()
    child = os.fork()
    if child:
        os.close(say)
        return child, end
    try:
        os.write(say, work().encode())
    except BaseException as problem:
        os.write(say, repr(problem).encode())
    os._exit(0)


def end_of(child: int, end: int) -> str:
    """Wait for the process; return what it told, "" where it was killed."""
    with os.fdopen(end) as words:
        told = words.read()
    os.waitpid(child, 0)
    return told


def enter_user_namespace() -> None:
    """Go on as another user of this machine's, as `unshare -U` does. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_USER_NAMESPACE):
        raise OSError(ctypes.get_errno(), "unshare")


def has_user_namespaces() -> bool:
    """Whether this machine lets a user make a user namespace."""
    try:
        return subprocess.run(["unshare", "-U", "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
