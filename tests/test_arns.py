"""ARNs and account ids: which are accepted, and which are refused."""

import pytest

from xacct_nb.errors import InvalidArn
from xacct_nb.iam.arns import Arn, is_account_id, parse_iam, role_arn_of, same_principal


@pytest.mark.parametrize(
    "text",
    ["", "alice", "arn:aws:iam::111111111111", "arn:aws:iam::111111111111:", "ARN:aws:iam::1:user/a", "arn"],
)
def test_a_malformed_arn_is_refused(text: str) -> None:
    with pytest.raises(InvalidArn) as refusal:
        Arn.parse(text)

    assert refusal.value.what == f"{text!r} is not an ARN."
    assert "arn:partition:service:region:account:resource" in refusal.value.why
    assert "arn:aws:iam::111111111111:user/alice" in refusal.value.hint


def test_an_unknown_partition_is_named() -> None:
    with pytest.raises(InvalidArn, match="names the partition 'awz', which is not supported"):
        Arn.parse("arn:awz:iam::111111111111:user/alice")


def test_an_arn_has_six_parts() -> None:
    arn = Arn.parse("arn:aws-cn:iam::111111111111:role/teams/data/reader")

    assert (arn.partition, arn.account, arn.kind, arn.path, arn.name) == (
        *("aws-cn", "111111111111", "role"),
        *("/teams/data/", "reader"),
    )


def test_an_arn_without_a_path_has_the_path_of_the_root() -> None:
    assert Arn.parse("arn:aws:iam::111111111111:user/alice").path == "/"


def test_an_arn_reads_back_as_it_was_written() -> None:
    text = "arn:aws:s3:::reports/2026:q1/*"

    assert str(Arn.parse(text)) == text


@pytest.mark.parametrize("text", ["000000000000", "123456789012"])
def test_twelve_digits_are_an_account_id(text: str) -> None:
    assert is_account_id(text)


@pytest.mark.parametrize("value", [111111111111, "11111111111", "1111111111111", "11111111111a", "", None])
def test_anything_else_is_not_an_account_id(value: object) -> None:
    assert not is_account_id(value)


def test_digits_of_other_scripts_are_not_an_account_id() -> None:
    assert not is_account_id("١٢٣٤٥٦٧٨٩٠١٢")


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:iam::111111111111:user/alice",
        "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_x_0123",
        "arn:aws-us-gov:iam::111111111111:user/a+b=c,d.e@f-g_h",
        "arn:aws-eusc:iam::111111111111:user/alice",
    ],
)
def test_an_arn_that_iam_accepts_is_read(text: str) -> None:
    assert str(parse_iam(text, "user", "role")) == text


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:sts::111111111111:assumed-role/reader/me",
        "arn:aws:iam:us-east-1:111111111111:user/alice",
        "arn:aws:iam::11111111111:user/alice",
        "arn:aws:iam::111111111111:group/analysts",
    ],
)
def test_an_arn_of_another_type_is_refused(text: str) -> None:
    with pytest.raises(InvalidArn, match="is not the ARN of a user or role"):
        parse_iam(text, "user", "role")


@pytest.mark.parametrize(
    "resource",
    [
        "role/",
        "role",
        "role/a b",
        "role/*",
        "role/re?der",
        "role/*/reader",
        "role/${aws:username}/x",
        "role//x",
    ],
)
def test_a_name_or_path_that_does_not_name_one_role_is_refused(resource: str) -> None:
    with pytest.raises(InvalidArn, match="has a name or path that IAM refuses"):
        parse_iam(f"arn:aws:iam::222222222222:{resource}", "role")


def test_a_role_name_of_64_characters_is_read() -> None:
    assert parse_iam(f"arn:aws:iam::222222222222:role/{'r' * 64}", "role").name == "r" * 64


def test_a_role_name_of_65_characters_is_refused() -> None:
    with pytest.raises(InvalidArn, match="is too long: 65 characters") as refusal:
        parse_iam(f"arn:aws:iam::222222222222:role/{'r' * 65}", "role")

    assert refusal.value.why == "IAM allows 64 in a role name and 512 in a path."


def test_a_path_of_more_than_512_characters_is_refused() -> None:
    with pytest.raises(InvalidArn, match="its path 514"):
        parse_iam(f"arn:aws:iam::222222222222:role/{'p' * 512}/reader", "role")


def test_the_role_of_a_session_is_returned() -> None:
    caller = "arn:aws:sts::111111111111:assumed-role/hub/botocore-session-1"

    assert role_arn_of(caller) == "arn:aws:iam::111111111111:role/hub"


def test_the_arn_of_a_user_is_returned_as_it_is() -> None:
    assert role_arn_of("arn:aws:iam::111111111111:user/alice") == "arn:aws:iam::111111111111:user/alice"


@pytest.mark.parametrize(
    ("caller", "principal", "same"),
    [
        ("arn:aws:iam::111111111111:user/alice", "arn:aws:iam::111111111111:user/alice", True),
        ("arn:aws:sts::111111111111:assumed-role/hub/desk", "arn:aws:iam::111111111111:role/teams/hub", True),
        ("arn:aws:sts::111111111111:assumed-role/hub/desk", "arn:aws:iam::111111111111:user/hub", False),
        ("arn:aws:iam::111111111111:user/alice", "arn:aws:iam::222222222222:user/alice", False),
        ("arn:aws:iam::111111111111:user/alice", "111111111111", False),
    ],
)
def test_a_caller_is_matched_with_a_user_or_role_without_regard_to_the_path(
    caller: str, principal: str, same: bool
) -> None:
    assert same_principal(caller, principal) is same


def test_an_arn_that_ends_before_the_role_of_its_session_is_left_as_it_is() -> None:
    assert role_arn_of("arn:aws:sts::111111111111:assumed-role") == "arn:aws:sts::111111111111:assumed-role"
