"""Keeps a run in the sandbox: its process, the clients in its cells, and the programs that they start."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from xacct_nb.aws import confinement
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.sandbox.server.variables import disturbing, variables_for, without_proxy

# Each variable that a run changed: what it was before, and what it became; None where it was or is not there.
_changed: dict[str, tuple[str | None, str | None]] = {}


def enter_sandbox() -> None:
    """Let no AWS client of this process reach anything, until `use_sandbox` says where it may go."""
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    unset = [name for name in disturbing(os.environ) if name not in nowhere]
    _change({**nowhere, "AWS_EC2_METADATA_DISABLED": "true", **without_proxy(os.environ)}, unset)
    confinement.confine("")


def use_sandbox(sandbox: Sandbox, files: Path | None = None) -> None:
    """Let the AWS clients of this process, and of programs that it starts, use this sandbox only.

    `files` is the folder with the AWS files, by default the sandbox's own.
    """
    if files is not None:
        sandbox = replace(sandbox, config_file=files / "config", credentials_file=files / "credentials")
    _change(*variables_for(sandbox, os.environ))
    confinement.confine(sandbox.endpoint)


def leave_sandbox() -> None:
    """Give the process the environment that it had, and let its clients reach what it names.

    A variable that was changed since by somebody else stays as it is.
    """
    confinement.release()
    for name, (before, ours) in _changed.items():
        if os.environ.get(name) != ours:
            continue
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before
    _changed.clear()


@contextmanager
def opening() -> Iterator[None]:
    """Let the accounts of a sandbox be created within the block, by clients that read no configuration."""
    confinement.release()
    try:
        yield
    finally:
        confinement.confine("")


def _change(wanted: dict[str, str], unset: list[str]) -> None:
    for name in (*wanted, *unset):
        first = _changed.get(name, (os.environ.get(name), None))
        _changed[name] = first[0], wanted.get(name)
    for name in unset:
        del os.environ[name]
    os.environ.update(wanted)
