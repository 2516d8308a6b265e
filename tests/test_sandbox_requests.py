"""A request to IAM or STS is one call only: what the sandbox checks and authorizes is what it does."""

import gzip
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.session import get_session

from support.in_process_sandbox import start
from support.questions import Room
from support.raw_requests import FORM, form, send

GET = {"Action": "GetUser", "Version": "2010-05-08", "UserName": "low"}
JSON = "application/x-amz-json-1.1"
TARGET = "X-Amz-Target"


def create(name: str) -> bytes:
    return form("iam", "CreateUser", UserName=name)


@pytest.fixture(scope="module")
def room() -> Room:
    """A user `low` who may read herself only."""
    room = Room(start())
    room.do({"destination": "CreateUser", "UserName": "low"})
    room.do({"destination": "CreateAccessKey", "UserName": "low", "as": "low"})
    may = {"Effect": "Allow", "Action": ["iam:GetUser", "sts:*"], "Resource": "*"}
    room.do({"destination": "PutUserPolicy", "UserName": "low", "PolicyName": "may", "PolicyDocument": may})
    return room


# Each is authorized as GetUser, or as nothing, where one reading of it decides and another is served.
OTHER_READINGS: dict[str, dict[str, Any]] = {
    "another action in the query": {"query": GET, "body": create("new")},
    "a name in the query": {"query": {"UserName": "low"}, "body": create("new")},
    "a body of plain text": {"query": GET, "body": create("new"), "headers": {"Content-Type": "text/plain"}},
    "a body without a type": {"query": GET, "body": create("new"), "headers": {"Content-Type": ""}},
    "a type in capitals": {"query": GET, "body": create("new"), "headers": {"Content-Type": FORM.upper()}},
    "a form and JSON": {
        "body": form("iam", "GetUser", UserName="new"),
        "headers": {"Content-Type": f"{FORM}; amz-json", TARGET: "x.CreateUser"},
    },
    "JSON": {"body": b'{"UserName":"new"}', "headers": {"Content-Type": JSON, TARGET: "IAM.CreateUser"}},
    "JSON by GET": {
        "method": "GET",
        "query": GET,
        "body": b'{"UserName":"new"}',
        "headers": {"Content-Type": JSON, TARGET: "IAM.CreateUser"},
    },
    "another target": {"body": create("new"), "headers": {TARGET: "IAM.GetUser"}},
    "a packed body": {
        "query": GET,
        "body": gzip.compress(create("new")),
        "headers": {"Content-Encoding": "gzip"},
    },
    "a body by PUT": {"method": "PUT", "query": GET, "body": create("new")},
    "a body beyond the limit": {"query": GET, "body": create("new") + b"&x=" + b"x" * (1 << 20)},
    "two actions": {"body": form("iam", "GetUser", ("Action", "CreateUser"), UserName="low")},
    "another service's signature": {"service": "kms", "body": b"Action=CreateUser&UserName=new"},
    "no service's signature": {"service": "nothing", "body": b"Action=CreateUser&UserName=new"},
    "S3's signature": {"service": "s3", "body": create("new"), "headers": {"Content-Type": "text/plain"}},
    "a target of IAM signed for S3": {
        "service": "s3",
        "path": "/b/k",
        "body": b'{"UserName":"new"}',
        "headers": {"Content-Type": JSON, TARGET: "AWSIdentityManagementV20100508.CreateUser"},
    },
}


@pytest.mark.parametrize("name", OTHER_READINGS)
def test_another_reading_of_a_request_does_nothing(room: Room, name: str) -> None:
    answer = send(room.keys["low"], **OTHER_READINGS[name])
    users = {user["UserName"] for user in room.do({"destination": "ListUsers"})["Users"]}

    assert users == {"low"}
    assert answer.status < 500
    assert (answer.status >= 400) == (name != "two actions")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/json", JSON, "multipart/form-data; boundary=x", ""]
)
def test_a_body_that_is_no_form_is_refused(room: Room, kind: str) -> None:
    body = form("sts", "GetCallerIdentity")
    answer = send(room.keys["low"], service="sts", body=body, headers={"Content-Type": kind})

    assert (answer.status, answer.code, answer.is_xml) == (404, "UnknownOperationException", True)


def test_the_rules_hold_for_a_body_beyond_the_limit(room: Room) -> None:
    body = form("iam", "CreateRole", ("x", "x" * (1 << 20)), RoleName="r", AssumeRolePolicyDocument="nope")

    assert send(room.keys["destination"], body=body).code == "RequestEntityTooLarge"


def test_a_form_with_its_characters_named_is_served(room: Room) -> None:
    kind = {"Content-Type": f"{FORM}; charset=utf-8"}

    assert send(room.keys["low"], body=form("iam", "GetUser"), headers=kind).status == 200


