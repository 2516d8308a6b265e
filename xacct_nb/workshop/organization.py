"""The organization that a sheet puts accounts of its world into, with the control policies of each level."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from xacct_nb.errors import InvalidInput, InvalidPolicy
from xacct_nb.iam.policy import parse
from xacct_nb.sandbox.server.client import set_organization
from xacct_nb.workshop.world import WorkshopWorld

ROOT = "root"
_ROOT_ID, _ELSEWHERE = "ab12", "organization of somebody else"

Policy = Mapping[str, Any]
Policies = Mapping[str, tuple[Policy, ...]]
"""The policies of levels. A level is `root`, a unit, or an account id."""

FULL_ACCESS: Policy = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
"""AWS's own policy FullAWSAccess, which every level has until somebody detaches it."""


@dataclass(frozen=True)
class OrganizationTree:
    """Accounts by id, each with the organizational unit that it is in, and the control policies of levels.

    The accounts `elsewhere` are in an organization of somebody else, without control policies.
    """

    units: Mapping[str, str]
    service: Policies = field(default_factory=dict)
    resource: Policies = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()

    def with_account(self, account: str, unit: str) -> "OrganizationTree":
        """Return it after an account has joined it."""
        elsewhere = tuple(each for each in self.elsewhere if each != account)
        return replace(self, units={**self.units, account: unit}, elsewhere=elsewhere)

    def without_account(self, account: str) -> "OrganizationTree":
        """Return it after an account has left it."""
        return replace(self, units={each: unit for each, unit in self.units.items() if each != account})

    def with_service(self, level: str, *policies: Policy) -> "OrganizationTree":
        """Return it with these service control policies, and no others, on a level."""
        return replace(self, service={**self.service, level: policies})

    def with_resource(self, level: str, *policies: Policy) -> "OrganizationTree":
        """Return it with these resource control policies on a level."""
        return replace(self, resource={**self.resource, level: policies})

    def levels(self, policies: Policies, default: tuple[Policy, ...]) -> dict[str, list[list[Policy]]]:
        """Return the policies that limit each account: a list for each level, root first."""
        return {
            account: [list(policies.get(level, default)) for level in (ROOT, unit, account)]
            for account, unit in self.units.items()
        }


def organization_id(world: WorkshopWorld, name: str = "organization") -> str:
    """Return the id of the organization that the accounts of a world may be in; no other world has it."""
    return f"o-{world.secret(name)[:10]}"


def end_organization(world: WorkshopWorld) -> None:
    """End the organizations of a world with their control policies, if there are any. Raises SandboxError."""
    if world.sandbox:
        for name in ("organization", _ELSEWHERE):
            set_organization(world.sandbox, organization_id(world, name), {})


def abandon(world: WorkshopWorld) -> None:
    """End the organization of a world; the next `open_world` makes another world. Raises SandboxError."""
    end_organization(world)
    world.forget(is_clean=False)


def put_organization(world: WorkshopWorld, organization: OrganizationTree) -> None:
    """Let the organization of the world be this one, and nothing else. Raises InvalidInput, SandboxError."""
    if world.sandbox is None:
        raise InvalidInput(
            "On AWS itself the workshop changes no organization.",
            why="Control policies concern every account of an organization.",
            hint="Use the sandbox for this sheet: sandbox = True in the parameters.",
        )
    identifier, other = organization_id(world), organization_id(world, _ELSEWHERE)
    paths = {
        account: f"{identifier}/r-{_ROOT_ID}/ou-{_ROOT_ID}-{unit:0<8}/"
        for account, unit in organization.units.items()
    }
    set_organization(
        world.sandbox,
        identifier,
        paths,
        service_control_policies=organization.levels(organization.service, (FULL_ACCESS,)),
        resource_control_policies=organization.levels(organization.resource, ()),
    )
    set_organization(world.sandbox, other, dict.fromkeys(organization.elsewhere, f"{other}/r-{_ROOT_ID}/"))


@contextmanager
def organized(world: WorkshopWorld, tried: OrganizationTree, usual: OrganizationTree) -> Iterator[None]:
    """Let the organization be `tried` within the block, and `usual` after it."""
    put_organization(world, tried)
    try:
        yield
    finally:
        put_organization(world, usual)


def control_policy(answer: object, kind: str) -> Policy:
    """Return an answer, a policy or its JSON, as AWS accepts it for this kind. Raises InvalidPolicy."""
    if isinstance(answer, str):
        try:
            answer = json.loads(answer)
        except ValueError as problem:
            raise InvalidPolicy(f"The answer is no JSON: {problem}.") from problem
    if not isinstance(answer, dict):
        raise InvalidPolicy("The answer is no policy: it is a dict, or a policy's JSON as text.")
    parse(answer, kind)
    return answer
