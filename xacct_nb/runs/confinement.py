"""Keeps a run in the sandbox: its process, the clients in its cells, and the programs that they start."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from xacct_nb.aws import confinement
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.sandbox.server.variables import disturbing, variables_for, without_proxy

# What the environment had before a run entered the sandbox; None for a variable that was not there.
_before: dict[str, str | None] = {}


def enter_sandbox() -> None:
    """Let no AWS client of this process reach anything, until `use_sandbox` says where it may go."""
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    unset = [name for name in disturbing(os.environ) if name not in nowhere]
    _change({**nowhere, "AWS_EC2_METADATA_DISABLED": "true", **without_proxy(os.environ)}, unset)
    confinement.confine("")


def use_sandbox(sandbox: Sandbox) -> None:
    """Let the AWS clients of this process, and of programs that it starts, use this sandbox only."""
    _change(*variables_for(sandbox, os.environ))
    confinement.confine(sandbox.endpoint)


def leave_sandbox() -> None:
    """Give the process the environment that it had, and let its clients reach what it names."""
    confinement.release()
    for name, value in _before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    _before.clear()


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
        _before.setdefault(name, os.environ.get(name))
    for name in unset:
        del os.environ[name]
    os.environ.update(wanted)
