"""Accounts of a fleet that are broken in different ways, and a run that is killed: the next one ends it."""

import json
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.fleet_world import ROLE, FleetWorld, a_fleet_world
from xacct_nb.changes.journal import Entry
from xacct_nb.fleets.result import FleetResult
from xacct_nb.runs.fleet.fleet_work import apply_fleet, plan_fleet
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import set_organization
from xacct_nb.sandbox.server.member_accounts import ACCESS_ROLE
from xacct_nb.sandbox.server.state import Sandbox

KILLED = """
import os, pickle, signal, sys
sys.path[:0] = {path!r}
from pathlib import Path
from xacct_nb.runs.fleet.fleet_work import apply_fleet

class Killing(list):
    def append(self, entry):
        super().append(entry)
        if len(self) == {entries}:
            os.kill(os.getpid(), signal.SIGKILL)

fleet, plan, access = pickle.loads(Path({file!r}).read_bytes())
apply_fleet(fleet, plan, access, approved=plan.digest, journal=Killing(), waves=())
"""
TRUST = (
    '{"Version":"2012-10-17","Statement":'
    '[{"Effect":"Allow","Principal":{"AWS":"%s"},"Action":"sts:AssumeRole"}]}'
)


@pytest.fixture
def members(sandbox: Sandbox, world: World, exhaustive: bool) -> FleetWorld:
    return a_fleet_world(sandbox, world, 200 if exhaustive else 12)


def run(members: FleetWorld, journal: list[Entry]) -> FleetResult:
    fleet = members.fleet()
    plan = plan_fleet(fleet, members.access)
    return apply_fleet(fleet, plan, members.access, approved=plan.digest, journal=journal, tolerance=5)


def policy(effect: str, action: str) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": "*"}]}
    )


def deny(action: str) -> Callable[[FleetWorld, str], None]:
    def breaks(members: FleetWorld, account: str) -> None:
        document = policy("Deny", action)
        members.root(account).put_role_policy(
            RoleName=ACCESS_ROLE, PolicyName="deny", PolicyDocument=document
        )

    return breaks


def allow_again(members: FleetWorld, account: str) -> None:
    members.root(account).delete_role_policy(RoleName=ACCESS_ROLE, PolicyName="deny")


def take_the_name(members: FleetWorld, account: str) -> None:
    members.root(account).create_role(RoleName=ROLE, AssumeRolePolicyDocument=TRUST % account)


def free_the_name(members: FleetWorld, account: str) -> None:
    members.root(account).delete_role(RoleName=ROLE)


def limit(members: FleetWorld, account: str) -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    no_users = {"Effect": "Deny", "Action": "iam:ListUsers", "Resource": "*"}
    scp = {"Version": "2012-10-17", "Statement": [everything, no_users]}
    path = {account: f"o-{account}/r-ab12/"}
    set_organization(members.sandbox, f"o-{account}", path, service_control_policies={account: [[scp]]})


def leave_the_organization(members: FleetWorld, account: str) -> None:
    set_organization(members.sandbox, f"o-{account}", {})


# How an account is broken, how it is mended, and what its result says.
FAULTS: list[tuple[Callable[[FleetWorld, str], None], Callable[[FleetWorld, str], None], str, str]] = [
    (deny("iam:Get*"), allow_again, "unreadable", "iam:GetRole"),
    (deny("iam:CreateRole"), allow_again, "rolled-back", "iam:CreateRole"),
    (deny("iam:PutRolePolicy"), allow_again, "rolled-back", "iam:PutRolePolicy"),
    (take_the_name, free_the_name, "unreadable", "was not made for the grant"),
    (limit, leave_the_organization, "proof-failed", "service control policy"),
]


def test_five_accounts_that_are_broken_in_different_ways_are_diagnosed_and_the_next_run_ends_it(
    members: FleetWorld,
) -> None:
    count, broken = len(members.members), members.members[2:7]
    for (breaks, _, _, _), account in zip(FAULTS, broken, strict=True):
        breaks(members, account)
    first, second = list[Entry](), list[Entry]()
    result = run(members, first)
    found = {each.account: each for each in result.missing}

    assert result.summary.startswith(f"Fleet: {count - 5} of {count} roles proven")
    for (_, _, status, says), account in zip(FAULTS, broken, strict=True):
        assert found[account].status == status
        assert says in found[account].reason + found[account].cause
    for (_, mends, _, _), account in zip(FAULTS, broken, strict=True):
        mends(members, account)
    again = run(members, second)
    assert again.summary == f"Fleet: {count} of {count} roles proven."
    assert {entry.account for entry in second} == set(broken[:4])
    # The one whose permissions were refused was rolled back after its role was made.
    assert sorted(made(first, "CreateRole") + made(second, "CreateRole")) == sorted(
        [*members.members, broken[2]]
    )


def made(journal: list[Entry], operation: str) -> list[str]:
    return sorted(each.account for each in journal if each.operation == operation and each.answer == "made")


@pytest.mark.parametrize("entries", [1, 2, 5, 12, 30])
def test_a_run_that_is_killed_is_ended_by_the_next_one_and_nothing_is_made_twice(
    sandbox: Sandbox, world: World, tmp_path: Path, entries: int
) -> None:
    members = a_fleet_world(sandbox, world, 8)
    fleet, file = members.fleet(), tmp_path / "work"
    file.write_bytes(pickle.dumps((fleet, plan_fleet(fleet, members.access), members.access)))
    code = KILLED.format(path=sys.path, entries=entries, file=str(file))
    killed = subprocess.run([sys.executable, "-c", code], check=False, timeout=120)
    there = [account for account in members.members if members.has_role(account)]
    journal = list[Entry]()
    result = run(members, journal)

    assert killed.returncode == -signal.SIGKILL
    assert result.summary == "Fleet: 8 of 8 roles proven."
    assert made(journal, "CreateRole") == sorted(set(members.members) - set(there))
