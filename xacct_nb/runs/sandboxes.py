"""The sandbox with two accounts in it, which are created through AWS's SDK."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xacct_nb.errors import InvalidOrganization
from xacct_nb.sandbox.server import accounts, member_accounts, server
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.storage.temporary_folders import remove_abandoned_folders

if TYPE_CHECKING:  # it loads botocore, and most commands for the sandbox do not need it
    from xacct_nb.aws.profile_clients import Endpoint


def open_sandbox(folder: Path | None = None) -> Sandbox:
    """Return the sandbox of `folder` (None: the user's own); start it with its accounts if it does not run.

    Raises SandboxError if it does not start.
    """
    return server.up(folder, _add_default_accounts, _load)


def sandbox_endpoint(sandbox: Sandbox) -> "Endpoint":
    """Return the endpoint and the AWS files of a sandbox."""
    from xacct_nb.aws.profile_clients import Endpoint

    return Endpoint(str(sandbox.config_file), str(sandbox.credentials_file), sandbox.endpoint)


def reset_sandbox(folder: Path | None = None) -> Sandbox:
    """Empty the running sandbox and create its accounts again, with new access keys.

    Raises SandboxError if none runs.
    """
    return server.reset(folder, _add_default_accounts)


def load_organization(sandbox: Sandbox, file: Path) -> list[str]:
    """Put the accounts that a JSON file names into an organization with its control policies.

    Returns the accounts. Raises InvalidOrganization, and SandboxError where the sandbox refuses it.
    """
    from xacct_nb.sandbox.server.client import set_organization

    try:
        organization = json.loads(file.read_text(encoding="utf-8"))
        identifier, members = str(organization.pop("id")), dict(organization.pop("accounts"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise InvalidOrganization(
            f"The organization file {str(file)!r} cannot be used.",
            why=f"{type(problem).__name__}: {problem}",
            hint='Write it like {"id": "o-a1b2c3d4e5", "accounts": {"111111111111": "o-a1b2c3d4e5/r-ab12/"}}',
        ) from problem
    set_organization(sandbox, identifier, members, **organization)
    return sorted(members)


@contextmanager
def throw_away_sandbox() -> Iterator[Sandbox]:
    """Run a separate sandbox with its accounts until the block ends or this process is killed."""
    with empty_sandbox() as sandbox:
        _add_default_accounts(sandbox)
        yield sandbox


@contextmanager
def empty_sandbox() -> Iterator[Sandbox]:
    """Run a separate sandbox without accounts until the block ends or this process is killed."""
    remove_abandoned_folders()
    with server.throw_away(_load) as sandbox:
        yield sandbox


def add_accounts(sandbox: Sandbox, source: str, destination: str, folder: Path) -> World:
    """Add two accounts (12 digits each) to a running sandbox, with their AWS files in `folder`."""
    world = accounts.world_of(sandbox, source, destination, folder)
    return accounts.furnish(partial(_client, sandbox.endpoint), world)


def add_member_accounts(sandbox: Sandbox, accounts: Iterable[str], hub: str) -> None:
    """Add accounts to a running sandbox that have one role, as AWS Organizations makes it in each.

    The role is OrganizationAccountAccessRole: it may do everything, and trusts the account `hub`.
    """
    from xacct_nb.aws.parallel import each_at_once

    connect = partial(_client, sandbox.endpoint, "iam")

    def add(account: str) -> None:
        member_accounts.add_member(connect(account, sandbox.root_secret(account)), hub)

    each_at_once(add, accounts, threads=8)


def _add_default_accounts(sandbox: Sandbox) -> World:
    return add_accounts(sandbox, accounts.SOURCE, accounts.DESTINATION, sandbox.folder)


def _load() -> None:
    """Load what creates the accounts, while the sandbox starts."""
    from xacct_nb.aws import clients

    clients.warm_up()


def _client(endpoint: str, service: str, access_key_id: str, secret_access_key: str) -> Any:
    from xacct_nb.aws.clients import connect

    return connect(
        service, endpoint_url=endpoint, access_key_id=access_key_id, secret_access_key=secret_access_key
    )
