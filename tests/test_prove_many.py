"""The proof of a fleet and of past records: what no longer holds, and who changed it when."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.boto3_clients import client
from support.desk import Desk
from support.examples import root_iam
from support.fleet_world import LISTS_USERS, ROLE, FleetWorld, a_fleet_world
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws.clients import connect
from xacct_nb.fleets.result import FleetResult
from xacct_nb.runs.request import check_request
from xacct_nb.runs.runner import RunResult
from xacct_nb.sandbox.server.member_accounts import ACCESS_ROLE
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox
SECRET = "an-external-id-of-the-vendor-4711"
ACTING = {"source_profiles": ["source-admin"], "destination_profiles": ["destination-admin"]}
PROFILES = {**ACTING, "caller_profiles": ["alice", "hub"]}
CLOSED = (
    '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}}'
)


@pytest.fixture
def here(desk: Desk) -> Desk:
    """The desk in this process."""
    return replace(desk, in_process=True)


@pytest.fixture
def members(sandbox: Sandbox, desk: Desk) -> FleetWorld:
    return a_fleet_world(sandbox, desk.world, 4)


def test_a_fleet_says_what_no_longer_holds_and_who_changed_it(
    here: Desk, members: FleetWorld, tmp_path: Path
) -> None:
    file = fleet_file(members, tmp_path)
    about = {"fleet": str(file), **PROFILES, "patience_seconds": 1}
    plan = here.run("grant_a_fleet", **about).record.plan
    assert plan
    here.run("grant_a_fleet", **about, approve=plan.digest)
    held = here.run("prove_many", **about).record
    ann = colleague(members, members.members[1], "ann")
    ann.update_assume_role_policy(RoleName=ROLE, PolicyDocument=CLOSED)
    lost = remove_caller_policy(members, "auditors", "hub")
    done = here.run("prove_many", **about)
    drift = {each.account: each.drift for each in result_of(done).results if each.drift}

    assert held.status == "succeeded"
    assert done.record.status == "proof-failed"
    assert set(drift) == {members.members[1], members.world.source}
    (trust,) = drift[members.members[1]]
    session = f"arn:aws:sts::{members.members[1]}:assumed-role/{ACCESS_ROLE}/ann"
    assert (trust.restores, trust.events[0].who) == (f"~ trust role/{ROLE}", session)
    assert trust.events[0].call == "UpdateAssumeRolePolicy"
    assert len(trust.events) == 1
    policy, attachment = sorted(drift[members.world.source], key=lambda each: each.restores, reverse=True)
    assert policy.events[0].request_id == lost["DeletePolicy"]
    assert attachment.events[0].request_id == lost["DetachRolePolicy"]
    assert done.record.error
    assert f"trust role/{ROLE} was changed at {trust.events[0].at} by {session}" in done.record.error.why
    assert session in (done.folder / "fleet.html").read_text()
    assert statuses(done) == {"drifted": 2, "proof-failed": 2, "proven": 1, "no-change": 1}


def test_past_records_say_what_holds_what_not_and_what_was_undone(here: Desk) -> None:
    undone = applied(here, "one")
    here.rolled_back()
    held = applied(here, "two", conditions={"external_id": SECRET})
    drifted = applied(here, "three")
    root_iam(here.world, here.world.destination).update_assume_role_policy(
        RoleName=role_of("three"), PolicyDocument=CLOSED
    )
    done = here.run("prove_many", records_of=["all"], **ACTING, caller_profiles=["alice"])
    found = {(each.grant, each.side): each.status for each in result_of(done).results}

    assert done.record.status == "proof-failed"
    assert found == {
        ("two", "source"): "no-change",
        ("two", "destination"): "proven",
        ("three", "source"): "no-change",
        ("three", "destination"): "drifted",
    }
    assert done.record.fleet
    assert set(done.record.fleet.accounts) == {"two", "three"}
    assert [each.record.status for each in (undone, held, drifted)] == ["succeeded"] * 3
    assert here.written(SECRET) == []


def test_what_differs_says_what_is_missing_and_who_gets_in_that_is_not_declared(here: Desk) -> None:
    applied(here, "open")
    destination, mallory = (
        root_iam(here.world, here.world.destination),
        f"arn:aws:iam::{here.world.source}:user/mallory",
    )
    role = destination.get_role(RoleName=role_of("open"))["Role"]
    trust = role["AssumeRolePolicyDocument"]
    entry = {"Effect": "Allow", "Principal": {"AWS": mallory}, "Action": "sts:AssumeRole"}
    trust["Statement"].append(entry)
    destination.update_assume_role_policy(RoleName=role_of("open"), PolicyDocument=json.dumps(trust))
    (policy,) = destination.list_role_policies(RoleName=role_of("open"))["PolicyNames"]
    destination.delete_role_policy(RoleName=role_of("open"), PolicyName=policy)
    done = here.run("prove_many", records_of=["all"], **ACTING, caller_profiles=["alice"])
    (found,) = result_of(done).missing

    assert "differs: trust role/role-of-open" in found.reason
    assert f"missing: inline-policy {policy} on role/role-of-open" in found.reason
    assert (
        f"user/mallory of {here.world.source} will no longer be able to assume role/role-of-open"
        in found.reason
    )
    assert found.reason.endswith("Allowed was expected, AWS returned Denied AccessDenied.")
    assert "The access is what the grant says." not in found.reason
    assert all("user/mallory" in (done.folder / name).read_text() for name in ("fleet.html", "fleet.json"))


def test_where_the_calls_work_all_the_same_a_slice_that_differs_is_not_called_as_declared(here: Desk) -> None:
    applied(here, "longer")
    iam = root_iam(here.world, here.world.destination)
    iam.update_role(RoleName=role_of("longer"), MaxSessionDuration=7200)
    done = here.run("prove_many", records_of=["all"], **ACTING, caller_profiles=["alice"])
    (found,) = result_of(done).missing

    assert found.status == "drifted"
    assert found.reason.endswith("The calls of the grant work, but what is there is not what the grant says.")


def test_an_external_id_that_is_only_a_fingerprint_is_asked_for_by_its_reference(
    here: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = applied(here, "vendor", conditions={"external_id": SECRET}).record
    root_iam(here.world, here.world.destination).update_assume_role_policy(
        RoleName=role_of("vendor"), PolicyDocument=CLOSED
    )
    about = {"records_of": [record.id], **ACTING, "caller_profiles": ["alice"]}
    without = next(each for each in result_of(here.run("prove_many", **about)).missing)
    monkeypatch.setenv("VENDOR_ID", SECRET)
    asked = next(
        each for each in result_of(here.run("prove_many", **about, external_id="env:VENDOR_ID")).missing
    )

    assert "the record has only the fingerprint of the external ID" in without.hint
    assert "-p external_id env:NAME" in without.hint
    assert without.proof == ""
    assert asked.proof.endswith("The access is not what the grant says.")
    assert asked.proof in asked.reason
    assert "fingerprint" not in asked.hint


def test_where_no_change_stands_nothing_is_proven(here: Desk) -> None:
    done = here.run("prove_many", records_of=["all"], **ACTING).record

    assert (done.status, done.error and done.error.what) == (
        "not-proven",
        "Nothing was proven: nothing is expected.",
    )


def test_a_name_that_no_standing_change_has_is_refused(here: Desk) -> None:
    done = here.run("prove_many", records_of=["nobody"], **ACTING).record

    assert done.status == "invalid-parameters"
    assert done.error
    assert done.error.what == "No change that stands is of 'nobody'."


@pytest.mark.parametrize(
    ("options", "notebook", "name"),
    [
        ([("fleet", "{file}")], "35_prove_many", "reports"),
        ([("records_of", "all")], "35_prove_many", "records"),
        ([], "30_prove_the_access", "summary-readers"),
    ],
)
def test_what_is_asked_for_says_whether_one_grant_is_proven_or_many(
    members: FleetWorld, tmp_path: Path, options: list[tuple[str, str]], notebook: str, name: str
) -> None:
    file = str(fleet_file(members, tmp_path))
    asked = [(option, value.format(file=file)) for option, value in options]
    request = check_request("prove_the_access", None, asked, "", str(tmp_path))

    assert (request.path.stem, request.grant) == (notebook, name)


def test_a_fleet_file_is_proven_by_the_same_command(members: FleetWorld, tmp_path: Path) -> None:
    request = check_request("prove_the_access", fleet_file(members, tmp_path), [], "", str(tmp_path))

    assert (request.path.stem, request.grant) == ("35_prove_many", "reports")


def applied(desk: Desk, name: str, **fields: Any) -> RunResult:
    """A run that applies a grant of this name, with a role of its own."""
    role = f"arn:aws:iam::{desk.world.destination}:role/{role_of(name)}"
    return desk.applied(name=name, destinations=[role], **fields)


def role_of(name: str) -> str:
    return f"role-of-{name}"


def result_of(done: RunResult) -> FleetResult:
    assert done.record.fleet
    assert done.record.fleet.result
    return done.record.fleet.result


def statuses(done: RunResult) -> dict[str, int]:
    return dict(Counter(each.status for each in result_of(done).results))


def remove_caller_policy(members: FleetWorld, grant: str, role: str) -> dict[str, str]:
    """Remove the caller policy of a role by hand; return the request id of each call."""
    iam, account = root_iam(members.world, members.world.source), members.world.source
    arn = f"arn:aws:iam::{account}:policy/xacct-{grant}"
    detached = iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    deleted = iam.delete_policy(PolicyArn=arn)
    calls = {"DetachRolePolicy": detached, "DeletePolicy": deleted}
    return {name: str(each["ResponseMetadata"]["RequestId"]) for name, each in calls.items()}


def fleet_file(members: FleetWorld, folder: Path) -> Path:
    first, second, third, fourth = members.members
    hub = f"arn:aws:iam::{members.world.source}:role/hub"
    shared = {"permissions": [LISTS_USERS], "accept": ["wildcard-resource"]}
    grants = [
        {"name": "readers", "sources": [members.alice], "accounts": [first, second], "role": ROLE, **shared},
        {"name": "auditors", "sources": [hub], "accounts": [third, fourth], "role": "auditor", **shared},
    ]
    file = folder / "fleet.json"
    file.write_text(json.dumps({"name": "reports", "grants": grants}))
    return file


def colleague(members: FleetWorld, account: str, name: str) -> Any:
    """A client of another administrator of a member account."""
    sts = client(members.world, "sts")
    role = f"arn:aws:iam::{account}:role/{ACCESS_ROLE}"
    keys = sts.assume_role(RoleArn=role, RoleSessionName=name)["Credentials"]
    return connect(
        "iam",
        endpoint_url=members.sandbox.endpoint,
        access_key_id=keys["AccessKeyId"],
        secret_access_key=keys["SecretAccessKey"],
        session_token=keys["SessionToken"],
    )
