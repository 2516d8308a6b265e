"""What a chain carries, and the roles before the last one: in the notebook and in its form."""

import json
from collections.abc import Iterator
from typing import Any

import ipywidgets
import pytest

from support.denial_stage import Stage
from support.desk import Desk
from support.form_texts import controls_of, html_of
from xacct_nb.errors import InvalidParameters
from xacct_nb.grants.settings import Settings, settings_of
from xacct_nb.jupyter.forms.denial_form import DENIAL_LABELS, DenialForm

TAGS = [{"Key": "team", "Value": "books"}]
CARRIED = {"Tags": TAGS, "SourceIdentity": "alice"}
HUB = "arn:aws:iam::111111111111:role/hub"


@pytest.fixture(autouse=True)
def _no_widgets_left() -> Iterator[None]:
    yield
    ipywidgets.Widget.close_all()


def typed(form: DenialForm, **fields: str) -> DenialForm:
    for name, text in fields.items():
        controls_of(form)[DENIAL_LABELS[name]].value = text
    return form


@pytest.mark.parametrize("tags", [TAGS, {"team": "books"}], ids=["as AssumeRole takes them", "one mapping"])
def test_carried_tags_are_given_in_either_form(tags: Any) -> None:
    assert settings_of({"carried": {"Tags": tags, "SourceIdentity": "alice"}}).carried == CARRIED


@pytest.mark.parametrize(
    "carried",
    [
        {"Tag": TAGS},
        {"Tags": "team"},
        {"Tags": [{"Key": "team"}]},
        {"Tags": {"team": 7}},
        {"SourceIdentity": 7},
    ],
)
def test_what_no_session_carries_is_refused(carried: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameters, match="carried"):
        settings_of({"carried": carried})


@pytest.mark.parametrize("name", ["ExternalId", "TokenCode"])
def test_a_secret_of_an_earlier_role_is_refused(name: str) -> None:
    with pytest.raises(InvalidParameters, match="would be written into the notebook") as refusal:
        settings_of({"through": [{"RoleArn": HUB, name: "a-secret-word"}]})

    assert "a-secret-word" not in str(refusal.value)


def test_the_form_takes_both_as_json_and_shows_them() -> None:
    form = typed(DenialForm(Settings(), live=True), carried=json.dumps(CARRIED), through=json.dumps([HUB]))

    assert (form.settings.carried, form.settings.through) == (CARRIED, [HUB])
    assert "books" in html_of(form)
    assert "role/hub" in str(form)

    typed(form, carried="", through="")

    assert (form.settings.carried, form.settings.through) == ({}, [])


@pytest.mark.parametrize("text", ["{", "team=books", "[]", '{"Tag": 1}'])
def test_the_form_keeps_the_last_valid_value_while_another_one_is_typed(text: str) -> None:
    form = typed(DenialForm(Settings(carried=CARRIED), live=True), carried=text)

    assert form.problem is not None
    assert form.settings.carried == CARRIED
    assert "Not valid" in html_of(form)


def test_the_notebook_finds_that_a_carried_tag_needs_an_action_and_shows_it(desk: Desk) -> None:
    stage = Stage(desk.world)
    ended = desk.run(
        "diagnose_a_denial",
        caller=stage.alice,
        role=stage.role,
        carried=CARRIED,
        source_profiles=["source-admin"],
        destination_profiles=["destination-admin"],
        caller_profiles=[],
    )
    found = ended.record.diagnosis
    assert found is not None, ended.record.error

    assert found["attempt"]["carried"] == CARRIED
    assert {each["code"] for each in found["causes"]} == {"no-tag-session", "no-set-source-identity"}


def test_the_notebook_walks_the_roles_before_the_last_one(desk: Desk) -> None:
    stage = Stage(desk.world)
    admins = {"source_profiles": ["source-admin"], "destination_profiles": ["destination-admin"]}
    hub = stage.become()
    ended = desk.run("diagnose_a_denial", role=stage.role, through=[hub], caller_profiles=["alice"], **admins)
    found = ended.record.diagnosis
    assert found is not None, ended.record.error

    assert found["failing_hop"] == 1
    assert [each["allowed"] for each in found["hops"]] == [False, False]
    assert found["headline"].startswith("Hop 1 of 2, user/alice to role/hub. Certain: ")
    assert "hop 1" in ended.record.summary.lower()
