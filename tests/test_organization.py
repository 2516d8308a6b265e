"""The accounts of an organization, and which of them a fleet selects."""

import json
from dataclasses import replace

import pytest

from support.examples import an_account
from support.sample_views import characters_of
from xacct_nb.errors import InvalidOrganization
from xacct_nb.fleets.organization import (
    Account,
    Organization,
    Selection,
    accounts_without_tags,
    check_organization_unit,
    select,
)

ROOT = "o-a1b2c3d4e5/r-ab12/"
WORK, DEEP, OTHER = "ou-ab12-11111111", "ou-ab12-22222222", "ou-ab12-33333333"
NAMES = ("management", "lower", "deeper", "aside", "closing")


@pytest.fixture
def ids() -> dict[str, str]:
    """Ids of accounts by their names, in ascending order."""
    return dict(zip(NAMES, sorted(an_account() for _ in NAMES), strict=True))


@pytest.fixture
def organization(ids: dict[str, str]) -> Organization:
    paths = ("", f"{WORK}/", f"{WORK}/{DEEP}/", f"{OTHER}/", f"{WORK}/")
    tags = ({}, {"environment": "prod"}, {"environment": "test"}, {"environment": "prod"}, {})
    states = ("ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE", "PENDING_CLOSURE")
    accounts = [
        Account(ids[name], name, state, f"{ROOT}{path}", tag)
        for name, state, path, tag in zip(NAMES, states, paths, tags, strict=True)
    ]
    return Organization("o-a1b2c3d4e5", ids["management"], tuple(accounts))


def reasons(selection: Selection) -> tuple[dict[str, str], dict[str, str]]:
    """Why the chosen accounts are in, and why others are left out, by name."""
    return tuple(  # type: ignore[return-value]
        {each.account.name: each.reason for each in part} for part in (selection.chosen, selection.left_out)
    )


def test_a_unit_selects_the_accounts_in_it_and_in_the_units_below(organization: Organization) -> None:
    selection = select(organization, organization_units=[WORK])

    assert reasons(selection) == (
        {"lower": f"in {WORK}", "deeper": f"in {WORK}"},
        {"closing": "PENDING_CLOSURE"},
    )


def test_a_unit_whose_id_begins_as_another_one_does_not_select_its_accounts(ids: dict[str, str]) -> None:
    account = Account(ids["lower"], "lower", "ACTIVE", f"{ROOT}{WORK}9/")
    organization = Organization("o-a1b2c3d4e5", ids["management"], (account,), empty_units=(WORK,))

    assert select(organization, organization_units=[WORK]).accounts == ()


def test_the_root_selects_the_whole_organization(organization: Organization) -> None:
    selection = select(organization, organization_units=["r-ab12"])

    assert list(reasons(selection)[0]) == ["management", "lower", "deeper", "aside"]


def test_the_innermost_unit_that_is_named_is_the_reason(organization: Organization) -> None:
    selection = select(organization, organization_units=[WORK, DEEP])

    assert reasons(selection)[0] == {"lower": f"in {WORK}", "deeper": f"in {DEEP}"}


def test_tags_narrow_the_units(organization: Organization) -> None:
    selection = select(organization, organization_units=[WORK], tags={"environment": "prod"})

    assert reasons(selection) == (
        {"lower": f"in {WORK}, environment=prod"},
        {"deeper": "environment=test, not prod", "closing": "PENDING_CLOSURE"},
    )


def test_tags_alone_choose_in_the_whole_organization(organization: Organization) -> None:
    selection = select(organization, tags={"environment": "prod"})

    assert list(reasons(selection)[0]) == ["lower", "aside"]
    assert reasons(selection)[1]["management"] == "no tag environment"


def test_every_tag_must_be_there_with_its_value(organization: Organization) -> None:
    selection = select(organization, tags={"environment": "prod", "team": ""})

    assert selection.accounts == ()
    assert reasons(selection)[1]["lower"] == "no tag team"


def test_an_account_that_is_named_needs_no_tag(organization: Organization, ids: dict[str, str]) -> None:
    selection = select(organization, [ids["deeper"]], [OTHER], {"environment": "prod"})

    assert reasons(selection)[0] == {"deeper": "named", "aside": f"in {OTHER}, environment=prod"}


def test_an_excepted_account_is_left_out_even_if_it_is_named(
    organization: Organization, ids: dict[str, str]
) -> None:
    selection = select(organization, [ids["lower"]], [WORK], except_accounts=[ids["lower"], ids["deeper"]])

    assert reasons(selection) == (
        {},
        {"lower": "excepted", "deeper": "excepted", "closing": "PENDING_CLOSURE"},
    )


