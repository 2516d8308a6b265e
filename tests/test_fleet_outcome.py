"""What is said of a run over a fleet that did not hold, that removed something, or that left accounts out."""

from typing import Any

import pytest

from support.examples import a_grant
from xacct_nb.changes.journal import Entry, Journal
from xacct_nb.changes.planner import diff
from xacct_nb.errors import NotProven, ProofFailed
from xacct_nb.fleets.result import FleetResult, SliceResult
from xacct_nb.grants.documents import build
from xacct_nb.grants.state import State
from xacct_nb.records.fields import RecordedFleet
from xacct_nb.records.model import Record
from xacct_nb.records.outcome import outcome_sentence
from xacct_nb.runs.fleet.not_as_declared import not_as_declared

AT = "2026-11-24T10:15:00Z"
PLAN = diff(build(a_grant()), State({}))
MADE = Entry(AT, "222222222222", "CreateRole", "role reader", "made", "id-1")


def a_result(*statuses: str, **fields: Any) -> FleetResult:
    """One role in an account of its own for each status."""
    parts = (SliceResult("readers", "destination", f"{n:012}", each) for n, each in enumerate(statuses))
    return FleetResult("fleet", tuple(parts), **fields)


def ended(*statuses: str) -> tuple[SliceResult, ...]:
    parts = enumerate(statuses, start=100)
    return tuple(SliceResult("old", "destination", f"{n:012}", each, ended=True) for n, each in parts)


def said(result: FleetResult, status: str) -> str:
    fields: dict[str, Any] = {
        "plan": PLAN,
        "journal": Journal("fleet", (), (MADE,)),
        "fleet": RecordedFleet({"name": "fleet", "grants": []}, {}, result=result),
    }
    return outcome_sentence(Record("1f3a", "change_a_fleet", status, AT, AT, 9.0, **fields))


@pytest.mark.parametrize(
    ("statuses", "kind"),
    [
        (("not-proven", "not-started"), NotProven),
        (("proven", "not-proven", "unreadable"), NotProven),
        (("rolled-back", "not-started"), ProofFailed),
        (("proof-failed", "not-proven"), ProofFailed),
    ],
)
def test_a_wave_that_only_is_not_proven_leaves_the_fleet_not_proven(
    statuses: tuple[str, ...], kind: type[Exception]
) -> None:
    assert type(not_as_declared(a_result(*statuses))) is kind


def test_the_outcome_says_in_how_many_accounts_nothing_was_begun() -> None:
    found = said(a_result("not-proven", "not-started", "not-started"), "not-proven")

    assert found.endswith("has a positive answer of AWS. In 2 of the accounts, something was not begun.")


def test_roles_of_grants_that_ended_are_told_apart_from_those_that_work() -> None:
    lasting = a_result("proven", "proven").results
    mixed, alone = FleetResult("fleet", (*lasting, *ended("proven"))), FleetResult("fleet", ended("proven"))

    assert mixed.summary == "Fleet: 2 of 2 roles proven, 1 of 1 removed, since their grants have ended."
    assert alone.summary == "Fleet: 1 of 1 removed, since their grants have ended."
    assert said(mixed, "succeeded") == (
        "The access is applied and proven: AWS's answers are what the fleet says. "
        "Where a grant has ended, its role is removed, and AWS denies its callers: 1 in all."
    )
    assert said(alone, "succeeded") == (
        "The grants have ended: what was made for them is removed, AWS denies their callers."
    )


def test_a_caller_that_still_gets_in_is_not_counted_as_removed() -> None:
    found = FleetResult("fleet", ended("proven", "proof-failed"))

    assert found.summary == "Fleet: 1 of 2 removed, since their grants have ended, 1 proof-failed."
