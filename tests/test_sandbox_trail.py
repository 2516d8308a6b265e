"""CloudTrail in the sandbox: who sees an AssumeRole, and what its event contains."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from support.boto3_clients import client, policy, trust
from support.case_files import table
from support.examples import an_account
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws.clients import connect
from xacct_nb.sandbox.cloudtrail.entries import read_response
from xacct_nb.sandbox.cloudtrail.lookup import look_up as answered
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import misbehaving
from xacct_nb.sandbox.server.state import Sandbox

Ask = Callable[..., Any]
sandbox = in_process_sandbox
EXTERNAL_ID = "9f1c7d2e-customer"
CHANGES = table("cloudtrail/changes.json")


def by(key: str, value: str) -> dict[str, str]:
    return {"AttributeKey": key, "AttributeValue": value}


ASSUMED = {"LookupAttributes": [by("EventName", "AssumeRole")]}


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
    assert look_up(ask, "source-admin", **ASSUMED)[0]["Username"] == "ann"


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
    """What can be looked up of AssumeRole in an account by its administrator, the newest event first."""
    return [json.loads(each["CloudTrailEvent"]) for each in look_up(ask, who, **ASSUMED)]


@pytest.mark.parametrize("case", CHANGES, ids=lambda each: each["call"])
def test_a_change_of_iam_can_be_looked_up(sandbox: Sandbox, case: dict[str, Any]) -> None:
    account = an_account()
    made = [called(root(sandbox, account), account, each) for each in (*case["before"], case)]
    asked = {"LookupAttributes": [by("EventName", case["event"])]}
    event = root(sandbox, account, "cloudtrail").lookup_events(**asked)["Events"][0]
    content = json.loads(event["CloudTrailEvent"])
    names = [each["ResourceName"] for each in event["Resources"]]

    assert content["requestParameters"] == filled(case["requestParameters"], account)
    assert content.get("errorCode", "") == case.get("errorCode", "")
    assert content["requestID"] == made[-1]["ResponseMetadata"]["RequestId"]
    assert content["userIdentity"]["arn"] == f"arn:aws:iam::{account}:root"
    assert names[: len(case["resources"])] == filled(case["resources"], account)
    assert (event["ReadOnly"], event["Username"]) == ("false", "root")


def test_a_denied_change_names_no_resource_but_in_its_message(ask: Ask, world: World) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        ask("iam", "mallory").create_role(RoleName="theirs", AssumeRolePolicyDocument=trust("*"))
    (event,) = look_up(ask, "source-admin", LookupAttributes=[by("EventName", "CreateRole")])[:1]
    content = json.loads(event["CloudTrailEvent"])

    assert (content["errorCode"], content["requestParameters"]) == ("AccessDenied", None)
    assert content["userIdentity"]["userName"] == "mallory"
    assert event["Resources"] == []


def test_no_password_and_no_secret_key_stands_in_an_event(ask: Ask) -> None:
    ask("iam").create_user(UserName="ann")
    ask("iam").create_login_profile(UserName="ann", Password="Correct-horse-4711")
    made = ask("iam").create_access_key(UserName="ann")["AccessKey"]
    told_of = json.dumps([each["CloudTrailEvent"] for each in look_up(ask, "destination-admin")])

    assert made["AccessKeyId"] in told_of
    assert made["SecretAccessKey"] not in told_of
    assert "Correct-horse-4711" not in told_of


def test_iam_is_global_and_its_events_are_in_us_east_1_only(ask: Ask, role: str) -> None:
    asked = {"LookupAttributes": [by("EventName", "CreateRole")]}
    elsewhere = ask("cloudtrail", region="eu-central-1").lookup_events(**asked)["Events"]

    assert look_up(ask, "destination-admin", **asked)[0]["Resources"][0]["ResourceName"] == "reader"
    assert elsewhere == []


def test_events_come_page_by_page_and_a_token_belongs_to_its_lookup(ask: Ask) -> None:
    for name in ("one", "two", "three"):
        ask("iam").create_user(UserName=name)
    asked = {"LookupAttributes": [by("EventName", "CreateUser")], "MaxResults": 2}
    first = ask("cloudtrail").lookup_events(**asked)
    second = ask("cloudtrail").lookup_events(**asked, NextToken=first["NextToken"])

    assert [each["Resources"][0]["ResourceName"] for each in first["Events"]] == ["three", "two"]
    assert second["Events"][0]["Resources"][0]["ResourceName"] == "one"
    assert "NextToken" not in second
    with pytest.raises(ClientError, match="InvalidNextTokenException"):
        ask("cloudtrail").lookup_events(NextToken=first["NextToken"])


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (
            {"LookupAttributes": [by("EventName", "a"), by("Username", "b")]},
            "InvalidLookupAttributesException",
        ),
        ({"StartTime": 200, "EndTime": 100}, "InvalidTimeRangeException"),
    ],
)
def test_a_lookup_that_aws_refuses_is_refused(ask: Ask, asked: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError, match=code):
        look_up(ask, "destination-admin", **asked)


@pytest.mark.parametrize(("days", "found"), [(89, 1), (91, 0)])
def test_an_event_is_kept_for_90_days(days: int, found: int) -> None:
    event = {"EventId": "one", "EventTime": 1_700_000_000, "Resources": []}
    _, _, body = answered([event], {}, 1_700_000_000 + days * 24 * 3600)

    assert len(json.loads(body)["Events"]) == found


def root(sandbox: Sandbox, account: str, service: str = "iam") -> Any:
    """A client of the root user of an account."""
    secret = sandbox.root_secret(account)
    return connect(service, endpoint_url=sandbox.endpoint, access_key_id=account, secret_access_key=secret)


def called(iam: Any, account: str, case: dict[str, Any]) -> dict[str, Any]:
    """Make the call of a case, and return AWS's answer, or its error."""
    try:
        return dict(getattr(iam, case["call"])(**filled(case["parameters"], account)))
    except ClientError as problem:
        return dict(problem.response)


def filled(value: Any, account: str) -> Any:
    """Return a value of a case with the ids of two accounts; that of the caller is {destination}."""
    text = json.dumps(value).replace("{source}", "111111111111").replace("{destination}", account)
    return json.loads(text)
