"""The grants discovered from a fleet that the tool made are that fleet; a bad account stops nobody."""

from pathlib import Path

import pytest

import xacct_nb as xa
from support.examples import an_account, endpoint_of
from support.fleet_world import ROLE, FleetWorld, a_fleet_world
from xacct_nb.fleets.discovery import Discovery
from xacct_nb.fleets.expansion import ExpandedFleet, expand
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.runs.discovery import write_grants
from xacct_nb.runs.fleet.fleet_work import apply_fleet, plan_fleet
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.member_accounts import ACCESS_ROLE
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.storage.fleet_file import read_fleet_fields

OWN = {"actions": ["iam:ListUsers"], "resources": ["*", "arn:aws:iam::{account}:user/*"]}
LISTING = {"actions": ["iam:ListUsers"], "resources": ["*"]}


@pytest.fixture
def members(sandbox: Sandbox, world: World) -> FleetWorld:
    return a_fleet_world(sandbox, world, 4)


def made(members: FleetWorld, **more: object) -> ExpandedFleet:
    fleet = members.fleet(**more)
    plan = plan_fleet(fleet, members.access)
    apply_fleet(fleet, plan, members.access, approved=plan.digest)
    return fleet


def discovered(members: FleetWorld, *more: str) -> Discovery:
    return xa.discover(
        ["destination-admin", "source-admin"],
        accounts=[*members.members, *more],
        account_role=ACCESS_ROLE,
        endpoint=endpoint_of(members.world),
    )


def written(discovery: Discovery, folder: Path) -> Fleet:
    file = folder / "fleet.yaml"
    write_grants(discovery, file)
    return Fleet(**read_fleet_fields(file))


@pytest.mark.parametrize("permissions", [[LISTING], [OWN]], ids=["the same in all", "by account"])
def test_the_grants_of_a_fleet_are_that_fleet(
    members: FleetWorld, tmp_path: Path, permissions: list[object]
) -> None:
    fleet = made(members, permissions=permissions)

    found = written(discovered(members), tmp_path)

    (grant,) = (each for each in found.grants if each.name == "readers")
    accepting = {"accept": fleet.fleet.grants[0].template.accept}
    assert grant.target == fleet.fleet.grants[0].target
    assert grant.template.model_copy(update=accepting) == fleet.fleet.grants[0].template
    assert plan_fleet(expand(Fleet(name="found", grants=[grant])), members.access).summary.startswith(
        "No changes."
    )


def test_an_account_that_cannot_be_read_stops_no_other_one(members: FleetWorld) -> None:
    made(members, accounts=members.members[:3])
    without_role, broken = an_account(), members.members[0]
    members.root(broken).delete_role_policy(RoleName=ACCESS_ROLE, PolicyName="AdministratorAccess")

    discovery = discovered(members, without_role)

    problems = {each.account: each.problem for each in discovery.accounts if each.problem}
    assert set(problems) == {without_role, broken}
    assert "AssumeRole" in problems[without_role]
    assert "AccessDenied" in problems[broken]
    assert {grant.destinations for grant in discovery.grants if grant.name == "readers"} == {
        tuple(f"arn:aws:iam::{account}:role/{ROLE}" for account in members.members[1:3])
    }


def test_a_profile_that_cannot_sign_in_is_listed_with_its_reason(world: World) -> None:
    alone = an_account()
    discovery = xa.discover(["nobody", "source-admin"], accounts=[alone], endpoint=endpoint_of(world))

    problems = {each.account: each.problem for each in discovery.accounts}
    assert list(problems) == [*sorted([alone, world.source]), ""]
    assert problems[world.source] == ""
    assert problems[alone] == "no profile is in it, and no account_role is given"
    assert problems[""].startswith("profile 'nobody': The AWS config has no profile 'nobody'.")
