"""How the access is used: the console's link and the AWS CLI's profile."""

import configparser

import pytest

from support.examples import ROLE, a_grant
from xacct_nb.errors import InvalidArn, InvalidGrant
from xacct_nb.grants.access import switch_role_url
from xacct_nb.grants.profile_sections import cli_profile

OTHER = "arn:aws:iam::222222222222:role/reports-writer"


@pytest.mark.parametrize(
    ("role", "link"),
    [
        (ROLE, "https://signin.aws.amazon.com/switchrole?account=222222222222&roleName=reports-reader"),
        (
            "arn:aws:iam::222222222222:role/team/books/reader",
            "https://signin.aws.amazon.com/switchrole?account=222222222222&roleName=team/books/reader",
        ),
        (
            "arn:aws-us-gov:iam::222222222222:role/reader",
            "https://signin.amazonaws-us-gov.com/switchrole?account=222222222222&roleName=reader",
        ),
        (
            "arn:aws-eusc:iam::222222222222:role/reader",
            "https://signin.amazonaws-eusc.eu/switchrole?account=222222222222&roleName=reader",
        ),
        (
            "arn:aws-cn:iam::222222222222:role/reader",
            "https://signin.amazonaws.cn/switchrole?account=222222222222&roleName=reader",
        ),
        (
            "arn:aws:iam::222222222222:role/r+=,.@-_",
            "https://signin.aws.amazon.com/switchrole?account=222222222222&roleName=r%2B%3D%2C.%40-_",
        ),
    ],
)
def test_the_link_is_the_consoles_own(role: str, link: str) -> None:
    assert switch_role_url(role) == link


def test_a_display_name_is_part_of_the_link() -> None:
    assert switch_role_url(ROLE, "Reports & more").endswith("&displayName=Reports+%26+more")


def test_the_console_accepts_a_path_and_name_of_64_characters_at_most() -> None:
    assert switch_role_url(f"arn:aws:iam::222222222222:role/p/{'r' * 62}").endswith("r" * 62)
    with pytest.raises(InvalidGrant, match="The console cannot switch to"):
        switch_role_url(f"arn:aws:iam::222222222222:role/p/{'r' * 63}")


def test_only_a_role_has_a_link() -> None:
    with pytest.raises(InvalidArn):
        switch_role_url("arn:aws:iam::111111111111:user/alice")


def test_a_profile_is_a_section_of_the_aws_config() -> None:
    section = configparser.ConfigParser()
    section.read_string(cli_profile(a_grant(), source_profile="alice"))

    assert dict(section["profile reports"]) == {
        "role_arn": ROLE,
        "source_profile": "alice",
        "region": "us-east-1",
    }


def test_of_several_roles_one_is_named() -> None:
    grant = a_grant(destinations=[ROLE, OTHER])

    assert f"role_arn = {ROLE}\n" in cli_profile(grant)
    assert f"role_arn = {OTHER}\n" in cli_profile(grant, OTHER, name="writer")
    assert cli_profile(grant, OTHER, name="writer").startswith("[profile writer]\n")


def test_the_profile_has_what_the_grant_requires() -> None:
    grant = a_grant(session_minutes=90, conditions={"role_session_name": "alice", "require_mfa": True})
    serial = "arn:aws:iam::111111111111:mfa/alice"

    assert cli_profile(grant, region="eu-west-1", mfa_serial=serial).splitlines()[3:] == [
        "region = eu-west-1",
        "duration_seconds = 5400",
        "role_session_name = alice",
        f"mfa_serial = {serial}",
    ]


def test_comments_name_what_the_profile_lacks() -> None:
    conditions = {
        "external_id": "hunter2-hunter2",
        "role_session_name": "${aws:username}",
        "require_mfa": True,
        "source_identity": "alice",
        "session_tags": {"team": "books"},
    }
    code = cli_profile(a_grant(conditions=conditions))

    assert "hunter2" not in code
    assert [line for line in code.splitlines() if line.startswith("#")] == [
        "# external_id = the external ID that the role's owner gave you",
        "# role_session_name = a name that fits ${aws:username}",
        "# mfa_serial = the ARN of your MFA device",
        "# A profile cannot set a source identity: use xa.session, or call sts assume-role with it.",
        "# A profile cannot set a session tag: use xa.session, or call sts assume-role with it.",
    ]


@pytest.mark.parametrize(
    ("partition", "region"),
    [("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1"), ("aws-eusc", "eusc-de-east-1")],
)
def test_a_profile_of_another_partition_has_a_region_there(partition: str, region: str) -> None:
    grant = a_grant(
        sources=[f"arn:{partition}:iam::111111111111:user/alice"],
        destinations=[f"arn:{partition}:iam::222222222222:role/reader"],
        permissions=[],
    )

    assert f"region = {region}\n" in cli_profile(grant)
