"""A fleet of accounts in the sandbox: members with a role that the destination's administrator assumes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from support.examples import an_account
from xacct_nb.aws.account_sessions import FleetAccess
from xacct_nb.aws.clients import connect
from xacct_nb.fleets.expansion import ExpandedFleet, expand
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.fleets.result import FleetResult
from xacct_nb.runs.fleet.fleet_work import plan_rollback, roll_back_fleet
from xacct_nb.runs.sandboxes import add_member_accounts
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.member_accounts import ACCESS_ROLE
from xacct_nb.sandbox.server.state import Sandbox

ROLE = "reports-reader"
LISTS_USERS = {"actions": ["iam:ListUsers"], "resources": ["*"]}


@dataclass(frozen=True)
class FleetWorld:
    """Member accounts beside a world, whose `alice` is to read in all of them."""

    sandbox: Sandbox
    world: World
    members: tuple[str, ...]

    @property
    def alice(self) -> str:
        return f"arn:aws:iam::{self.world.source}:user/alice"

    @property
    def access(self) -> FleetAccess:
        return FleetAccess(
            source_profiles=("source-admin",),
            destination_profiles=("destination-admin",),
            caller_profiles=("alice",),
            account_role=ACCESS_ROLE,
            config_file=str(self.world.config_file),
            credentials_file=str(self.world.credentials_file),
            endpoint_url=self.world.endpoint,
            patience=1.0,
        )

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of a grant that lets alice list users in each member account."""
        return {
            "name": "readers",
            "sources": [self.alice],
            "accounts": list(self.members),
            "role": ROLE,
            "permissions": [LISTS_USERS],
            "accept": ["wildcard-resource"],
        }

    def fleet(self, accounts: Sequence[str] | None = None, **more: Any) -> ExpandedFleet:
        """Return a fleet of that grant, in all member accounts or in some."""
        chosen = {} if accounts is None else {"accounts": list(accounts)}
        return expand(Fleet(name="readers", grants=[{**self.fields, **chosen, **more}]))

    def root(self, account: str, service: str = "iam") -> Any:
        """Return a client of the root user of an account, to look at it or to break it."""
        return connect(
            service,
            endpoint_url=self.sandbox.endpoint,
            access_key_id=account,
            secret_access_key=self.sandbox.root_secret(account),
        )

    def has_role(self, account: str) -> bool:
        iam = self.root(account)
        return ROLE in [each["RoleName"] for each in iam.list_roles()["Roles"]]


def a_fleet_world(sandbox: Sandbox, world: World, count: int) -> FleetWorld:
    """Return a world with so many member accounts of its own."""
    members = tuple(an_account() for _ in range(count))
    add_member_accounts(sandbox, members, world.destination)
    return FleetWorld(sandbox, world, members)


def undone(members: FleetWorld, result: FleetResult, **more: Any) -> FleetResult:
    """Roll back what a run changed, as it is planned now."""
    changes = [change for each in result.results for change in each.changes]
    plan = plan_rollback(members.fleet(), changes, members.access)
    return roll_back_fleet(members.fleet(), plan, members.access, approved=plan.digest, **more)
