"""The caller and the condition keys that follow from it (match levels: see tests/cases/principals)."""

import pytest

from xacct_nb.errors import InvalidArn
from xacct_nb.iam.context import request_keys
from xacct_nb.iam.principals import ACCOUNT, DIRECT, NO_MATCH, ROLE, read_caller, read_principals

ALICE = "arn:aws:iam::111111111111:user/alice"
SESSION = "arn:aws:sts::111111111111:assumed-role/app/deploy"
KEYS = [
    (
        "a user",
        "arn:aws:iam::111111111111:user/team/alice",
        {
            "aws:principalarn": "arn:aws:iam::111111111111:user/team/alice",
            "aws:principalaccount": "111111111111",
            "aws:principaltype": "User",
            "aws:principalisawsservice": "false",
            "aws:username": "alice",
        },
    ),
    (
        "a session of a role",
        SESSION,
        {
            "aws:principalarn": "arn:aws:iam::111111111111:role/app",
            "aws:principalaccount": "111111111111",
            "aws:principaltype": "AssumedRole",
            "aws:principalisawsservice": "false",
        },
    ),
    (
        "a role with its path",
        "arn:aws:iam::111111111111:role/team/app",
        {
            "aws:principalarn": "arn:aws:iam::111111111111:role/team/app",
            "aws:principalaccount": "111111111111",
            "aws:principaltype": "AssumedRole",
            "aws:principalisawsservice": "false",
        },
    ),
    (
        "the root user",
        "arn:aws:iam::111111111111:root",
        {
            "aws:principalarn": "arn:aws:iam::111111111111:root",
            "aws:principalaccount": "111111111111",
            "aws:principaltype": "Account",
            "aws:principalisawsservice": "false",
            "aws:userid": "111111111111",
        },
    ),
    (
        "a federated user",
        "arn:aws:sts::111111111111:federated-user/carol",
        {
            "aws:principalarn": "arn:aws:sts::111111111111:federated-user/carol",
            "aws:principalaccount": "111111111111",
            "aws:principaltype": "FederatedUser",
            "aws:principalisawsservice": "false",
            "aws:userid": "111111111111:carol",
        },
    ),
    (
        "a service",
        "ec2.amazonaws.com",
        {"aws:principalisawsservice": "true", "aws:principalservicename": "ec2.amazonaws.com"},
    ),
    ("an identity provider", "accounts.google.com", {}),
    ("somebody without credentials", "*", {"aws:principaltype": "Anonymous"}),
]


@pytest.mark.parametrize(("caller", "keys"), [row[1:] for row in KEYS], ids=[row[0] for row in KEYS])
def test_these_keys_follow_from_the_caller(caller: str, keys: dict[str, str]) -> None:
    assert read_caller(caller).keys == {key: (value,) for key, value in keys.items()}


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
