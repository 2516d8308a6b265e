"""Starts and ends the process of a sandbox server."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from xacct_nb.errors import SandboxError
from xacct_nb.sandbox.server.state import is_alive, locked, owner_only, server_lock

# The server gets no other variables: AWS_ACCESS_KEY_ID would become a root key there, and MINISTACK_*,
# LOCALSTACK_*, SERVICES or PERSIST_STATE would change what it serves.
_KEPT = (
    "PATH", "HOME", "LANG", "LC_ALL", "VIRTUAL_ENV", "CONDA_PREFIX", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
    "PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX",
)  # fmt: skip
TOKEN_VARIABLE = "XACCT_SANDBOX_TOKEN"
_PACKAGES = str(Path(__file__).parents[3])
_TIMEOUT = 5.0


def start_detached(folder: Path, instance: str, token: str) -> str:
    """Start a server that outlives this process; return its endpoint, which responds when it is ready."""
    endpoint, starter = _spawn(folder, (instance, token), "detached", subprocess.DEVNULL)
    starter.wait()
    return endpoint


@contextmanager
def started_attached(folder: Path, instance: str, token: str) -> Iterator[str]:
    """Yield the endpoint of a server that ends with this block, or with this process if it is killed."""
    endpoint, server = _spawn(folder, (instance, token), "attached", subprocess.PIPE)
    try:
        yield endpoint
    finally:
        try:
            server.communicate(timeout=_TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.communicate()


def end(folder: Path, pid: int) -> None:
    """End the server `pid` of a folder and its processes: SIGTERM first, then SIGKILL.

    Raises SandboxError if it still runs after ten seconds.
    """
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(pid, how)
        if ends_within(folder, _TIMEOUT):
            return
    why = f"It still holds {server_lock(folder)}."
    raise SandboxError(f"Process {pid} does not end.", why=why, hint=f"End it with: kill -9 {pid}")


def ends_within(folder: Path, seconds: float) -> bool:
    """Return whether the server of a folder has ended, or ends in that time."""
    deadline = time.monotonic() + seconds
    while is_alive(folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def _spawn(
    folder: Path, names: tuple[str, str], mode: str, stdin: int
) -> tuple[str, subprocess.Popen[bytes]]:
    """Start the server; `names` are its instance and its token, which no list of processes shows."""
    instance, token = names
    with (
        locked(server_lock(folder), wait=False) as lock,
        socket.create_server(("127.0.0.1", 0), backlog=1024) as listener,
        open(_log(folder), "wb", opener=owner_only) as log,
    ):
        port = listener.getsockname()[1]
        passed = (listener.fileno(), lock)
        server = subprocess.Popen(
            [sys.executable, "-P", "-m", "xacct_nb.sandbox.server.serve", mode, *map(str, passed), instance],
            cwd=folder,
            env=_environment(folder, port) | {TOKEN_VARIABLE: token},
            pass_fds=passed,
            stdin=stdin,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return f"http://127.0.0.1:{port}", server


def end_of_log(folder: Path, lines: int = 15) -> str:
    """Return the end of the server's log."""
    return "\n".join(_log(folder).read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def _log(folder: Path) -> Path:
    return folder / "server.log"


def _environment(folder: Path, port: int) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    scratch = str(folder / "tmp")
    return kept | {
        "PYTHONPATH": os.pathsep.join(filter(None, (_PACKAGES, kept.get("PYTHONPATH")))),
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "localhost",
        "LOG_LEVEL": "WARNING",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "TMPDIR": scratch,
        "STATE_DIR": scratch,
        "S3_DATA_DIR": scratch,
        # A socket that does not exist: at its start the server would remove containers of other MiniStacks.
        "DOCKER_HOST": f"unix://{scratch}/no-docker",
    }
