"""Error texts of botocore, the AWS CLI, the console and tracebacks are read, field by field."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xacct_nb.diagnosis.denial import NO_DENIAL, Denial, read_denial
from xacct_nb.diagnosis.text.denied_actions import as_known

ALICE = "arn:aws:iam::111111111111:user/alice"
ROLE = "arn:aws:iam::222222222222:role/reports-reader"
BARE = f"User: {ALICE} is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
BOTOCORE = f"An error occurred (AccessDenied) when calling the AssumeRole operation: {BARE}"
NOISE = "2026-03-02T10:11:12Z INFO the job goes on\n"


def fields_of(text: str, *names: str) -> tuple[str, ...]:
    denial = read_denial(text)
    return tuple(str(getattr(denial, name)) for name in names)


@pytest.mark.parametrize(
    "text",
    [
        BOTOCORE,
        f"\n{BOTOCORE}\n",
        f"aws: [ERROR]: {BOTOCORE}",
        f"Traceback (most recent call last):\n  File 'x.py'\nbotocore.exceptions.ClientError: {BOTOCORE}",
        BOTOCORE.replace(" operation:", " operation (reached max retries: 4):"),
        BOTOCORE.replace(" on resource", "\non resource"),
        BARE,
    ],
)
def test_caller_action_and_role_are_read_however_the_text_was_copied(text: str) -> None:
    assert fields_of(text, "code", "caller", "action", "resource") == (
        "AccessDenied",
        ALICE,
        "sts:AssumeRole",
        ROLE,
    )


@pytest.mark.parametrize(
    ("suffix", "policy_type", "effect"),
    [
        (
            "because no identity-based policy allows the sts:AssumeRole action",
            "identity-based policy",
            "implicit",
        ),
        ("because no role trust policy allows the sts:AssumeRole action", "role trust policy", "implicit"),
        ("with an explicit deny in the role trust policy", "role trust policy", "explicit"),
        ("with an explicit deny in a service control policy", "service control policy", "explicit"),
        (
            "because no service control policy allows the sts:AssumeRole action",
            "service control policy",
            "implicit",
        ),
        ("with an explicit deny in a resource control policy", "resource control policy", "explicit"),
        (
            "because no VPC endpoint policy allows the sts:AssumeRole action",
            "VPC endpoint policy",
            "implicit",
        ),
        ("with an explicit deny in a VPC endpoint policy", "VPC endpoint policy", "explicit"),
        (
            "because no permissions boundary allows the sts:AssumeRole action",
            "permissions boundary",
            "implicit",
        ),
        ("because no session policy allows the sts:AssumeRole action", "session policy", "implicit"),
        ("with an explicit deny in an identity-based policy", "identity-based policy", "explicit"),
        ("with an explicit deny in a resource-based policy", "resource-based policy", "explicit"),
        ("", "", ""),
    ],
)
def test_the_suffix_names_the_kind_of_policy_where_there_is_one(
    suffix: str, policy_type: str, effect: str
) -> None:
    assert fields_of(f"{BOTOCORE} {suffix}".rstrip(), "policy_type", "effect", "resource") == (
        policy_type,
        effect,
        ROLE,
    )


def test_the_policy_that_denies_is_read_where_aws_names_it() -> None:
    policy = "arn:aws:organizations::333333333333:policy/o-a1b2c3d4e5/service_control_policy/p-12345678"
    text = f"{BOTOCORE} with an explicit deny in a service control policy: {policy}"

    assert fields_of(text, "policy") == (policy,)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("botocore.exceptions.ProfileNotFound: The config profile (x) could not be found", "ProfileNotFound"),
        ("ExpiredToken: The security token included in the request is expired", "ExpiredToken"),
        (
            "An error occurred (RegionDisabledException) when calling the AssumeRole operation: no",
            "RegionDisabledException",
        ),
        ("Not authorized to perform sts:AssumeRole", "AccessDenied"),
        ("Unable to locate credentials", ""),
        ("Invalid information in one or more fields.", ""),
    ],
)
def test_the_code_is_the_one_of_aws_or_the_name_of_the_exception(text: str, code: str) -> None:
    assert fields_of(text, "code") == (code,)


def test_a_resource_in_quotes_is_read_whole() -> None:
    text = (
        f"User: {ALICE} is not authorized to perform: s3:GetObject on resource: "
        '"arn:aws:s3:::reports/a b.csv" with an explicit deny in a resource-based policy'
    )

    assert fields_of(text, "resource", "policy_type") == (
        "arn:aws:s3:::reports/a b.csv",
        "resource-based policy",
    )


def test_a_request_id_is_read_and_an_empty_user_is_no_caller() -> None:
    text = f"{BOTOCORE.replace(ALICE, '')} (Request ID: 3859eee2-11a1-4968-874f-6108e0a3238d)"

    assert fields_of(text, "request_id", "caller") == ("3859eee2-11a1-4968-874f-6108e0a3238d", "")


def test_a_denial_goes_to_json_and_back() -> None:
    denial = read_denial(BOTOCORE)

    assert Denial(**denial.to_json()) == denial
    assert "sts:AssumeRole" in str(denial)
    assert str(NO_DENIAL) == "No error text was given."


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    denial = read_denial(text)

    assert bool(denial.text) == bool(text.split())
    assert denial.text == " ".join(denial.text.split())


@pytest.mark.parametrize(
    "log",
    [
        lambda line: f"{line}\n{NOISE * 40_000}",
        lambda line: f"{NOISE * 40_000}{line}",
        lambda line: f"{NOISE * 20_000}{line}\n{NOISE * 20_000}",
    ],
    ids=["at its begin", "at its end", "in the middle"],
)
def test_a_denial_in_a_long_log_is_read(log: Callable[[str], str]) -> None:
    denial = read_denial(log(BOTOCORE))

    assert (denial.caller, denial.action, denial.code) == (ALICE, "sts:AssumeRole", "AccessDenied")


@pytest.mark.parametrize(
    "text",
    [
        "\\" * 100_000,
        "arn:" * 40_000,
        " " * 100_000 + "x",
        "│ " * 50_000,
        '"allowed": false, ' * 10_000,
        "**a" * 40_000,
    ],
    ids=["backslashes", "ARNs", "spaces", "boxes", "decoded messages", "bold"],
)
def test_a_long_text_of_one_mark_is_read_and_is_no_denial(text: str) -> None:
    denial = read_denial(text)

    assert (denial.caller, denial.action, denial.code) == ("", "", "")


@pytest.mark.parametrize(
    "action", ["sts:AssumeRole", "kms:Decrypt", "s3:ListBucket", "SQS:sendmessage", "foo:Bar1"]
)
def test_an_action_is_kept_as_it_is_written(action: str) -> None:
    assert as_known(action) == action


def test_an_action_of_a_picture_is_written_as_aws_does() -> None:
    pictured = ("sts:AssumeRo1e", "sts:AssumeRoIe", "s3:L1stBucket", "sts:TagSessi0n")

    assert [as_known(each) for each in pictured] == [
        "sts:AssumeRole",
        "sts:AssumeRole",
        "s3:ListBucket",
        "sts:TagSession",
    ]
