"""The environment of a run: the machine, the user, the versions of packages, and the commit."""

import os
import platform
import pwd
import socket
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from xacct_nb.changes.approval import MAPPED

_PACKAGES = ("xacct-nb", "boto3", "botocore", "papermill", "nbclient", "ipykernel", "ministack")


def describe_environment() -> dict[str, Any]:
    """Return the machine, the versions of packages and the commit, as fields of a record."""
    host = {
        "name": socket.gethostname(),
        "user": user_name(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    versions = {name: found for name in _PACKAGES if (found := _version(name))}
    return {"host": host, "versions": versions, "git": _commit()}


def user_name() -> str:
    """Return the user's name, or the number where the system knows no name, as in some containers.

    LOGNAME and USER are not read: anyone can set them. The name of a user in a user namespace says that it
    is mapped: anyone can be root or nobody there (unshare, rootless containers).
    """
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    return name + (MAPPED if _in_user_namespace() else "")


def is_initial(uid_map: str) -> bool:
    """Return whether a process with this `/proc/self/uid_map` is in the machine's first user namespace.

    Source: user_namespaces(7): there every user id is mapped to itself. No other namespace has such a line,
    unless an administrator made it.
    """
    return uid_map.split() == ["0", "0", str(2**32 - 1)]


def _in_user_namespace() -> bool:
    """Return whether this process is in a user namespace; True on Linux where that cannot be read."""
    try:
        return not is_initial(Path("/proc/self/uid_map").read_text())
    except OSError:
        return sys.platform == "linux"


def _commit() -> dict[str, Any] | None:
    """Return the commit of the package's clone, and whether files differ from it; None without git."""
    lines = _git("status", "--porcelain=v2", "--branch").splitlines()
    about = dict(line.split(" ", 2)[1:] for line in lines if line.startswith("# "))
    commit = about.get("branch.oid", "(initial)")
    return None if commit == "(initial)" else {"commit": commit, "dirty": len(lines) > len(about)}


@cache
def _version(name: str) -> str:
    """Return the version of a package that this process found first, which is the one that it uses."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
