"""An account that AWS throttles is waited for alone; the retries are counted, and their mode is fixed."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from support.desk import Desk
from support.fleet_world import ROLE, FleetWorld, a_fleet_world
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws import retries
from xacct_nb.fleets.plan import Waits
from xacct_nb.fleets.result import FleetResult
from xacct_nb.runs.fleet.fleet_work import apply_fleet, plan_fleet
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import misbehaving, set_clock
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.views import text

sandbox = in_process_sandbox
# Only in the account whose role is there already: what AWS is asked there, and nowhere else.
ONLY_THERE = ("UpdateAssumeRolePolicy",)
MODE = (
    "from xacct_nb.aws.bound_clients import AccountKeys, SharedClients\n"
    "from xacct_nb.aws.profile_clients import AWS_ITSELF\n"
    "client = SharedClients(AWS_ITSELF, 'aws').client('iam', AccountKeys('a', 'b', 'c'))\n"
    "print(client.meta.config.retries)"
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "backoff", lambda retry: 0.02)


@pytest.fixture
def members(sandbox: Sandbox, world: World) -> FleetWorld:
    """Four accounts; the role is in the second one already."""
    members = a_fleet_world(sandbox, world, 4)
    there = members.members[1]
    allow = {"Effect": "Allow", "Principal": {"AWS": there}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    members.root(there).create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust)
    return members


def applied(members: FleetWorld, fault: Fault) -> FleetResult:
    fleet = members.fleet(adopt=True)
    plan = plan_fleet(fleet, members.access)
    with misbehaving(members.sandbox, fault):
        return apply_fleet(fleet, plan, members.access, approved=plan.digest, waves=())


def waited(result: FleetResult) -> dict[str, int]:
    return {each.account: each.waits.retries for each in result.results if each.waits.retries}


def test_one_account_that_is_throttled_waits_alone_and_the_others_are_done_before_it(
    members: FleetWorld,
) -> None:
    result = applied(members, Fault("throttling", ONLY_THERE, count=20))

    assert result.summary == "Fleet: 4 of 4 roles proven."
    assert waited(result) == {members.members[1]: 20}
    assert result.results[-1].account == members.members[1]
    assert result.waits.seconds == pytest.approx(0.4)
    assert (
        f"20 calls were made again, after 0.4 s of waiting: 0.4 s of it in account {members.members[1]}"
        in (text(result.view()))
    )


def test_one_account_that_is_throttled_for_too_long_is_rolled_back_alone(members: FleetWorld) -> None:
    result = applied(members, Fault("throttling", ONLY_THERE))
    (missing,) = result.missing

    assert result.summary == "Fleet: 3 of 4 roles proven, 1 rolled-back."
    assert "IAM throttled UpdateAssumeRolePolicy for 1 s" in missing.reason


def test_retries_while_a_fleet_is_planned_are_counted(members: FleetWorld) -> None:
    with misbehaving(members.sandbox, Fault("throttling", ("GetAccountSummary",), count=3)):
        plan = plan_fleet(members.fleet(adopt=True), members.access)

    assert plan.waits == Waits(3, 0.06)


def test_the_record_of_a_fleet_says_how_often_calls_were_retried_and_how_the_clocks_differ(
    desk: Desk, sandbox: Sandbox
) -> None:
    members = a_fleet_world(sandbox, desk.world, 1)
    fields = members.fields
    set_clock(sandbox, 600)
    try:
        with misbehaving(sandbox, Fault("throttling", ("GetAccountSummary", "GetRole"), count=3)):
            record = replace(desk, in_process=True).run("grant_a_fleet", **fields).record
    finally:
        set_clock(sandbox, 0)

    assert record.status == "planned"
    assert record.retries
    assert (record.retries.retries, record.retries.seconds) == (3, 0.06)
    assert record.clock_offset == pytest.approx(600, abs=5)


@pytest.mark.parametrize("variable", ["AWS_NEW_RETRIES_2026=true", "AWS_RETRY_MODE=adaptive"])
def test_the_mode_of_the_shared_clients_is_fixed_whatever_the_environment_says(variable: str) -> None:
    name, value = variable.split("=")
    shown = subprocess.run(
        [sys.executable, "-c", MODE],
        env={**os.environ, name: value},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert eval(shown) == {"mode": "standard", "total_max_attempts": 1}
