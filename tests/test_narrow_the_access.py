"""What is read of the use of a grant, and the notebook that makes a smaller grant of it."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from support.boto3_clients import client, policy
from support.desk import Desk
from support.examples import applied, grant_in, root_iam, sessions_in
from support.fleet_world import ROLE, a_fleet_world
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws.usage_reader import read_usage
from xacct_nb.changes.narrowing import narrow
from xacct_nb.fleets.fleet_narrowing import narrow_fleet
from xacct_nb.grants.grant import Grant, from_parameters
from xacct_nb.runs.fleet.fleet_usage import read_fleet_usage
from xacct_nb.runs.fleet.fleet_work import apply_fleet, plan_fleet
from xacct_nb.runs.whole_commands import command_of
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.storage.run_folder import write_about

sandbox = in_process_sandbox
ANY = {"actions": ["s3:ListAllMyBuckets", "sqs:ListQueues", "iam:List*"], "resources": ["*"]}
ACCEPTED = {"accept": ["wildcard-resource"]}


def made(world: World, **fields: Any) -> Grant:
    """A grant that was applied and not proven, so that nobody has used its role."""
    read = {"actions": ["s3:GetObject"], "resources": [f"arn:aws:s3:::{world.bucket}/*"]}
    grant = grant_in(world, **{"permissions": [read, ANY], **ACCEPTED, **fields})
    applied(grant, sessions_in(world, grant))
    return grant


def session(world: World, grant: Grant) -> dict[str, Any]:
    sts = client(world, "sts", "alice")
    return dict(sts.assume_role(RoleArn=grant.destinations[0], RoleSessionName="s1")["Credentials"])


def test_the_use_of_roles_and_sources_is_read(world: World) -> None:
    grant = made(world)
    client(world, "s3", session(world, grant)).list_buckets()

    usage = read_usage(grant, sessions_in(world, grant))
    (role,), (alice,) = usage.roles, usage.sources
    used = {each.service: bool(each.last) for each in role.services or ()}
    sts = alice.service("sts")

    assert used == {"iam": False, "s3": True, "sqs": False}
    assert role.last_used[:10] == role.at[:10] == role.since[:10]
    assert usage.unknown == ()
    assert sts is not None
    assert sts.last


def test_a_long_report_is_read_to_its_end(world: World) -> None:
    fields = {"permissions": [{"actions": ["*"], "resources": ["*"]}]}
    grant = made(world, **fields, accept=["wildcard-action", "wildcard-resource"])

    (role,) = read_usage(grant, sessions_in(world, grant)).roles

    assert len(role.services or ()) > 400


@pytest.mark.parametrize(
    "action", ["iam:GenerateServiceLastAccessedDetails", "iam:GetServiceLastAccessedDetails", "iam:GetRole"]
)
def test_what_a_session_may_not_read_is_not_known_and_names_the_right(world: World, action: str) -> None:
    grant = made(world)
    sessions = sessions_in(world, grant)
    deny = policy(action, "Deny")
    root_iam(world, world.destination).put_user_policy(UserName="admin", PolicyName="no", PolicyDocument=deny)

    usage = read_usage(grant, sessions)
    found = narrow(grant, usage, tracked_days=0)

    assert usage.roles[0].services is None
    assert action in usage.unknown[0]
    assert found.smaller is None
    assert {each.code for each in found.items} == {"unknown"}


def test_a_role_that_is_not_there_is_not_known(world: World) -> None:
    grant = grant_in(world)

    usage = read_usage(grant, sessions_in(world, grant))

    assert "NoSuchEntity" in usage.unknown[0]
    assert narrow(grant, usage, tracked_days=0).smaller is None


def test_a_managed_policy_is_read_for_what_it_allows_and_denies(world: World) -> None:
    iam, both = root_iam(world, world.destination), []
    for name, effect, action in (("allows", "Allow", "sqs:*"), ("denies", "Deny", "sns:*")):
        made_policy = iam.create_policy(PolicyName=name, PolicyDocument=policy(action, effect))
        both.append(made_policy["Policy"]["Arn"])
    grant = made(world, managed_policies=both)
    client(world, "s3", session(world, grant)).list_buckets()

    usage = read_usage(grant, sessions_in(world, grant))
    items = {each.what: each.outcome for each in narrow(grant, usage, tracked_days=0).items}

    assert [(each.actions, each.denies) for each in usage.policies] == [(("sqs:*",), False), ((), True)]
    assert [items[each] for each in both] == ["dropped", "kept"]


def test_what_a_trail_shows_is_read_where_there_is_one(world: World) -> None:
    grant = made(world)
    trail = client(world, "cloudtrail").create_trail(Name="all", S3BucketName="logs")["TrailARN"]
    client(world, "cloudtrail").start_logging(Name="all")
    service = {"Service": "access-analyzer.amazonaws.com"}
    trusting = policy("sts:AssumeRole", Principal=service)
    iam = root_iam(world, world.destination)
    iam.create_role(RoleName="analyzer", AssumeRolePolicyDocument=trusting)
    client(world, "s3", session(world, grant)).list_buckets()

    usage = read_usage(grant, sessions_in(world, grant), trail=trail, analyzer_role="analyzer")
    missing = read_usage(grant, sessions_in(world, grant), trail=trail, analyzer_role="nobody")

    assert usage.generated[0].actions == ("s3:ListAllMyBuckets",)
    assert missing.generated[0].actions == ()
    assert "AUTHORIZATION_ERROR" in missing.unknown[0]


def test_a_fleet_keeps_what_one_of_its_accounts_used(sandbox: Sandbox, world: World) -> None:
    members = a_fleet_world(sandbox, world, 2)
    fields = {"permissions": [{"actions": ["iam:ListUsers", "sqs:ListQueues"], "resources": ["*"]}]}
    fleet, access = members.fleet(**fields), replace(members.access, caller_profiles=())
    plan = plan_fleet(fleet, access)
    apply_fleet(fleet, plan, access, approved=plan.digest, tolerance=2)
    role = {"RoleArn": f"arn:aws:iam::{members.members[1]}:role/{ROLE}", "RoleSessionName": "s1"}
    made_session = client(world, "sts", "alice").assume_role(**role)["Credentials"]
    client(world, "iam", made_session).list_users()

    found = narrow_fleet(fleet, read_fleet_usage(fleet, access), tracked_days=0)
    outside = replace(access, account_role="Nobody")
    unread = narrow_fleet(fleet, read_fleet_usage(fleet, outside), tracked_days=0)

    assert found.smaller is not None
    assert [each.actions for each in found.smaller.grants[0].template.permissions] == [("iam:ListUsers",)]
    assert unread.smaller is None
    assert "role/Nobody: AWS" in str(unread)


@pytest.fixture
def here(desk: Desk) -> Desk:
    return Desk(desk.world, desk.records, in_process=True)


def ran(here: Desk, grant: Grant, **more: Any) -> Any:
    profiles = {
        "source_profiles": ["source-admin"],
        "destination_profiles": ["destination-admin"],
        "caller_profiles": ["alice", "mallory"],
    }
    fields = {**grant.to_json(), **profiles, "patience_seconds": 5, "tracked_days": 0, **more}
    return here.run("narrow_the_access", **fields)


def test_the_smaller_grant_is_planned_applied_and_proven_and_its_file_written(
    here: Desk, tmp_path: Path
) -> None:
    grant, file = made(here.world), tmp_path / "smaller.yaml"
    client(here.world, "s3", session(here.world, grant)).list_buckets()

    planned = ran(here, grant).record
    result = ran(here, grant, approve=planned.plan.digest, narrow_to=str(file))
    done, shown = result.record, str(result)
    proof = {each.probe.question: (each.probe.kind, each.answer) for each in done.proof.outcomes}
    smaller = from_parameters(yaml.safe_load(file.read_text()))

    assert (planned.status, done.status) == ("planned", "succeeded")
    assert f"The smaller grant is in {file}." in shown
    assert {each[0]: each[1] for each in done.narrowing["items"]}["sqs:ListQueues"] == "dropped"
    assert all(each[2] for each in done.narrowing["items"])
    assert "sqs:ListQueues" in shown
    assert [list(each.actions) for each in smaller.permissions] == [["s3:GetObject"], ["s3:ListAllMyBuckets"]]
    assert [each["actions"] for each in done.parameters["permissions"]] == [
        ["s3:GetObject"],
        ["s3:ListAllMyBuckets"],
    ]
    assert proof["sqs:ListQueues, which was dropped"] == ("dropped", "Denied")
    assert proof["iam:ListUsers, which was dropped"] == ("dropped", "Denied")
    assert proof["s3:ListAllMyBuckets"] == ("allowed", "Allowed")


def test_a_role_that_is_new_is_not_narrowed_and_no_call_is_made_with_it(here: Desk, tmp_path: Path) -> None:
    grant, file = made(here.world), tmp_path / "smaller.yaml"

    done = ran(here, grant, tracked_days=90, narrow_to=str(file)).record
    (role,) = read_usage(grant, sessions_in(here.world, grant)).roles

    assert (done.status, file.exists()) == ("no-change", False)
    assert role.last_used == ""


def test_a_file_that_was_changed_is_not_overwritten(here: Desk, tmp_path: Path) -> None:
    grant, file = made(here.world), tmp_path / "smaller.yaml"
    client(here.world, "s3", session(here.world, grant)).list_buckets()
    file.write_text("mine")

    done = ran(here, grant, narrow_to=str(file)).record

    assert (file.read_text(), done.plan) == ("mine", None)
    assert "cannot be written" in done.error.what


def test_what_is_not_proven_is_proven_with_the_smaller_grants_file(tmp_path: Path) -> None:
    file = tmp_path / "smaller.yaml"
    file.write_text("name: smaller")
    around = "-p sandbox false --records records"
    again = f"xacct-nb run narrow_the_access -f grant.yaml -p tracked_days 0 -p narrow_to {file} {around}"
    write_about(tmp_path, {"again": again})
    chosen, evidence = SimpleNamespace(narrow_to=str(file)), SimpleNamespace(folder=tmp_path)
    run: Any = SimpleNamespace(headless=True, settings=chosen, evidence=evidence)

    assert command_of(run, "prove_the_access") == f"xacct-nb run prove_the_access -f {file} {around}"
