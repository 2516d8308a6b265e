"""The former name of a grant's field is still read, with a note, and never written."""

import warnings
from typing import Any

import pytest

from support.examples import a_grant
from xacct_nb.changes.planner import diff
from xacct_nb.errors import InvalidGrant, InvalidParameters
from xacct_nb.grants.declarations import parse_declarations
from xacct_nb.grants.documents import build
from xacct_nb.grants.former_names import accept_former_names, rename_former_fields
from xacct_nb.grants.grant import Grant, from_parameters
from xacct_nb.grants.parameters import accepted_parameters, grant_of, merge, to_display, validate
from xacct_nb.grants.state import State

GROUP, OTHER = "arn:aws:iam::111111111111:group/analysts", "arn:aws:iam::111111111111:group/others"
NOTE = "carry_on is now attach_to. Write attach_to instead."
FIELDS = a_grant(attach_to=GROUP).to_json()
OLD_FIELDS = {("carry_on" if name == "attach_to" else name): value for name, value in FIELDS.items()}
CELL = "sources: list = []\nname: str = ''\ndestinations: list = []"
KNOWN = accepted_parameters(parse_declarations(CELL))


def test_a_grant_with_the_former_name_is_the_same_grant_with_a_note() -> None:
    with pytest.warns(FutureWarning, match=NOTE):
        grant = from_parameters(OLD_FIELDS)

    assert grant == a_grant(attach_to=GROUP)
    assert grant.to_json() == FIELDS
    assert diff(build(grant), State({})).digest == diff(build(Grant(**FIELDS)), State({})).digest


@pytest.mark.parametrize("fields", [{"carry_on": ""}, {"carry_on": "", "attach_to": ""}, {"attach_to": ""}])
def test_without_a_value_there_is_no_note(fields: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        assert a_grant(**fields).attach_to == ""


def test_one_empty_name_does_not_hide_the_other() -> None:
    assert rename_former_fields({"carry_on": GROUP, "attach_to": ""}) == {"attach_to": GROUP}
    assert rename_former_fields({"carry_on": "", "attach_to": GROUP}) == {"attach_to": GROUP}


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_both_names_are_refused() -> None:
    with pytest.raises(InvalidGrant) as refusal:
        a_grant(carry_on=GROUP, attach_to=GROUP)

    assert str(refusal.value) == (
        "carry_on and attach_to are both given.\n"
        "carry_on is the former name of attach_to.\n"
        "Give attach_to only."
    )


def test_a_file_and_an_option_with_the_former_name_are_read_with_a_note() -> None:
    with pytest.warns(FutureWarning, match=NOTE):
        from_file = merge(KNOWN, {"carry_on": GROUP}, [])
    with pytest.warns(FutureWarning, match=NOTE):
        from_option = merge(KNOWN, {}, [("carry_on", GROUP)])

    assert from_file == from_option == {"attach_to": GROUP}


def test_an_option_wins_over_the_file_under_whichever_name() -> None:
    with pytest.warns(FutureWarning):
        assert merge(KNOWN, {"carry_on": GROUP}, [("attach_to", OTHER)]) == {"attach_to": OTHER}


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_two_options_with_both_names_are_refused() -> None:
    with pytest.raises(InvalidGrant, match="carry_on and attach_to are both given"):
        merge(KNOWN, {}, [("carry_on", GROUP), ("attach_to", OTHER)])


def test_a_cell_that_declares_the_former_name_does_not_add_its_default() -> None:
    known = accepted_parameters(parse_declarations(f"{CELL}\ncarry_on: str = '{OTHER}'"))

    values = merge(known, {**FIELDS}, [])

    assert (values["attach_to"], values["carry_on"]) == (GROUP, "")
    assert validate(known, values) == a_grant(attach_to=GROUP)


def test_a_cell_that_declares_the_former_name_may_give_the_value() -> None:
    known = accepted_parameters(parse_declarations(f"{CELL}\ncarry_on: str = '{GROUP}'"))
    fields = {name: value for name, value in FIELDS.items() if name != "attach_to"}

    assert validate(known, merge(known, fields, [])) == a_grant(attach_to=GROUP)


def test_the_former_name_is_read_in_grants_only() -> None:
    with pytest.raises(InvalidParameters, match="There is no parameter 'carry_on'"):
        merge(accepted_parameters({}), {"carry_on": GROUP}, [])


def test_parameters_are_shown_and_recorded_under_the_current_name() -> None:
    assert to_display(OLD_FIELDS) == FIELDS
    assert grant_of(OLD_FIELDS) == a_grant(attach_to=GROUP)


def test_other_names_stay_as_they_are() -> None:
    assert accept_former_names({"name": "reports"}) == {"name": "reports"}
