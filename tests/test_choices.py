"""What the accounts have is offered in the form; what a session may not read is said, and can be typed."""

import json

import pytest

from support.examples import endpoint_of, root_iam
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws import choices as reading
from xacct_nb.aws.choices import read_choices
from xacct_nb.grants.form.choices import AccountChoices
from xacct_nb.sandbox.server.accounts import World

sandbox = in_process_sandbox
SERVICE = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
TRUST = {"Version": "2012-10-17", "Statement": [SERVICE]}


def choices_in(
    world: World, source: str = "source-admin", destination: str = "destination-admin"
) -> AccountChoices:
    return read_choices(
        source_profiles=[source], destination_profiles=[destination], endpoint=endpoint_of(world)
    )


def test_both_accounts_are_offered_where_each_field_needs_them(world: World) -> None:
    root_iam(world, world.destination).create_role(
        RoleName="ledger", AssumeRolePolicyDocument=json.dumps(TRUST)
    )
    found = choices_in(world)

    assert f"arn:aws:iam::{world.source}:user/alice" in found.of("sources")
    assert world.source in found.of("sources")
    assert found.of("attach_to") == (f"arn:aws:iam::{world.source}:group/analysts",)
    assert f"arn:aws:iam::{world.destination}:role/ledger" in found.of("destinations")
    assert f"s3:GetObject on arn:aws:s3:::{world.bucket}/*" in found.of("permissions")
    assert "alice" in found.of("caller_profiles")
    assert found.of("name") == ()
    assert found.notes == ()


def test_what_a_session_may_not_read_is_said_and_the_rest_is_read(world: World) -> None:
    deny = {"Effect": "Deny", "Action": ["iam:ListUsers", "iam:ListGroups"], "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    root_iam(world, world.source).put_user_policy(UserName="admin", PolicyName="some", PolicyDocument=policy)
    found = choices_in(world)

    assert [note.partition(" ")[0] for note in found.notes] == ["iam:ListUsers", "iam:ListGroups"]
    assert all("AccessDenied" in note and "type" in note for note in found.notes)
    assert found.of("destinations")
    assert str(found).count("AccessDenied") == 2


def test_a_profile_that_is_not_there_is_said(world: World) -> None:
    found = choices_in(world, source="nobody")

    assert found.of("sources") == ()
    assert "'nobody'" in found.notes[0]
    assert found.of("permissions")


def test_more_than_is_offered_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MOST", 2)
    found = choices_in(world)

    assert len([arn for arn in found.of("sources") if ":user/" in arn]) == 2
    assert f"Account {world.source} has more than 2 users: type the others." in found.notes


def test_a_managed_policy_is_found_by_its_name(world: World) -> None:
    policy = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    )
    root_iam(world, world.source).create_policy(PolicyName="xacct-payroll", PolicyDocument=policy)
    found = choices_in(world)

    assert found.policy_with("xacct-payroll") == f"arn:aws:iam::{world.source}:policy/xacct-payroll"
    assert found.policy_with("xacct-pay") == ""
