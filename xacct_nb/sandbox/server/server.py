"""Starts the embedded AWS once, finds it again, empties it and ends it."""

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any

from xacct_nb.errors import SandboxError
from xacct_nb.sandbox.ministack.version import require_ministack
from xacct_nb.sandbox.server import process, state
from xacct_nb.sandbox.server.connection import DEADLINE, send
from xacct_nb.sandbox.server.state import Sandbox

Furnish = Callable[[Sandbox], object]
"""Fills an empty sandbox, and writes its `config_file` last."""


def _nothing() -> None:
    """Do nothing while a server starts."""


def up(
    folder: Path | None = None, furnish: Furnish | None = None, meanwhile: Callable[[], None] = _nothing
) -> Sandbox:
    """Return the sandbox of `folder` (None: the user's own): the running one, else a new one.

    `furnish` is called with it unless its AWS config file is there already; `meanwhile` is called while a new
    one starts. Two calls at once start one server. Raises SandboxError if the folder cannot be used, or with
    the end of its log if it does not start.
    """
    folder = _create(_absolute(folder))
    with _command_lock(folder):
        sandbox = _find(folder)
        if sandbox and not sandbox.token:  # an older version started it, and it accepts any signature
            process.end(folder, sandbox.pid)
            sandbox = None
        sandbox = sandbox or _start(folder, meanwhile)
        if furnish and not sandbox.config_file.exists():
            furnish(sandbox)
    return sandbox


def status(folder: Path | None = None) -> Sandbox | None:
    """Return the running sandbox of `folder`, or None. Waits while another process starts or ends it.

    Raises SandboxError if it runs but does not respond; so do the other functions here.
    """
    folder = _absolute(folder)
    if not os.path.isdir(folder):  # unlike Path.is_dir, it accepts a name of any length
        return None
    with _command_lock(folder):
        return _find(folder)


def down(folder: Path | None = None) -> bool:
    """End the sandbox of `folder` and remove its files; False if there was none.

    Ends only the process that responds as the sandbox in the state file. Raises SandboxError if it does not
    end.
    """
    folder = _absolute(folder)
    if not folder.is_dir():
        return False
    with _command_lock(folder):
        sandbox = _find(folder)
        if sandbox:
            process.end(folder, sandbox.pid)
        state.forget(folder)
    return sandbox is not None


def reset(folder: Path | None = None, furnish: Furnish | None = None) -> Sandbox:
    """Empty every account of the running sandbox of `folder`, then call `furnish` with it.

    Raises SandboxError if none runs.
    """
    folder = _create(_absolute(folder))
    with _command_lock(folder):
        sandbox = _find(folder)
        if sandbox is None:
            raise SandboxError(f"No sandbox runs in {folder}.", hint="Start it with: xacct-nb sandbox up")
        try:
            send(sandbox.endpoint, sandbox.token, "/_ministack/reset", "POST")
        except (OSError, HTTPException, ValueError) as error:
            raise SandboxError("The sandbox cannot be emptied.", why=str(error)) from error
        sandbox.config_file.unlink(missing_ok=True)
        sandbox.credentials_file.unlink(missing_ok=True)
        if furnish:
            furnish(sandbox)
    return sandbox


@contextmanager
def throw_away(meanwhile: Callable[[], None] = _nothing) -> Iterator[Sandbox]:
    """Yield a sandbox in a temporary folder; both are removed after the block or with this process."""
    require_ministack()
    with tempfile.TemporaryDirectory(prefix="xacct-nb-sandbox-") as name, state.held(Path(name)):
        folder, instance, token = Path(name), secrets.token_hex(16), secrets.token_hex(32)
        with process.started_attached(folder, instance, token) as endpoint:
            meanwhile()
            yield _await(folder, endpoint, instance, token)


def _absolute(folder: Path | None) -> Path:
    return (folder or state.default_folder()).absolute()


def _create(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        hint = "Set XACCT_SANDBOX_DIR to a folder that you may write to."
        raise SandboxError(f"The sandbox cannot use {folder}.", why=str(error), hint=hint) from error
    return folder


def _command_lock(folder: Path) -> AbstractContextManager[int]:
    return state.locked(folder / "command.lock")


def _find(folder: Path) -> Sandbox | None:
    if not state.is_alive(folder):
        return None
    known = state.recall(folder)
    if known and _identity(known.endpoint, known.token) == {"instance": known.instance, "pid": known.pid}:
        return known
    if process.ends_within(folder, 0.5):  # a signal had reached it before
        return None
    raise SandboxError(
        f"A sandbox of {folder} runs, but does not respond as the one in its state file.",
        why=f"It holds {state.server_lock(folder)}, and had {DEADLINE:.0f} seconds to respond.",
        hint=f"End process {state.lock_holder(folder)}, then try again.",
    )


def _start(folder: Path, meanwhile: Callable[[], None]) -> Sandbox:
    require_ministack()
    state.forget(folder)
    instance, token = secrets.token_hex(16), secrets.token_hex(32)
    endpoint = process.start_detached(folder, instance, token)
    try:
        meanwhile()
        return _await(folder, endpoint, instance, token)
    except (SandboxError, KeyboardInterrupt):
        if state.is_alive(folder):
            process.end(folder, state.lock_holder(folder))
        raise


def _await(folder: Path, endpoint: str, instance: str, token: str) -> Sandbox:
    identity = _identity(endpoint, token)
    if identity is None:
        why, hint = process.end_of_log(folder), "Fix what the log names, then try again."
        raise SandboxError(f"The sandbox in {folder} does not start.", why=why, hint=hint)
    pid = int(identity["pid"])
    sandbox = state.sandbox_in(folder, endpoint=endpoint, pid=pid, instance=instance, token=token)
    state.remember(sandbox)
    return sandbox


def _identity(endpoint: str, token: str) -> Any:
    """Return the identity that an endpoint reports; None if no sandbox responds in time."""
    try:
        return send(endpoint, token, "/_xacct/identity")
    except (OSError, HTTPException, ValueError):
        return None
