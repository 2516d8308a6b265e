"""The machine, the user, the versions and the commit that a run stands on."""

import os
import platform
import pwd
import socket
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = ("xacct-nb", "boto3", "botocore", "papermill", "nbclient", "ipykernel", "ministack")


def describe_environment() -> dict[str, Any]:
    """The machine, the versions and the commit, as fields of a record."""
    return {"host": host(), "versions": package_versions(), "git": git_state()}


def host() -> dict[str, str]:
    """The machine and the user."""
    return {
        "name": socket.gethostname(),
        "user": user_name(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def user_name() -> str:
    """The user's name, the number where the machine knows no name for it (as in some containers).

    As the system has it: LOGNAME and USER, which anybody can set, are not asked.
    """
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def package_versions() -> dict[str, str]:
    """The versions of the packages that a run stands on."""
    return {name: found for name in _PACKAGES if (found := _version(name))}


def git_state() -> dict[str, Any] | None:
    """The commit checked out where the package is, and whether files differ from it; None without git."""
    place = Path(__file__).parent
    commit = _git(place, "rev-parse", "HEAD")
    return {"commit": commit, "dirty": bool(_git(place, "status", "--porcelain"))} if commit else None


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _git(place: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", *words], cwd=place, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
