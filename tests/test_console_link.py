"""The console's link to switch role, and every reason why the console cannot."""

from typing import Any

import pytest

from support.examples import ROLE, a_grant
from xacct_nb.errors import InvalidArn, InvalidGrant
from xacct_nb.grants.console_link import console_access, switch_role_url


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


ROLE_SOURCE = "arn:aws:iam::111111111111:role/desk"
BEYOND = [
    ({"conditions": {"external_id": "the-external-id-1"}}, "an external ID, which the console cannot pass"),
    ({"conditions": {"source_identity": "alice"}}, "a source identity, which the console cannot set"),
    ({"conditions": {"session_tags": {"team": "books"}}}, "session tags, which the console cannot pass"),
    ({"conditions": {"role_session_name": "desk-*"}}, "The console takes the name of the user: alice"),
]


@pytest.mark.parametrize(("fields", "reason"), BEYOND)
def test_what_the_console_cannot_do_is_said(fields: dict[str, Any], reason: str) -> None:
    found = console_access(a_grant(**fields), ROLE)

    assert found.url == ""
    assert [reason in each for each in found.reasons] == [True]
    assert reason in str(found)


def test_all_reasons_are_said_at_once_and_no_external_id() -> None:
    role = f"arn:aws:iam::222222222222:role/p/{'r' * 63}"
    conditions = {"external_id": "the-external-id-1", "source_identity": "alice", "session_tags": {"a": "b"}}
    grant = a_grant(destinations=[role], conditions=conditions)

    with pytest.raises(InvalidGrant) as raised:
        switch_role_url(role, grant=grant)

    assert raised.value.why == " ".join(console_access(grant).reasons)
    assert len(console_access(grant).reasons) == 4
    assert "65 characters" in raised.value.why
    assert "the-external-id-1" not in str(raised.value)


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({}, "The session lasts 1 hour (the role's maximum), or as long as"),
        ({"session_minutes": 150}, "The session lasts 2 hours and 30 minutes"),
        ({"session_minutes": 15}, "The session lasts 1 hour"),
        ({"sources": ["111111111111"]}, "The root user of an account cannot switch roles"),
        ({"sources": [ROLE_SOURCE]}, "Only who signed in as role/desk of 111111111111"),
        ({"conditions": {"require_mfa": True}}, "Sign in with MFA"),
        ({"conditions": {"source_ips": ["203.0.113.0/24"]}}, "Switch from 203.0.113.0/24 only."),
        ({"conditions": {"role_session_name": "ali*"}}, "which must fit ali*"),
        ({}, "A sign-in policy of your own account or organization"),
    ],
)
def test_what_to_know_before_the_switch_is_below_the_link(fields: dict[str, Any], note: str) -> None:
    found = console_access(a_grant(**fields), display_name="Reports")

    assert found.reasons == ()
    assert found.url == switch_role_url(ROLE, "Reports", grant=a_grant(**fields))
    assert f'href="{found.url.replace("&", "&amp;")}"' in found._repr_html_()
    assert any(note in each for each in found.notes)


def test_a_user_may_be_asked_to_use_their_own_name() -> None:
    found = console_access(a_grant(conditions={"role_session_name": "${aws:username}"}))

    assert found.url
    assert not any("must fit" in each for each in found.notes)


def test_from_role_to_role_there_are_only_programs() -> None:
    desk = a_grant(name="desk", destinations=[ROLE_SOURCE], permissions=[])
    shown = str(console_access(a_grant(sources=[ROLE_SOURCE]), through=[desk]))

    assert "https://" not in shown
    assert "It is assumed by role/desk of 111111111111. From role to role there are only programs" in shown
