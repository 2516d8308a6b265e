"""CloudTrail in the sandbox: who sees an AssumeRole, and what its event contains."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from support.boto3_clients import client, policy, trust
from xacct_nb.sandbox.cloudtrail.events import read_response
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import misbehaving
from xacct_nb.sandbox.server.state import Sandbox

Ask = Callable[..., Any]
EXTERNAL_ID = "9f1c7d2e-customer"


@pytest.fixture
def ask(world: World) -> Ask:
    """A client of the destination account's administrator, or of another principal."""
    return partial(client, world)


@pytest.fixture
def role(world: World, ask: Ask) -> str:
    """A role that trusts only mallory, with an external ID."""
    mallory = f"arn:aws:iam::{world.source}:user/mallory"
    conditions = {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}
    made = ask("iam").create_role(
        RoleName="reader", AssumeRolePolicyDocument=trust(mallory, Condition=conditions)
    )
    return str(made["Role"]["Arn"])


def test_a_success_can_be_looked_up_in_both_accounts(ask: Ask, world: World, role: str) -> None:
    assume_role(ask, role)
    own, others = told(ask, "source-admin"), told(ask, "destination-admin")

    assert (len(own), len(others)) == (1, 1)
    assert own[0]["sharedEventID"] == others[0]["sharedEventID"]
    assert own[0]["eventID"] != others[0]["eventID"]
    assert own[0]["recipientAccountId"] == world.source
    assert others[0]["recipientAccountId"] == world.destination


def test_a_denial_can_be_looked_up_in_the_callers_account_only(ask: Ask, world: World, role: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied") as caught:
        assume_role(ask, role, ExternalId="wrong-one")
    own, others = told(ask, "source-admin"), told(ask, "destination-admin")

    assert others == []
    assert own[0]["errorCode"] == "AccessDenied"
    assert own[0]["errorMessage"] == caught.value.response["Error"]["Message"]
    assert own[0]["requestID"] == caught.value.response["ResponseMetadata"]["RequestId"]
    assert (own[0]["requestParameters"], own[0]["responseElements"]) == (None, None)


def test_the_callers_account_sees_who_it_was(ask: Ask, world: World, role: str) -> None:
    assume_role(ask, role)
    identity = told(ask, "source-admin")[0]["userIdentity"]
    mallory = ask("iam", "source-admin").get_user(UserName="mallory")["User"]

    assert identity == {
        "type": "IAMUser",
        "principalId": mallory["UserId"],
        "arn": mallory["Arn"],
        "accountId": world.source,
        "accessKeyId": identity["accessKeyId"],
        "userName": "mallory",
    }


def test_the_roles_account_sees_the_account_and_the_unique_id(ask: Ask, world: World, role: str) -> None:
    assume_role(ask, role)
    mallory = ask("iam", "source-admin").get_user(UserName="mallory")["User"]

    assert told(ask, "destination-admin")[0]["userIdentity"] == {
        "type": "AWSAccount",
        "principalId": mallory["UserId"],
        "accountId": world.source,
    }


def test_what_was_asked_and_given_stands_in_it(ask: Ask, role: str) -> None:
    parameters = assume_role(ask, role, DurationSeconds=1800)
    event = told(ask, "destination-admin")[0]

    assert event["requestParameters"] == {
        "roleArn": role,
        "roleSessionName": "audit",
        "externalId": EXTERNAL_ID,
        "durationSeconds": 1800,
    }
    assert event["responseElements"]["credentials"]["accessKeyId"] == parameters["Credentials"]["AccessKeyId"]
    assert event["responseElements"]["assumedRoleUser"]["arn"] == parameters["AssumedRoleUser"]["Arn"]
    assert event["resources"][0]["ARN"] == role
    assert event["userAgent"].startswith("Boto3/")


def test_no_credential_stands_in_it(ask: Ask, role: str) -> None:
    parameters = assume_role(ask, role)["Credentials"]
    told_of = json.dumps([told(ask, side) for side in ("source-admin", "destination-admin")])

    assert parameters["AccessKeyId"] in told_of
    assert parameters["SecretAccessKey"] not in told_of
    assert parameters["SessionToken"] not in told_of


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("EventName", "AssumeRole"),
        ("Username", "mallory"),
        ("ResourceName", "{role}"),
        ("ResourceName", "audit"),
        ("ResourceName", "{session}"),
        ("AccessKeyId", "{key}"),
        ("EventSource", "sts.amazonaws.com"),
    ],
)
def test_it_is_looked_up_by_an_attribute(ask: Ask, role: str, key: str, value: str) -> None:
    session = assume_role(ask, role)["AssumedRoleUser"]["Arn"]
    caller = told(ask, "source-admin")[0]["userIdentity"]["accessKeyId"]
    attribute = {"AttributeKey": key, "AttributeValue": value.format(role=role, session=session, key=caller)}

    assert len(look_up(ask, "source-admin", LookupAttributes=[attribute])) == 1
    attribute["AttributeValue"] = "another"
    assert look_up(ask, "source-admin", LookupAttributes=[attribute]) == []


