"""What an older record still expects after newer ones of the same grant, and what is said of the rest."""

from dataclasses import replace
from typing import Any

from xacct_nb.fleets.expansion import expand
from xacct_nb.fleets.expected import ExpectedGrant, expected_of_fleet
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.fleets.replaced_expectations import left_of

FIRST, SECOND, THIRD = "222222222222", "333333333333", "444444444444"
HUB = "arn:aws:iam::111111111111:role/hub"


def expected(record: str, *accounts: str, **more: Any) -> ExpectedGrant:
    """What a record expects of the grant auditors in these accounts."""
    fields = {"name": "auditors", "sources": [HUB], "accounts": list(accounts), "role": "auditor", **more}
    (found,) = expected_of_fleet(expand(Fleet(name="reports", grants=[fields])), record=record)
    return found


def places(grant: ExpectedGrant | None) -> list[tuple[str, str]]:
    return [(each.side, each.account) for each in grant.slices] if grant else []


def test_the_accounts_that_only_the_older_record_has_are_asked_still() -> None:
    left, said = left_of(expected("old", FIRST, SECOND, THIRD), [expected("new", FIRST)])

    assert places(left) == [("destination", SECOND), ("destination", THIRD)]
    assert left
    assert left.accounts == (SECOND, THIRD)
    assert said == (
        "auditors: the newer record new has the caller policies in 111111111111 and role/auditor "
        "of 222222222222. Only the newer one is proven there.",
    )


def test_a_record_of_which_nothing_is_left_is_named_with_the_newest_that_replaced_it() -> None:
    left, said = left_of(expected("old", FIRST), [expected("newest", FIRST), expected("new", FIRST, SECOND)])

    assert left is None
    assert [each.partition(" has ")[0] for each in said] == ["auditors: the newer record newest"]


def test_a_role_of_the_same_account_that_no_newer_record_has_is_asked_still() -> None:
    left, _ = left_of(expected("old", FIRST), [expected("new", FIRST, role="reader")])

    assert left
    assert [each.grant.destinations for each in left.slices] == [(f"arn:aws:iam::{FIRST}:role/auditor",)]


def test_another_source_account_keeps_its_caller_policies() -> None:
    newer = expected("new", FIRST, sources=[HUB.replace("111111111111", "555555555555")])
    left, _ = left_of(expected("old", FIRST), [newer])

    assert places(left) == [("source", "111111111111")]


def test_a_grant_of_another_name_takes_nothing_away() -> None:
    older = expected("old", FIRST)

    assert left_of(older, [expected("new", FIRST, name="readers")]) == (older, ())


def test_where_the_newer_record_cannot_be_relied_on_its_accounts_are_not_asked_by_the_older() -> None:
    broken = replace(expected("new", FIRST), slices=(), problem="The record was changed.")
    left, said = left_of(expected("old", FIRST, SECOND), [broken])

    assert places(left) == [("destination", SECOND)]
    assert "the newer record new has" in said[0]


def test_accounts_of_an_older_record_that_cannot_be_relied_on_are_not_asked_and_said() -> None:
    broken = replace(expected("old", FIRST, SECOND), slices=(), problem="The record was changed.")
    left, _ = left_of(broken, [expected("new", FIRST)])

    assert left
    assert [each.account for each in left.unasked()] == [SECOND]
