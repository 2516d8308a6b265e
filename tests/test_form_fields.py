"""The fields of a grant's form come from the model, and what is typed in them becomes the grant."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.examples import ALICE, READ, ROLE, a_grant
from xacct_nb.errors import InvalidGrant, InvalidInput, InvalidParameters
from xacct_nb.grants.conditions import Conditions
from xacct_nb.grants.form.field_kinds import Typed
from xacct_nb.grants.form.form_fields import (
    EXTERNAL_ID,
    GRANT_FIELDS,
    GROUPS,
    RUN_FIELDS,
    field_of,
    grant_as_typed,
    problems_as_typed,
    settings_as_typed,
    typed_grant,
    typed_settings,
)
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.settings import Settings

ODD_ROLE = "arn:aws:iam::222222222222:role/a,b=c"
WHOLE: dict[str, Any] = {
    "sources": [ALICE, "111111111111"],
    "destinations": [ROLE, ODD_ROLE],
    "permissions": [
        READ,
        {"actions": ["s3:ListBucket"], "resources": ["arn:aws:s3:::a, b", "arn:aws:s3:::c"]},
    ],
    "managed_policies": ["arn:aws:iam::aws:policy/SecurityAudit"],
    "permissions_boundary": "arn:aws:iam::222222222222:policy/boundary",
    "conditions": {
        "external_id": "env:AGREED",
        "require_mfa": True,
        "organization_id": "o-a1b2c3d4e5",
        "source_ips": ["203.0.113.0/24", "2001:db8::/32"],
        "role_session_name": "alice-*",
        "source_identity": "alice",
        "session_tags": {"team": "reports", "cost center": "a = b"},
    },
    "session_minutes": 90,
    "caller_policy": "inline",
    "adopt": True,
    "accept": ["whole-account-trust", "wildcard-action"],
}


def test_every_field_of_the_model_is_a_field_of_the_form() -> None:
    own = [name for name in Grant.model_fields if name != "conditions"]
    inner = [f"conditions.{name}" for name in Conditions.model_fields]

    assert sorted(GRANT_FIELDS) == sorted([*own, *inner])
    assert set(RUN_FIELDS) == {"sandbox", "source_profiles", "destination_profiles", "caller_profiles"}


def test_every_field_has_a_label_of_its_own_a_help_and_a_group() -> None:
    fields = [*GRANT_FIELDS.values(), *RUN_FIELDS.values()]

    assert len({field.label for field in fields}) == len(fields)
    assert [field.name for field in fields if not field.help.endswith(".")] == []
    assert {field.group for field in fields} == set(GROUPS)
    assert [name for name, field in GRANT_FIELDS.items() if field.required] == [
        "name",
        "sources",
        "destinations",
    ]


def test_a_whole_grant_is_typed_and_read_again() -> None:
    grant = a_grant(**WHOLE)
    typed = typed_grant(grant)

    assert typed["conditions.session_tags"] == "team = reports\ncost center = a = b"
    assert typed["permissions"] == (
        "s3:GetObject on arn:aws:s3:::reports/*\ns3:ListBucket on arn:aws:s3:::a, b, arn:aws:s3:::c"
    )
    assert grant_as_typed(typed, a_grant()) == grant


def test_an_external_id_itself_is_not_typed_and_is_kept() -> None:
    grant = a_grant(conditions={"external_id": "hunter2-hunter2"})
    typed = typed_grant(grant)

    assert typed[EXTERNAL_ID] == ""
    assert grant_as_typed(typed, grant) == grant


@pytest.mark.parametrize(
    ("field", "typed", "read"),
    [
        ("sources", f'"{ALICE}",\n  "111111111111"', [ALICE, "111111111111"]),
        ("destinations", f"  {ODD_ROLE}\n\n", [ODD_ROLE]),
        ("session_minutes", " 720 ", 720),
        ("accept", "whole-account-trust, wildcard-action", ["whole-account-trust", "wildcard-action"]),
        ("name", " reports-2026 ", "reports-2026"),
    ],
)
def test_what_is_typed_is_read(field: str, typed: Typed, read: Any) -> None:
    grant = grant_as_typed({field: typed}, a_grant())

    assert grant.to_json()[field] == read


@pytest.mark.parametrize(
    "typed",
    ["an hour", "60.5", "1e3", "", "\u0666\u0660", "6 0", "99999999999", "0x3c", "--60"],
)
def test_minutes_that_are_no_whole_number_are_refused(typed: str) -> None:
    with pytest.raises(InvalidGrant, match="is not a whole number") as refused:
        grant_as_typed({"session_minutes": typed}, a_grant())

    assert field_of(refused.value) == "session_minutes"


def test_each_wrong_field_is_named_and_a_right_one_is_not() -> None:
    typed = {
        "name": "reports-2026",
        "sources": "arn:aws:iam::111111111111:group/devs",
        "session_minutes": "5",
        "conditions.source_ips": "the office",
        EXTERNAL_ID: "hunter2",
        "attach_to": "arn:aws:iam::333333333333:group/devs",
    }

    assert set(problems_as_typed(typed, a_grant())) == set(typed) - {"name"}


def test_two_partitions_are_the_fault_of_no_field() -> None:
    with pytest.raises(InvalidGrant, match="2 partitions") as refused:
        grant_as_typed({"destinations": ROLE.replace("aws", "aws-cn")}, a_grant())

    assert field_of(refused.value) == ""


def test_where_a_run_acts_is_typed_and_read_again() -> None:
    place = Settings(sandbox=False, source_profiles=["my admin", "other"], note="kept")

    assert typed_settings(place)["source_profiles"] == "my admin\nother"
    assert settings_as_typed(typed_settings(place), Settings(note="kept")) == place


def test_a_place_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidParameters, match="sandbox"):
        settings_as_typed({"sandbox": "perhaps"}, Settings())


@given(st.dictionaries(st.sampled_from(sorted(GRANT_FIELDS)), st.text(max_size=40)))
def test_whatever_is_typed_is_a_grant_that_can_be_typed_again_or_is_refused(typed: dict[str, str]) -> None:
    try:
        read = grant_as_typed(typed, a_grant())
    except InvalidInput:
        return

    assert grant_as_typed(typed_grant(read), a_grant()) == read