@pytest.mark.parametrize("state", ["PENDING_ACTIVATION", "SUSPENDED", "PENDING_CLOSURE", "CLOSED"])
def test_an_account_that_is_not_active_is_left_out_with_its_state(ids: dict[str, str], state: str) -> None:
    account = Account(ids["lower"], "lower", state, ROOT)
    organization = Organization("o-a1b2c3d4e5", ids["management"], (account,))

    assert reasons(select(organization, [ids["lower"]])) == ({}, {"lower": state})


def test_an_account_whose_state_or_path_is_not_known_is_left_out(ids: dict[str, str]) -> None:
    accounts = (
        Account(ids["management"], "management", "ACTIVE", ROOT),
        Account(ids["lower"], "lower", "", ROOT),
        Account(ids["deeper"], "deeper", "ACTIVE", ""),
    )
    organization = Organization("o-a1b2c3d4e5", ids["management"], accounts)

    assert reasons(select(organization, organization_units=["r-ab12"])) == (
        {"management": "in r-ab12"},
        {"lower": "state not read", "deeper": "path not read"},
    )
    assert reasons(select(organization, [ids["deeper"]]))[0] == {"deeper": "named"}


def test_nothing_asked_selects_nothing(organization: Organization) -> None:
    assert select(organization) == Selection(organization.id, (), ())


def test_tags_that_were_not_read_are_an_error_where_they_decide(
    organization: Organization, ids: dict[str, str]
) -> None:
    unread = replace(organization, accounts=tuple(replace(each, tags=None) for each in organization.accounts))
    asked = ([], [WORK], {"environment": "prod"}, [ids["deeper"]])

    assert accounts_without_tags(unread, *asked) == (ids["lower"],)
    assert accounts_without_tags(organization, *asked) == ()
    assert select(unread, organization_units=[WORK]).accounts
    with pytest.raises(InvalidOrganization, match=f"tags of 1 account were not read: {ids['lower']}"):
        select(unread, *asked)


def test_what_the_organization_does_not_have_is_named_with_the_nearest(
    organization: Organization, ids: dict[str, str]
) -> None:
    slip = ids["lower"][:-1] + str((int(ids["lower"][-1]) + 1) % 10)
    unit, far = f"{WORK[:-1]}2", "ou-ab12-zzzzzzzz"

    with pytest.raises(InvalidOrganization) as caught:
        select(organization, [slip], [unit, far, WORK], except_accounts=[slip])

    assert caught.value.what == (
        f"Not in the organization o-a1b2c3d4e5: accounts: {slip} (nearest: {ids['lower']}); "
        f"organization_units: {unit} (nearest: {WORK}); organization_units: {far}; "
        f"except_accounts: {slip} (nearest: {ids['lower']})."
    )


def test_a_unit_without_accounts_selects_nothing_once_it_is_known(organization: Organization) -> None:
    unit = "ou-ab12-44444444"
    with pytest.raises(InvalidOrganization, match=unit):
        select(organization, organization_units=[unit])

    assert select(replace(organization, empty_units=(unit,)), organization_units=[unit]).accounts == ()


@pytest.mark.parametrize("unit", ["", "work", "OU-AB12-11111111", "ou-ab12", f"{WORK}/", "o-a1b2c3d4e5"])
def test_an_id_of_another_shape_is_no_unit(organization: Organization, unit: str) -> None:
    with pytest.raises(InvalidOrganization, match="is not the id of an organizational unit"):
        check_organization_unit(unit)
    with pytest.raises(InvalidOrganization, match="is not the id of an organizational unit"):
        select(organization, organization_units=[unit])


def test_organization_and_selection_go_to_json_and_back(organization: Organization) -> None:
    organization = replace(organization, empty_units=(OTHER,), notes=("note",))
    selection = select(organization, organization_units=[WORK])

    for value in (organization, selection):
        assert type(value).from_json(json.loads(json.dumps(value.to_json()))) == value


def test_text_and_html_say_which_accounts_are_left_out_and_why(organization: Organization) -> None:
    selection = select(organization, organization_units=[WORK])
    as_text, as_html = characters_of(selection.view())

    assert as_text == as_html
    assert "2 accounts chosen, 1 left out." in str(selection)
    assert "PENDING_CLOSURE" in str(selection)
    assert "4 ACTIVE, 1 PENDING_CLOSURE" in str(organization)


def test_a_large_organization_shows_its_first_accounts_and_how_many_there_are(ids: dict[str, str]) -> None:
    accounts = tuple(Account(f"{number:012d}", "name", "ACTIVE", ROOT) for number in range(5000))
    organization = Organization("o-a1b2c3d4e5", ids["management"], accounts)
    shown = str(organization)

    assert "5000 accounts: 5000 ACTIVE" in shown
    assert "Accounts: the first 200 of 5000" in shown
    assert len(select(organization, organization_units=["r-ab12"]).chosen) == 5000
    assert len(shown.splitlines()) < 220
