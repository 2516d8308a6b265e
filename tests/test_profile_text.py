"""The text of a profile for the AWS CLI: what it sets, and what it lacks."""

import configparser

import pytest

from support.examples import ROLE, a_grant
from xacct_nb.grants.profile_sections import cli_profile

OTHER = "arn:aws:iam::222222222222:role/reports-writer"


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
