"""The notebook for fleets, headless: its status, its record, a bad account, and the rollback."""

from pathlib import Path
from typing import Any

import pytest

from support.desk import Desk
from support.fleet_world import ROLE, FleetWorld, a_fleet_world
from xacct_nb.runs.runner import RunResult
from xacct_nb.sandbox.server.member_accounts import ACCESS_ROLE
from xacct_nb.sandbox.server.state import Sandbox

NO_POLICIES = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:PutRolePolicy","Resource":"*"}]}'
)
SECRET = "an-external-id-of-the-vendor-4711"


@pytest.fixture
def members(sandbox: Sandbox, desk: Desk) -> FleetWorld:
    return a_fleet_world(sandbox, desk.world, 3)


def run(desk: Desk, members: FleetWorld, **more: Any) -> RunResult:
    fields = members.fields | {"patience_seconds": 1}
    return desk.run("grant_a_fleet", **(fields | more))


def approved(desk: Desk, members: FleetWorld, **more: Any) -> RunResult:
    plan = run(desk, members, **more).record.plan
    assert plan
    return run(desk, members, approve=plan.digest, **more)


def summary(done: RunResult) -> str:
    fleet = done.record.fleet
    return fleet.result.summary if fleet and fleet.result else ""


def test_a_fleet_is_planned_approved_proven_and_rolled_back(desk: Desk, members: FleetWorld) -> None:
    planned = run(desk, members)
    done = approved(desk, members)
    again = run(desk, members)
    undone = desk.rolled_back(record=done.record.id)

    assert [each.record.status for each in (planned, done, again, undone)] == [
        "planned", "succeeded", "no-change", "succeeded",
    ]  # fmt: skip
    assert summary(done) == summary(again) == "Fleet: 3 of 3 roles proven."
    assert not any(map(members.has_role, members.members))


def test_an_account_that_fails_ends_the_run_with_its_cause_and_the_others_stay_proven(
    desk: Desk, members: FleetWorld
) -> None:
    plan = run(desk, members).record.plan
    assert plan
    deny = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:PutRolePolicy","Resource":"*"}]}'
    )
    members.root(members.members[1]).put_role_policy(
        RoleName=ACCESS_ROLE, PolicyName="deny", PolicyDocument=deny
    )
    done = run(desk, members, approve=plan.digest, tolerance=1).record

    assert done.status == "proof-failed"
    assert done.error
    assert f"{members.members[1]} readers: rolled-back" in done.error.why
    assert [members.has_role(account) for account in members.members] == [True, False, True]


def test_a_fleet_file_is_taken_by_f_and_its_external_id_is_in_no_file(
    desk: Desk, members: FleetWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDOR_ID", SECRET)
    file = tmp_path / "fleet.yaml"
    file.write_text(
        "name: vendors\ngrants:\n- name: readers\n"
        f"  sources: ['{members.alice}']\n  accounts: {list(members.members)}\n  role: {ROLE}\n"
        "  conditions: {external_id: 'env:VENDOR_ID'}\n"
    )
    about = {
        "file": file,
        "source_profiles": ["source-admin"],
        "destination_profiles": ["destination-admin"],
        "caller_profiles": ["alice"],
        "allow_references": ["env:VENDOR_ID"],
        "sandbox": False,
    }
    digest = desk.run("grant_a_fleet", **about).record.plan
    assert digest
    done = desk.run("grant_a_fleet", approve=digest.digest, **about)

    assert done.record.status == "succeeded"
    assert all(SECRET not in each.read_text() for each in done.folder.iterdir())
    assert desk.rolled_back(record=done.record.id).record.status == "succeeded"
    assert not any(map(members.has_role, members.members))
