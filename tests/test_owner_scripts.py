"""The script for an owner without this toolkit makes their side with the real AWS CLI, and removes it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.boto3_clients import policy, trust
from support.examples import grant_in, plan_of, root_iam, sessions_in
from support.owner_scripts import OwnerDesk, aws_cli
from xacct_nb.aws.probes import prove
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.handoff.forms.half import half_of
from xacct_nb.handoff.forms.table import hand_over, take_back
from xacct_nb.sandbox.server.accounts import World

EXTERNAL_ID = "agreed-on=7,@:/x"
OwnerDesks = dict[str, OwnerDesk]
__all__ = ["aws_cli"]


@pytest.fixture
def desks(world: World, aws_cli: Path, tmp_path: Path) -> OwnerDesks:
    """The shells of both owners."""
    return {
        side: OwnerDesk(world, f"{side}-admin", aws_cli, tmp_path / side)
        for side in ("destination", "source")
    }


def run_both(desks: OwnerDesks, text_of: Callable[..., str], grant: Grant, times: int = 1) -> None:
    for side, desk in desks.items():
        for _ in range(times):
            done = desk.run(text_of(build(grant), side, "commands"), XACCT_EXTERNAL_ID=EXTERNAL_ID)
            assert (done.returncode, done.stderr) == (0, ""), done
            assert EXTERNAL_ID not in done.stdout
        assert [each.name for each in desk.folder.iterdir()] == ["script.sh"]


def test_both_scripts_make_the_grant_also_run_again_and_the_other_two_remove_it(
    world: World, desks: OwnerDesks
) -> None:
    grant = grant_in(world, conditions={"external_id": EXTERNAL_ID}, session_minutes=90)
    sessions = sessions_in(world, grant)

    run_both(desks, hand_over, grant, times=2)

    assert not plan_of(grant, sessions).changes
    assert prove(grant, sessions).holds

    run_both(desks, take_back, grant)

    assert all(change.sign == "+" for change in plan_of(grant, sessions).changes)


@pytest.mark.exhaustive
def test_many_principals_odd_names_inline_policies_and_a_boundary_are_made_as_the_grant_says(
    world: World, desks: OwnerDesks
) -> None:
    here, there = f"arn:aws:iam::{world.source}", f"arn:aws:iam::{world.destination}"
    client = root_iam(world, world.destination)
    bound = client.create_policy(PolicyName="bound", PolicyDocument=policy("s3:*"))["Policy"]["Arn"]
    root_iam(world, world.source).create_user(UserName="-x", Path="/'`touch`;{}/")
    grant = grant_in(
        world,
        sources=[f"{here}:user/alice", f"{here}:role/hub", f"{here}:user/'`touch`;{{}}/-x"],
        destinations=[f"{there}:role/team/(x)&\"\\'/reports-reader", f"{there}:role/--role"],
        permissions=[
            {
                "actions": ["s3:GetObject"],
                "resources": ["arn:aws:s3:::a$(touch canary)`x`'\"\\${aws:username}/é*"],
            }
        ],
        caller_policy="inline",
        managed_policies=["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        permissions_boundary=bound,
        conditions={"role_session_name": "a-*${aws:username}", "session_tags": {"team": "x y"}},
    )
    sessions = sessions_in(world, grant, ())

    run_both(desks, hand_over, grant, times=2)

    assert not plan_of(grant, sessions).changes

    run_both(desks, take_back, grant, times=2)

    assert all(change.sign == "+" for change in plan_of(grant, sessions).changes)


def test_a_group_a_whole_account_and_roles_that_trust_themselves_are_made_as_the_grant_says(
    world: World, desks: OwnerDesks
) -> None:
    here = f"arn:aws:iam::{world.source}"
    admin = root_iam(world, world.source)
    admin.create_group(GroupName="readers")
    admin.add_user_to_group(GroupName="readers", UserName="alice")
    grant = grant_in(world, sources=[world.source], attach_to=f"{here}:group/readers", self_assume=True)

    run_both(desks, hand_over, grant)

    assert not plan_of(grant, sessions_in(world, grant)).changes

    run_both(desks, take_back, grant)

    assert all(change.sign == "+" for change in plan_of(grant, sessions_in(world, grant)).changes)


@pytest.mark.exhaustive
def test_a_changed_grant_changes_what_its_script_made(world: World, desks: OwnerDesks) -> None:
    there = f"arn:aws:iam::{world.destination}:role"
    run_both(desks, hand_over, grant_in(world))
    wider = grant_in(world, destinations=[f"{there}/reports-reader", f"{there}/two"], session_minutes=120)

    run_both(desks, hand_over, wider)

    assert not plan_of(wider, sessions_in(world, wider)).changes


def test_a_policy_with_five_versions_gets_another_one(world: World, desks: OwnerDesks) -> None:
    grant, admin = grant_in(world), root_iam(world, world.source)
    made = admin.create_policy(
        PolicyName="xacct-reports",
        PolicyDocument=policy("s3:*"),
        Tags=[{"Key": "xacct-nb:grant", "Value": "reports"}],
    )
    arn = made["Policy"]["Arn"]
    for _ in range(4):
        admin.create_policy_version(PolicyArn=arn, PolicyDocument=policy("s3:*"), SetAsDefault=True)

    done = desks["source"].run(hand_over(grant, "source", "commands"))

    assert (done.returncode, done.stderr) == (0, "")
    versions = admin.list_policy_versions(PolicyArn=arn)["Versions"]
    assert sorted(each["VersionId"] for each in versions) == ["v2", "v3", "v4", "v5", "v6"]
    (expected,) = build(grant).caller_policies[grant.sources[0]]
    found = admin.get_policy_version(PolicyArn=arn, VersionId="v6")["PolicyVersion"]
    assert (found["Document"], found["IsDefaultVersion"]) == (expected, True)


@pytest.mark.parametrize("text_of", [hand_over, take_back])
def test_a_script_changes_nothing_in_another_account_or_where_others_own_a_name(
    world: World, desks: OwnerDesks, text_of: Any
) -> None:
    grant = grant_in(world)
    role = {
        "RoleName": "reports-reader",
        "AssumeRolePolicyDocument": trust(f"arn:aws:iam::{world.source}:root"),
    }
    root_iam(world, world.destination).create_role(**role)
    root_iam(world, world.source).create_policy(PolicyName="xacct-reports", PolicyDocument=policy("s3:*"))
    before = everything(world)

    for side, other in (("destination", "source"), ("source", "destination")):
        text = text_of(grant, side, "commands")
        refused = [desks[other].run(text), desks[side].run(text)]

        assert [done.returncode for done in refused] == [1, 1]
        assert "is for the account" in refused[0].stderr
        assert "was not made for this grant" in refused[1].stderr
    assert everything(world) == before


def test_a_role_that_a_grant_took_over_is_not_deleted(world: World, desks: OwnerDesks) -> None:
    tags = [
        {"Key": "xacct-nb:grant", "Value": "reports"},
        {"Key": "xacct-nb:adopted", "Value": "true"},
    ]
    trusting = trust(f"arn:aws:iam::{world.source}:root")
    admin = root_iam(world, world.destination)
    admin.create_role(RoleName="reports-reader", AssumeRolePolicyDocument=trusting, Tags=tags)

    done = desks["destination"].run(take_back(grant_in(world), "destination", "commands"))

    assert done.returncode == 1
    assert "existed before the grant" in done.stderr
    assert admin.get_role(RoleName="reports-reader")["Role"]["RoleName"] == "reports-reader"


@pytest.mark.parametrize("others", ["a list", "an object", "with an Id"])
def test_one_statement_is_put_into_the_trust_policy_of_others_and_taken_out_again(
    world: World, desks: OwnerDesks, others: str
) -> None:
    grant = grant_in(world, manage="trust", conditions={"external_id": EXTERNAL_ID})
    admin = root_iam(world, world.destination)
    theirs = {**json.loads(trust(f"arn:aws:iam::{world.destination}:root"))}
    statement = {"Sid": "Theirs", **theirs["Statement"][0]}
    before = {
        "a list": {**theirs, "Statement": [statement, {**statement, "Sid": "Other"}]},
        "an object": {**theirs, "Statement": {**statement, "Sid": "xacctXothers"}},
        "with an Id": {**theirs, "Id": 'a "b" $(touch canary)', "Statement": [statement]},
    }[others]
    admin.create_role(RoleName="reports-reader", AssumeRolePolicyDocument=json.dumps(before))
    half = half_of(grant, "destination")
    agreed = {**half.statements[0].statement}
    agreed["Condition"] = {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}
    owned = before["Statement"] if isinstance(before["Statement"], list) else [before["Statement"]]

    for _ in range(2):
        done = desks["destination"].run(
            hand_over(grant, "destination", "commands"), XACCT_EXTERNAL_ID=EXTERNAL_ID
        )
        assert (done.returncode, done.stderr) == (0, "")
    assert trust_of(admin) == {**before, "Statement": [*owned, agreed]}
    assert {each.account for each in plan_of(grant, sessions_in(world, grant)).changes} == {world.source}

    for _ in range(2):
        done = desks["destination"].run(take_back(grant, "destination", "commands"))
        assert (done.returncode, done.stderr) == (0, "")
    assert trust_of(admin) == {**before, "Statement": owned}
    assert [each.name for each in desks["destination"].folder.iterdir()] == ["script.sh"]


def test_the_only_statement_of_a_trust_policy_and_a_missing_role_are_left_alone(
    world: World, desks: OwnerDesks
) -> None:
    grant, admin = grant_in(world, manage="trust"), root_iam(world, world.destination)
    half = half_of(grant, "destination")

    done = desks["destination"].run(hand_over(grant, "destination", "commands"))
    assert (done.returncode, "does not exist" in done.stderr) == (1, True)

    alone = json.dumps({"Version": "2012-10-17", "Statement": [half.statements[0].statement]})
    admin.create_role(RoleName="reports-reader", AssumeRolePolicyDocument=alone)
    done = desks["destination"].run(take_back(grant, "destination", "commands"))
    assert (done.returncode, "a role must trust somebody" in done.stderr) == (1, True)
    assert trust_of(admin) == json.loads(alone)


def trust_of(admin: Any) -> Any:
    return admin.get_role(RoleName="reports-reader")["Role"]["AssumeRolePolicyDocument"]


def test_a_denied_call_ends_a_script_with_what_aws_said(
    world: World, desks: OwnerDesks, aws_cli: Path
) -> None:
    alice = OwnerDesk(world, "alice", aws_cli, desks["source"].folder)

    done = alice.run(hand_over(grant_in(world), "source", "commands"))

    assert done.returncode == 1
    assert "AccessDenied" in done.stderr


def everything(world: World) -> Any:
    """All users, roles and policies of both accounts."""
    return [
        {name: value for name, value in found.items() if name != "ResponseMetadata"}
        for account in (world.source, world.destination)
        for found in [root_iam(world, account).get_account_authorization_details()]
    ]