def test_within_one_account_there_is_one_event(ask: Ask, world: World) -> None:
    admin = f"arn:aws:iam::{world.destination}:user/admin"
    made = ask("iam").create_role(RoleName="own", AssumeRolePolicyDocument=trust(admin))["Role"]["Arn"]
    ask("sts").assume_role(RoleArn=made, RoleSessionName="audit")
    (event,) = told(ask, "destination-admin")

    assert event["userIdentity"]["userName"] == "admin"
    assert "sharedEventID" not in event


def test_a_chain_names_the_role_that_called(ask: Ask, world: World, role: str) -> None:
    hub = f"arn:aws:iam::{world.source}:role/hub"
    ask("iam", "source-admin").put_role_policy(
        RoleName="hub", PolicyName="assume", PolicyDocument=policy("sts:AssumeRole")
    )
    ask("iam").update_assume_role_policy(RoleName="reader", PolicyDocument=trust(hub))
    first = ask("sts", "source-admin").assume_role(RoleArn=hub, RoleSessionName="ann")["Credentials"]
    ask("sts", first).assume_role(RoleArn=role, RoleSessionName="audit")
    identity = told(ask, "source-admin")[0]["userIdentity"]

    assert identity["type"] == "AssumedRole"
    assert identity["arn"] == f"arn:aws:sts::{world.source}:assumed-role/hub/ann"
    assert identity["sessionContext"]["sessionIssuer"]["arn"] == hub
    assert look_up(ask, "source-admin")[0]["Username"] == "ann"


def test_whoever_signs_with_a_wrong_key_leaves_no_event(ask: Ask, role: str) -> None:
    nobody = {"AccessKeyId": "AKIANOBODY0000000000", "SecretAccessKey": "x" * 40, "SessionToken": None}
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        ask("sts", nobody).assume_role(RoleArn=role, RoleSessionName="audit")

    assert told(ask, "source-admin") == told(ask, "destination-admin") == []


def test_only_who_may_look_up_events_sees_them(ask: Ask, role: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        look_up(ask, "mallory")


def test_a_call_whose_answer_was_lost_is_recorded(sandbox: Sandbox, ask: Ask, role: str) -> None:
    with misbehaving(sandbox, Fault("cut-after", ("AssumeRole",))), pytest.raises(ConnectionClosedError):
        assume_role(ask, role)

    assert len(told(ask, "destination-admin")) == 1


def test_a_call_that_was_kept_from_aws_is_not(sandbox: Sandbox, ask: Ask, role: str) -> None:
    with misbehaving(sandbox, Fault("throttling", ("AssumeRole",))), pytest.raises(ClientError):
        assume_role(ask, role)

    assert told(ask, "source-admin") == []


def test_an_answer_that_is_none_of_sts_makes_no_event() -> None:
    assert read_response(b'{"__type": "InternalError"}') is None


def assume_role(ask: Ask, role: str, **parameters: Any) -> dict[str, Any]:
    parameters = {"RoleArn": role, "RoleSessionName": "audit", "ExternalId": EXTERNAL_ID, **parameters}
    return dict(ask("sts", "mallory").assume_role(**parameters))


def look_up(ask: Ask, who: str, **parameters: Any) -> list[dict[str, Any]]:
    return list(ask("cloudtrail", who).lookup_events(**parameters)["Events"])


def told(ask: Ask, who: str) -> list[dict[str, Any]]:
    """What can be looked up in an account by its administrator, the newest event first."""
    return [json.loads(each["CloudTrailEvent"]) for each in look_up(ask, who)]
