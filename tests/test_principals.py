"""The caller and the condition keys that follow from it (match levels: see tests/cases/principals)."""

from typing import Any

import pytest

from xacct_nb.errors import InvalidArn
from xacct_nb.iam.caller import read_caller
from xacct_nb.iam.context import request_keys
from xacct_nb.iam.principals import ACCOUNT, DIRECT, NO_MATCH, ROLE, read_principals
from xacct_nb.iam.unknown import ANY_VALUE, UNREAD_ID, UnknownValue

ALICE = "arn:aws:iam::111111111111:user/alice"
SESSION = "arn:aws:sts::111111111111:assumed-role/app/deploy"
ACCOUNT_ID = "111111111111"
# The keys that follow from each kind of caller; None: it never has that key.
NO_SERVICE = {
    "aws:PrincipalServiceName": None,
    "aws:PrincipalServiceNamesList": None,
    "aws:SourceArn": None,
    "aws:SourceAccount": None,
    "aws:SourceOrgID": None,
    "aws:SourceOrgPaths": None,
}
SIGNED = {**NO_SERVICE, "aws:PrincipalAccount": ACCOUNT_ID, "aws:PrincipalIsAWSService": "false"}
KEYS: dict[str, tuple[str, dict[str, Any]]] = {
    "a user": (
        "arn:aws:iam::111111111111:user/team/alice",
        {
            **SIGNED,
            "aws:PrincipalArn": "arn:aws:iam::111111111111:user/team/alice",
            "aws:userid": UNREAD_ID,
            "aws:PrincipalType": "User",
            "aws:username": "alice",
            "aws:FederatedProvider": None,
        },
    ),
    "a session of a role": (
        SESSION,
        {
            **SIGNED,
            "aws:PrincipalArn": UnknownValue("arn:aws:iam::111111111111:role/", "app"),
            "aws:userid": UNREAD_ID,
            "aws:PrincipalType": "AssumedRole",
            "aws:username": None,
        },
    ),
    "a role with its path": (
        "arn:aws:iam::111111111111:role/team/app",
        {
            **SIGNED,
            "aws:PrincipalArn": "arn:aws:iam::111111111111:role/team/app",
            "aws:userid": UNREAD_ID,
            "aws:PrincipalType": "AssumedRole",
            "aws:username": None,
        },
    ),
    "the root user": (
        "arn:aws:iam::111111111111:root",
        {
            **SIGNED,
            "aws:PrincipalArn": "arn:aws:iam::111111111111:root",
            "aws:PrincipalType": "Account",
            "aws:userid": ACCOUNT_ID,
            "aws:username": None,
            "aws:FederatedProvider": None,
        },
    ),
    "a federated user": (
        "arn:aws:sts::111111111111:federated-user/carol",
        {
            **SIGNED,
            "aws:PrincipalArn": "arn:aws:sts::111111111111:federated-user/carol",
            "aws:PrincipalType": "FederatedUser",
            "aws:userid": "111111111111:carol",
            "aws:username": None,
        },
    ),
    "a service": (
        "ec2.amazonaws.com",
        {
            "aws:PrincipalIsAWSService": "true",
            "aws:PrincipalServiceName": "ec2.amazonaws.com",
            "aws:PrincipalServiceNamesList": ANY_VALUE,
            "aws:username": None,
        },
    ),
    "an identity provider by name": (
        "accounts.google.com",
        {
            "aws:FederatedProvider": "accounts.google.com",
            "aws:PrincipalArn": None,
            "aws:PrincipalIsAWSService": None,
            **NO_SERVICE,
            "aws:username": None,
        },
    ),
    "an identity provider by ARN": (
        "arn:aws:iam::111111111111:oidc-provider/token.example.com",
        {
            "aws:FederatedProvider": "arn:aws:iam::111111111111:oidc-provider/token.example.com",
            "aws:PrincipalArn": None,
            "aws:PrincipalIsAWSService": None,
            **NO_SERVICE,
            "aws:username": None,
        },
    ),
    "somebody without credentials": (
        "*",
        {
            "aws:PrincipalType": "Anonymous",
            "aws:PrincipalAccount": "anonymous",
            "aws:userid": "anonymous",
            "aws:PrincipalArn": None,
            "aws:PrincipalIsAWSService": None,
            "aws:PrincipalOrgID": None,
            "aws:PrincipalOrgPaths": None,
            **NO_SERVICE,
            "aws:username": None,
            "aws:FederatedProvider": None,
        },
    ),
}


@pytest.mark.parametrize(("caller", "keys"), KEYS.values(), ids=KEYS)
def test_these_keys_follow_from_the_caller(caller: str, keys: dict[str, Any]) -> None:
    found = {
        key: values if isinstance(values, UnknownValue) else values[0] if values else None
        for key, values in read_caller(caller).keys.items()
    }

    assert found == {key.lower(): value for key, value in keys.items()}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "111111111111",
        "arn:aws:iam::111111111111:group/admins",
        "arn:aws:iam::111111111111:user/*",
        "arn:aws:iam::111111111111:user/",
        "arn:aws:iam::1111:user/alice",
        "arn:aws:sts::111111111111:assumed-role/app",
        "arn:aws:sts::111111111111:assumed-role/app/a/b",
        "arn:aws:iam::111111111111:assumed-role/app/a",
        "arn:aws:sts::111111111111:user/alice",
        "arn:aws:s3:::reports",
        "ec2.example.com",
    ],
)
def test_a_text_that_is_not_a_caller_is_refused(text: str) -> None:
    with pytest.raises(InvalidArn, match="is not a principal that can call AWS"):
        read_caller(text)


def test_a_caller_in_another_partition_is_read_in_the_same_way() -> None:
    caller = read_caller("arn:aws-us-gov:sts::111111111111:assumed-role/app/deploy")

    assert caller.role == "arn:aws-us-gov:iam::111111111111:role/app"


def test_a_given_key_overrides_one_that_follows() -> None:
    keys = request_keys(
        read_caller(SESSION), {"AWS:PrincipalArn": "arn:aws:iam::111111111111:role/x/app"}, ""
    )

    assert keys["aws:principalarn"] == ("arn:aws:iam::111111111111:role/x/app",)


def test_match_levels_have_an_order() -> None:
    assert NO_MATCH < ACCOUNT < ROLE < DIRECT


def test_principals_are_shown_as_written() -> None:
    element = {"AWS": ["111111111111", ALICE], "Service": "ec2.amazonaws.com"}

    texts = read_principals(element).texts

    assert texts == (
        "AWS: 111111111111",
        f"AWS: {ALICE}",
        "Service: ec2.amazonaws.com",
    )


def test_a_user_is_not_a_role_of_the_same_name() -> None:
    element = {"AWS": "arn:aws:iam::111111111111:role/alice"}

    assert read_principals(element).match_level(read_caller(ALICE), {}) == NO_MATCH
