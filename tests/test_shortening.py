"""`until`: who approves may shorten the access, and never lengthen it."""

from dataclasses import replace
from typing import Any

import pytest

from support.desk import Desk
from support.examples import ALICE, READ, a_grant
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.changes.planner import desired_resources, diff
from xacct_nb.errors import InvalidGrant, InvalidParameters
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.settings import Settings, check_grant_file
from xacct_nb.grants.shortening import shorten
from xacct_nb.grants.state import State
from xacct_nb.records.outcome import outcome_sentence

sandbox = in_process_sandbox
FACT = "'reports' ends at 2026-12-15T00:00:00Z instead of at 2026-12-31T00:00:00Z"


def planned(grant: Grant) -> Any:
    return diff(build(grant), State({}))


@pytest.mark.parametrize("expires", ["2026-12-31", ""])
def test_both_policies_have_the_earlier_end_and_the_digest_is_of_it(expires: str) -> None:
    short = shorten(a_grant(expires=expires), "2026-12-15")

    assert planned(short).digest == planned(a_grant(expires="2026-12-15")).digest
    assert desired_resources(build(short), State({})) == desired_resources(
        build(a_grant(expires="2026-12-15")), State({})
    )


def test_the_plan_says_what_was_shortened_and_what_keeps_it_so() -> None:
    plan = planned(shorten(a_grant(expires="2026-12-31"), "2026-12-15"))

    assert plan.shortening == (
        f"{FACT} (until). A later run with the file alone plans the longer access again: "
        "write that end into it, as expires.",
    )
    assert plan.shortening[0] in repr(plan)


def test_a_grant_without_an_end_gets_one() -> None:
    assert planned(shorten(a_grant(), "2026-12-15")).shortened == (
        "'reports' ends at 2026-12-15T00:00:00Z instead of never",
    )


@pytest.mark.parametrize("until", ["", "2026-12-31", "2026-12-31T00:00Z"])
def test_the_grants_own_end_shortens_nothing(until: str) -> None:
    grant = a_grant(expires="2026-12-31")

    assert shorten(grant, until) is grant


def test_a_later_end_is_refused() -> None:
    with pytest.raises(InvalidParameters, match="until: 2027-01-01T00:00:00Z is later than") as refused:
        shorten(a_grant(expires="2026-12-31"), "2027-01-01")

    assert "may only shorten" in refused.value.why
    assert "change expires in the file" in refused.value.hint


def test_what_is_no_date_is_refused() -> None:
    with pytest.raises(InvalidGrant, match="until: 'soon' is no date"):
        Settings(until="soon")


def test_until_stands_in_no_grant_file() -> None:
    with pytest.raises(InvalidGrant, match="holds until"):
        check_grant_file("grant.yaml", ["name", "until"])


def fleet(*ends: str) -> Fleet:
    usual = {"sources": [ALICE], "accounts": ["222222222222"], "permissions": [READ]}
    names = ("first", "second")
    return Fleet(
        name="reports",
        grants=[
            {**usual, "name": name, "role": name, "expires": end}
            for name, end in zip(names, ends, strict=True)
        ],
    )


def test_of_a_fleet_each_grant_that_ends_later_is_shortened() -> None:
    short = fleet("2026-12-01", "2027-06-01").shortened("2026-12-15")

    assert [each.template.expires for each in short.grants] == ["2026-12-01", "2026-12-15"]
    assert [each.template.declared_end for each in short.grants] == [None, "2027-06-01"]
    assert short.grants[1].in_account("222222222222").declared_end == "2027-06-01"


def test_a_date_after_all_ends_of_a_fleet_is_refused() -> None:
    with pytest.raises(InvalidParameters, match="later than the last end in the fleet 'reports', 2027-06-01"):
        fleet("2026-12-01", "2027-06-01").shortened("2027-07-01")


def test_a_run_shortens_then_ends_and_is_rolled_back(desk: Desk) -> None:
    at, far = replace(desk, in_process=True), "2099-12-31"
    planned_run = at.run(expires=far, until="2098-01-01")
    digest = planned_run.record.plan.digest  # type: ignore[union-attr]
    done = at.run(expires=far, until="2098-01-01", approve=digest)
    longer = at.run(expires=far)
    removes = at.run(expires="2020-01-01")
    removed = at.run(expires="2020-01-01", approve=removes.record.plan.digest)  # type: ignore[union-attr]
    again = at.run(expires="2020-01-01")

    assert done.record.status == "succeeded"
    assert done.record.approval
    assert done.record.approval.shortened == (
        "'reports' ends at 2098-01-01T00:00:00Z instead of at 2099-12-31T00:00:00Z"
    )
    assert longer.record.plan
    assert longer.record.plan.summary == "Plan: 0 to add, 2 to change, 0 to destroy."
    assert [outcome_sentence(each.record) for each in (removed, again)] == [
        "The grant has ended: what it made is removed, AWS denies its callers.",
        "Nothing had to be changed: the grant has ended, and the plan found nothing to remove.",
    ]
    undone = at.rolled_back(record=removed.record.id)
    assert undone.record.status == "succeeded"
    assert at.run(expires="2098-01-01").record.status == "no-change"


def test_a_later_end_ends_the_run_before_it_reads_anything(desk: Desk) -> None:
    with pytest.raises(InvalidParameters, match="until: 2099-12-31T00:00:00Z is later than"):
        desk.run(expires="2098-01-01", until="2099-12-31")