@pytest.mark.parametrize("action", ["GetSessionToken", "GetFederationToken"])
def test_no_get_makes_a_session(room: Room, action: str) -> None:
    query = {"Action": action, "Version": "2011-06-15", "Name": "guest"}

    assert send(room.keys["low"], service="sts", method="GET", query=query).code == "AccessDenied"


@pytest.mark.parametrize(
    ("service", "parameter", "message"),
    [
        ("sts", ("RoleArn.member.1", "x"), "Start of list found where not expected"),
        ("sts", ("RoleArn.Name", "x"), "Start of list found where not expected"),
        ("sts", ("TransitiveTagKeys", "x"), "Unexpected list element termination"),
        ("sts", ("TransitiveTagKeys.member.x", "x"), "Unexpected list element termination"),
        ("sts", ("Tags.member.1", "x"), "Unexpected complex element termination"),
        ("sts", ("TransitiveTagKeys.member.1.Key", "x"), "Start of list found where not expected"),
        ("iam", ("Tags.member.1", "x"), "Unexpected complex element termination"),
    ],
)
def test_a_value_of_another_type_is_malformed(
    room: Room, service: str, parameter: tuple[str, str], message: str
) -> None:
    action = {"sts": "AssumeRole", "iam": "TagRole"}[service]
    who = room.keys["low" if service == "sts" else "destination"]
    answer = send(who, service=service, body=form(service, action, parameter))

    assert (answer.code, answer.message) == ("MalformedInput", message)


@pytest.mark.parametrize(
    "action", ["ListAccessKeys", "ListMFADevices", "ListUserPolicies", "ListGroupsForUser"]
)
def test_what_a_user_has_is_not_listed_for_one_that_does_not_exist(room: Room, action: str) -> None:
    answer = send(room.keys["destination"], body=form("iam", action, UserName="nobody"))

    assert (answer.status, answer.code) == (404, "NoSuchEntity")
    assert answer.message == "The user with name nobody cannot be found."


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        (["aws:x"], "reserved"),
        (["AWS:Team"], "reserved"),
        (["Team", "team"], "Duplicate"),
        (["Team", "x"], ""),
    ],
)
def test_tag_keys_are_neither_reserved_nor_equal(room: Room, keys: list[str], code: str) -> None:
    tags = [
        (f"Tags.member.{number}.{field}", value)
        for number, key in enumerate(keys, start=1)
        for field, value in (("Key", key), ("Value", "v"))
    ]
    answer = send(room.keys["destination"], body=form("iam", "TagUser", *tags, UserName="low"))

    assert code in answer.message
    assert answer.code == ("InvalidInput" if code else "")


ODD = [
    "",
    " ",
    "x" * 3000,
    "\u00e9\U0001f600",
    "\0",
    "\ufffe",
    "<&>\"'",
    "-1",
    "900.0",
    "2147483648",
    "\r\nX: y",
]
PLACES = [
    "",
    ".member.0",
    ".member.2",
    ".member.x",
    ".member.1.member.1",
    ".1",
    ".",
    "..member.1",
    ".entry.1.key",
]
USED = {
    "AssumeRole",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "GetSessionToken",
    "GetFederationToken",
    "GetCallerIdentity",
    "CreateRole",
    "UpdateAssumeRolePolicy",
    "PutRolePolicy",
    "CreatePolicy",
    "CreatePolicyVersion",
    "AttachRolePolicy",
    "TagRole",
    "PutUserPermissionsBoundary",
    "SimulatePrincipalPolicy",
    "CreateAccessKey",
    "EnableMFADevice",
    "AddUserToGroup",
}


def odd_calls() -> Iterator[Any]:
    """Each parameter of what the project uses with each odd value, and at each odd place."""
    for service in ("sts", "iam"):
        model = get_session().get_service_model(service)
        for action in (name for name in model.operation_names if name in USED):
            shape = model.operation_model(action).input_shape
            yield pytest.param(service, action, [*shape.members] if shape else [], id=action)


@pytest.mark.parametrize(("service", "action", "parameters"), [*odd_calls()])
def test_no_parameter_breaks_an_answer(
    room: Room, service: str, action: str, parameters: list[str], exhaustive: bool
) -> None:
    """Usually each odd value at the parameter's own place, and at each other place one of them."""
    pairs = [
        (f"{name}{place}", odd)
        for start, name in enumerate(parameters)
        for at, place in enumerate(PLACES)
        for odd in (ODD if exhaustive or not place else [ODD[(start + at) % len(ODD)]])
    ]
    answers = [send(room.keys["low"], service=service, body=form(service, action, each)) for each in pairs]
    broken = [
        pair for pair, answer in zip(pairs, answers, strict=True) if answer.status >= 500 or not answer.is_xml
    ]

    assert broken == []
