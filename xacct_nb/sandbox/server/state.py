"""The state of a sandbox between two commands: its state file, its locks, its folder."""

import base64
import fcntl
import hashlib
import hmac
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Sandbox:
    """One running server: its endpoint, its process, and the AWS files that lead to it.

    `token` opens the sandbox's own paths, and the root users' secrets are made from it. Only the state file
    has it, which no other user can read.
    """

    endpoint: str
    pid: int
    instance: str
    folder: Path
    config_file: Path
    credentials_file: Path
    token: str = field(repr=False)

    def root_secret(self, account: str) -> str:
        """Return the secret access key of an account's root user, whose key id is the account's 12 digits."""
        return root_secret(self.token, account)

    def to_json(self) -> dict[str, str | int]:
        """Return `endpoint`, `config_file`, `credentials_file` as text and `pid` as a number."""
        return {
            "endpoint": self.endpoint,
            "config_file": str(self.config_file),
            "credentials_file": str(self.credentials_file),
            "pid": self.pid,
        }

    def environment(self) -> dict[str, str]:
        """Return the variables that make boto3, the AWS CLI and other SDKs use this sandbox."""
        return {
            "AWS_CONFIG_FILE": str(self.config_file),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.credentials_file),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def default_folder() -> Path:
    """Return `$XACCT_SANDBOX_DIR`, else `xacct-nb/sandbox` in the user's state folder (XDG)."""
    if chosen := os.environ.get("XACCT_SANDBOX_DIR"):
        return Path(chosen)
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "xacct-nb" / "sandbox"


@lru_cache(maxsize=256)
def root_secret(token: str, account: str) -> str:
    """Return the secret access key of an account's root user in the sandbox with this token."""
    digest = hmac.digest(token.encode(), f"root of {account}".encode(), hashlib.sha256)
    return base64.b64encode(digest[:30]).decode()


def sandbox_in(folder: Path, *, endpoint: str, pid: int, instance: str, token: str) -> Sandbox:
    """Return the sandbox of a folder, its AWS files beside its state file."""
    return Sandbox(endpoint, pid, instance, folder, folder / "config", folder / "credentials", token)


def remember(sandbox: Sandbox) -> None:
    """Write the state file."""
    started = datetime.now(UTC).isoformat(timespec="seconds")
    known = sandbox.to_json() | {"instance": sandbox.instance, "token": sandbox.token, "started": started}
    write_private(state_file(sandbox.folder), json.dumps(known, indent=2) + "\n")


def recall(folder: Path) -> Sandbox | None:
    """Read the sandbox in the state file, running or not; None without a readable file."""
    try:
        known: dict[str, Any] = json.loads(state_file(folder).read_text(encoding="utf-8"))
        endpoint, instance = str(known["endpoint"]), str(known["instance"])
        token = str(known.get("token", ""))  # 0.1 and 0.2 had none
        return sandbox_in(folder, endpoint=endpoint, pid=int(known["pid"]), instance=instance, token=token)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def forget(folder: Path) -> None:
    """Remove the state file, the AWS files, the log, and what the server kept in files."""
    for path in (state_file(folder), folder / "config", folder / "credentials", folder / "server.log"):
        path.unlink(missing_ok=True)
    shutil.rmtree(folder / "tmp", ignore_errors=True)


def state_file(folder: Path) -> Path:
    """Return the state file of a folder's sandbox."""
    return folder / "sandbox.json"


def server_lock(folder: Path) -> Path:
    """Return the file that a server locks for as long as it runs."""
    return folder / "server.lock"


def write_private(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner only."""
    staging = path.with_name(f".{path.name}.{os.getpid()}")
    with open(staging, "w", encoding="utf-8", opener=owner_only) as file:
        file.write(text)
    staging.replace(path)


def owner_only(path: str, flags: int) -> int:
    """Open a file for `open` that is created with mode 0600."""
    return os.open(path, flags, 0o600)


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[int]:
    """Hold the lock of a file; yield its descriptor. Without `wait`, BlockingIOError if another has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Lock a temporary folder, which may be removed once no process holds it any more."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def is_alive(folder: Path) -> bool:
    """Return whether a server of this folder runs: its lock is freed however it ends."""
    try:
        with locked(server_lock(folder), wait=False):
            return False
    except BlockingIOError:
        return True


def lock_holder(folder: Path) -> int:
    """Return the process id that the server of a folder wrote at its start; valid while `is_alive`."""
    return int(server_lock(folder).read_text(encoding="ascii"))
