"""Joins the sandbox and AWS's SDK: opens the embedded AWS with two furnished accounts in it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xacct_nb.errors import InvalidOrganization
from xacct_nb.sandbox.server import accounts, server
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.state import Sandbox

if TYPE_CHECKING:
    from xacct_nb.aws.sessions import Endpoint


def open_sandbox(folder: Path | None = None) -> Sandbox:
    """The running sandbox of `folder` (None: the user's own), started and furnished if it was not there.

    Raises SandboxError if it does not start.
    """
    return server.up(folder, _furnish_default, _load)


def sandbox_endpoint() -> "Endpoint":
    """Where the profiles and the endpoint of the user's own sandbox are; it is started if need be."""
    from xacct_nb.aws.sessions import Endpoint

    sandbox = open_sandbox()
    return Endpoint(str(sandbox.config_file), str(sandbox.credentials_file), sandbox.endpoint)


def reset_sandbox(folder: Path | None = None) -> Sandbox:
    """The running sandbox, emptied and furnished again; its access keys are new.

    Raises SandboxError if none runs.
    """
    return server.reset(folder, _furnish_default)


def close_sandbox(folder: Path | None = None) -> bool:
    """End the sandbox; False if none ran."""
    return server.down(folder)


def load_organization(sandbox: Sandbox, file: Path) -> list[str]:
    """Puts the accounts that a JSON file names into an organization, under its control policies.

    Gives the accounts. Raises InvalidOrganization, and SandboxError where the sandbox does not take it.
    """
    from xacct_nb.sandbox.server.client import set_organization

    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        identifier, members = str(told.pop("id")), dict(told.pop("accounts"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise InvalidOrganization(
            f"The organization file {str(file)!r} cannot be used.",
            why=f"{type(problem).__name__}: {problem}",
            hint='It reads like {"id": "o-a1b2c3d4e5", "accounts": {"111111111111": "o-a1b2c3d4e5/r-ab12/"}}',
        ) from problem
    set_organization(sandbox, identifier, members, **told)
    return sorted(members)


@contextmanager
def throw_away_sandbox() -> Iterator[Sandbox]:
    """A furnished sandbox of one's own that is gone after the block, or when this process is killed."""
    with server.throw_away(_load) as sandbox:
        _furnish_default(sandbox)
        yield sandbox


def add_accounts(sandbox: Sandbox, source: str, destination: str, folder: Path) -> World:
    """Two more accounts (12 digits each) on a running sandbox, their AWS files in `folder`."""
    return accounts.furnish(
        partial(_client, sandbox.endpoint), accounts.world_of(sandbox.endpoint, source, destination, folder)
    )


def _furnish_default(sandbox: Sandbox) -> World:
    return add_accounts(sandbox, accounts.SOURCE, accounts.DESTINATION, sandbox.folder)


def _load() -> None:
    """Loads what furnishes a sandbox, while it starts."""
    from xacct_nb.aws import clients

    clients.warm_up()


def _client(endpoint: str, service: str, access_key_id: str, secret_access_key: str) -> Any:
    from xacct_nb.aws.clients import connect

    return connect(
        service, endpoint_url=endpoint, access_key_id=access_key_id, secret_access_key=secret_access_key
    )
