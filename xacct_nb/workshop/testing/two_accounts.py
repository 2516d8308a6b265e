"""The world of one test: two accounts of its own, to which every AWS client of the process is led."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from xacct_nb.aws import confinement
from xacct_nb.aws.profile_clients import Endpoint, session_of
from xacct_nb.runs.in_process_sandbox import start_in_process
from xacct_nb.sandbox.server.accounts import SIDES
from xacct_nb.sandbox.server.variables import variables_for
from xacct_nb.workshop.world import ADMINS, WorkshopWorld, open_world

DEFAULT_PROFILE = ADMINS["source"]
_HINT = "Use a profile of aws_world, and no endpoint of your own; make clients within the test."


class TwoAccounts(WorkshopWorld):
    """Two accounts of a test, and `outside`, a third one; their users are profiles of the AWS files."""

    def session(self, profile: str) -> Any:
        """Return a boto3 session of a profile."""
        files = str(self.accounts.config_file), str(self.accounts.credentials_file)
        return session_of(profile, Endpoint(*files, self.accounts.endpoint))

    def client(self, profile: str, service: str) -> Any:
        """Return the client of a profile for a service; a profile of a role, such as `hub`, assumes it."""
        if profile in self.profiles:
            return super().client(profile, service)
        return self.session(profile).client(service)

    def profile_of(self, principal: str) -> str:
        """Return the profile of a user, given as a profile, or as the ARN of a user of the two accounts.

        A user that has none gets an access key and a profile. Returns "" for every other principal.
        """
        if not principal.startswith("arn:"):
            return principal
        for side in SIDES:
            name = principal.removeprefix(self.user_arn("", side))
            if name != principal:
                return ADMINS[side] if name == "admin" else self.add_user(name.rpartition("/")[2], side)
        return ""


def open_aws_world(folder: Path) -> TwoAccounts:
    """Return two new accounts in the sandbox of this process. Raises SandboxError without MiniStack."""
    sandbox = start_in_process()
    opened = open_world(sandbox, folder, lambda world: None)
    seed = opened.secret("seed")
    return TwoAccounts(opened.accounts, opened.outside, seed, sandbox, is_new=True)


def variables(world: TwoAccounts) -> tuple[dict[str, str], list[str]]:
    """Return what to set and what to unset, so that clients without a profile are the source's admin."""
    config, credentials = world.accounts.config_file, world.accounts.credentials_file
    here = replace(start_in_process(), config_file=config, credentials_file=credentials)
    wanted, unset = variables_for(here, os.environ)
    return {**wanted, "AWS_PROFILE": DEFAULT_PROFILE}, [name for name in unset if name != "AWS_PROFILE"]


@contextmanager
def confined(world: TwoAccounts) -> Iterator[None]:
    """Refuse every call within the block that would leave the sandbox."""
    confinement.confine(world.accounts.endpoint, _HINT)
    try:
        yield
    finally:
        confinement.release()
