"""Reading the live state of both accounts from AWS."""

import json
from functools import partial
from typing import Any

import pytest

from support.examples import SOME_POLICY, applied, grant_in, plan_of, root_iam, sessions_in, state_of
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws.reader import read
from xacct_nb.errors import AwsRefused, InvalidGrant
from xacct_nb.grants.documents import build
from xacct_nb.grants.state import ResourceKey
from xacct_nb.sandbox.server.accounts import World

sandbox = in_process_sandbox


def role_of(world: World) -> str:
    return f"arn:aws:iam::{world.destination}:role/reports-reader"


def make_role(iam: Any, name: str = "reports-reader", **fields: Any) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:*"}],
    }
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust), **fields)


def test_without_resources_the_state_is_empty(world: World) -> None:
    grant = grant_in(world)

    assert state_of(grant, sessions_in(world, grant)).resources == {}


def test_a_role_is_read_with_all_that_belongs_to_it(world: World) -> None:
    iam, edge = root_iam(world, world.destination), "arn:aws:iam::aws:policy/PowerUserAccess"
    make_role(iam, Description="By hand", MaxSessionDuration=7200, PermissionsBoundary=edge)
    iam.tag_role(RoleName="reports-reader", Tags=[{"Key": "team", "Value": "data"}])
    iam.put_role_policy(RoleName="reports-reader", PolicyName="own", PolicyDocument=json.dumps(SOME_POLICY))
    iam.attach_role_policy(RoleName="reports-reader", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    grant = grant_in(world)
    resources = state_of(grant, sessions_in(world, grant)).resources
    role = resources[ResourceKey("role", role_of(world))]

    assert {key: role[key] for key in ("path", "description", "session_seconds", "boundary", "tags")} == {
        "path": "/",
        "description": "By hand",
        "session_seconds": 7200,
        "boundary": edge,
        "tags": {"team": "data"},
    }
    assert role["trust"]["Statement"][0]["Effect"] == "Deny"
    assert resources[ResourceKey("inline-policy", role_of(world), "own")] == SOME_POLICY
    assert (
        resources[ResourceKey("attachment", role_of(world), "arn:aws:iam::aws:policy/ReadOnlyAccess")] is True
    )


def test_more_resources_than_fit_on_a_page_are_all_read(world: World) -> None:
    iam = root_iam(world, world.destination)
    make_role(iam)
    short = json.dumps({"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}})
    for number in range(120):
        iam.put_role_policy(RoleName="reports-reader", PolicyName=f"p{number}", PolicyDocument=short)
    grant = grant_in(world)

    assert len(state_of(grant, sessions_in(world, grant)).of("inline-policy")) == 120


def test_a_role_of_that_name_with_another_path_is_reported(world: World) -> None:
    make_role(root_iam(world, world.destination), Path="/team/")
    grant = grant_in(world)

    with pytest.raises(InvalidGrant) as refusal:
        state_of(grant, sessions_in(world, grant))

    there = f"arn:aws:iam::{world.destination}:role/team/reports-reader"
    assert refusal.value.what == f"{role_of(world)} does not exist, but {there} does."
    assert refusal.value.hint


@pytest.mark.parametrize("source", ["user/bob", "role/not-there", "user/team/alice"])
def test_a_source_that_does_not_exist_is_reported(world: World, source: str) -> None:
    arn = f"arn:aws:iam::{world.source}:{source}"
    grant = grant_in(world, sources=[arn])

    with pytest.raises(InvalidGrant, match=f"{arn} does not exist"):
        state_of(grant, sessions_in(world, grant))


def test_a_group_that_does_not_exist_is_reported(world: World) -> None:
    grant = grant_in(world, attach_to=f"arn:aws:iam::{world.source}:group/not-there")

    with pytest.raises(InvalidGrant, match="group/not-there does not exist") as refusal:
        state_of(grant, sessions_in(world, grant))

    assert "attach_to" in refusal.value.hint


def test_a_whole_account_needs_no_resource(world: World) -> None:
    grant = grant_in(world, sources=[world.source], accept=["whole-account-trust"])
    sessions = sessions_in(world, grant)

    assert state_of(grant, sessions).resources == {}


def test_the_members_of_the_group_of_the_caller_policy_are_read(world: World) -> None:
    group = f"arn:aws:iam::{world.source}:group/analysts"
    grant = grant_in(world, attach_to=group)

    assert state_of(grant, sessions_in(world, grant)).resources == {ResourceKey("group", group): ["alice"]}


def test_a_member_who_is_missing_is_noted_in_the_plan(world: World) -> None:
    mallory = f"arn:aws:iam::{world.source}:user/mallory"
    group = f"arn:aws:iam::{world.source}:group/analysts"
    grant = grant_in(world, sources=[mallory], attach_to=group)

    assert plan_of(grant, sessions_in(world, grant)).notes == (
        f"{mallory} is not in {group}, so the caller policy does not reach it.",
    )


def test_the_caller_policy_is_read_with_all_its_attachments(world: World) -> None:
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    applied(grant, sessions)
    policy = f"arn:aws:iam::{world.source}:policy/xacct-reports"
    root_iam(world, world.source).attach_user_policy(UserName="mallory", PolicyArn=policy)

    assert set(state_of(grant, sessions).of("attachment")) == {
        ResourceKey("attachment", f"arn:aws:iam::{world.source}:user/alice", policy),
        ResourceKey("attachment", f"arn:aws:iam::{world.source}:user/mallory", policy),
    }


def test_a_principal_with_a_path_is_known_by_its_whole_arn(world: World) -> None:
    root_iam(world, world.source).create_user(UserName="carol", Path="/team/data/")
    carol = f"arn:aws:iam::{world.source}:user/team/data/carol"
    grant = grant_in(world, sources=[carol])
    sessions = sessions_in(world, grant)
    applied(grant, sessions)

    assert plan_of(grant, sessions).changes == ()


def test_policies_beyond_those_needed_are_found(world: World) -> None:
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    applied(grant, sessions)
    made = root_iam(world, world.source).create_policy(
        PolicyName="xacct-reports.2",
        PolicyDocument=json.dumps(SOME_POLICY),
        Tags=[{"Key": "xacct-nb:grant", "Value": "reports"}],
    )
    (change,) = plan_of(grant, sessions).changes

    assert (change.sign, change.target) == ("-", made["Policy"]["Arn"])


def test_an_administrator_without_read_access_gets_the_error_of_aws(world: World) -> None:
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "iam:Get*", "Resource": "*"}]}
    root_iam(world, world.destination).put_user_policy(
        UserName="admin", PolicyName="no", PolicyDocument=json.dumps(deny)
    )

    with pytest.raises(AwsRefused, match="GetRole reports-reader: AWS returned AccessDenied") as refusal:
        state_of(grant, sessions)

    assert "docs/rights.md" in refusal.value.hint


def test_a_state_is_read_without_asking_iam_twice(world: World) -> None:
    grant = grant_in(world)
    sessions, asked = sessions_in(world, grant), list[tuple[str, str]]()
    applied(grant, sessions)
    for account in (world.source, world.destination):
        note = partial(lambda account, params, **_: asked.append((account, str(params["body"]))), account)
        sessions.admin(account, "iam").meta.events.register("before-call.iam", note)
    read(build(grant), sessions)
    read(build(grant), sessions)

    assert {asked.count(each) for each in asked} == {2}
