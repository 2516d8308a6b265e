"""The outcome of a run that failed: its closure, where it ended, and the result of each change."""

import re
from pathlib import Path
from typing import Any

import pytest

from support.desk import Desk
from support.dying_runs import run_killed_at
from support.examples import a_grant
from xacct_nb.changes.journal import Entry, Journal
from xacct_nb.changes.planner import diff
from xacct_nb.errors import EXIT_CODES
from xacct_nb.grants.documents import build
from xacct_nb.grants.state import State
from xacct_nb.records.fields import SUCCESSFUL
from xacct_nb.records.model import Record
from xacct_nb.records.outcome import closure, outcome_sentence
from xacct_nb.views import Page, Table

PLAN = diff(build(a_grant()), State({}))
ROLE, INLINE, POLICY, ATTACHMENT = PLAN.changes
AT = "2026-11-24T10:15:0"


def call(number: int, operation: str, change: Any, answer: str) -> Entry:
    request = f"id-{number}" if answer else ""
    return Entry(f"{AT}{number}Z", change.account, operation, change.title, answer, request)


MADE = (call(1, "CreateRole", ROLE, "made"), call(2, "PutRolePolicy", INLINE, "made"))
FAILED = call(3, "CreatePolicy", POLICY, "LimitExceeded")
TAKEN_BACK = (call(4, "DeleteRolePolicy", INLINE, "made"), call(5, "DeleteRole", ROLE, "made"))


def a_record(status: str, *entries: Entry, code: str = "x", **fields: Any) -> Record:
    error = {"code": code, "what": "It broke.", "why": "", "hint": "", "resume": "xacct-nb run x -p a 'b c'"}
    usual = {
        "plan": PLAN.to_json(),
        "journal": Journal("reports", (), entries).to_json() if entries else None,
        "error": error,
    }
    return Record("1f3a", "plan_and_apply", status, f"{AT}0Z", f"{AT}9Z", 9.0, **{**usual, **fields})


def facts(record: Record) -> dict[str, str]:
    """The first table of a record, by its labels."""
    page = record.view()
    assert isinstance(page, Page)
    tables = (part for part in page.parts if isinstance(part, Table))
    return dict(next(tables).rows)


def section(record: Record, title: str) -> str:
    """One section of a record as text, "" where it has none."""
    found = re.search(rf"^{title}\n=+\n\n(.*?)(?=\n\n.+\n===|\Z)", str(record), re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        ("stale-plan", "stale-plan", "another plan was approved than the current one"),
        ("stale-plan", "approval-used", "the approval was already used"),
        ("stale-plan", "approval-expired", "the approval has expired"),
        ("stale-plan", "approver-planned", "a second person must approve"),
        ("invalid-parameters", "not-accepted", "it widens access, and `accept` does not list the finding"),
    ],
)
def test_what_was_not_implemented_says_why(status: str, code: str, words: str) -> None:
    assert closure(a_record(status, code=code)) == f"not implemented: {words}"


@pytest.mark.parametrize("status", sorted(EXIT_CODES))
@pytest.mark.parametrize("entries", [(), MADE], ids=["nothing-made", "something-made"])
def test_every_run_says_in_one_sentence_how_it_ended(status: str, entries: tuple[Entry, ...]) -> None:
    said = outcome_sentence(a_record(status, *entries, error=None))

    assert said[0].isupper()
    assert said.endswith(".")
    assert ("Nothing was changed" in said) <= (not entries or status in ("planned", "rolled-back"))


def test_only_a_proof_makes_a_run_say_that_the_access_is_proven() -> None:
    without = a_record("succeeded", error=None)

    assert outcome_sentence(without) == "Nothing was changed: the run only read."
    assert "proven" in outcome_sentence(a_record("succeeded", *MADE, error=None))
    assert "not proven" in outcome_sentence(a_record("not-proven", *MADE, error=None))


@pytest.mark.parametrize("status", sorted({*EXIT_CODES} - {*SUCCESSFUL}))
def test_every_run_that_failed_shows_its_code_what_is_left_and_how_to_resume(status: str) -> None:
    record = a_record(status, code="some-code")

    assert facts(record)["error code"] == "some-code"
    assert facts(record)["left behind"] == (
        "nothing: everything is as it was before"
        if status == "rolled-back"
        else "nothing: no call changed AWS"
    )
    assert "xacct-nb run x \\\n      -p a 'b c'" in section(record, "How to resume")


@pytest.mark.parametrize("status", SUCCESSFUL)
def test_a_successful_run_shows_none_of_these(status: str) -> None:
    record = a_record(status, *MADE, error=None)

    assert {"error code", "failed call", "left behind"} & {*facts(record)} == set()
    assert section(record, "How to resume") == section(record, "Result of each change") == ""


def test_a_call_that_failed_is_named_with_its_account_and_its_request_id() -> None:
    assert facts(a_record("rolled-back", *MADE, FAILED, *TAKEN_BACK))["failed call"] == (
        "10:15:03 CreatePolicy of managed-policy policy/xacct-reports in 111111111111: "
        "LimitExceeded, request id id-3"
    )


def test_deleting_what_no_longer_exists_is_no_failure() -> None:
    nothing = call(4, "DetachUserPolicy", ATTACHMENT, "NoSuchEntity")

    assert facts(a_record("rolled-back", *MADE, FAILED, nothing))["failed call"].count("\n") == 0
    assert "failed call" in facts(a_record("failed", call(4, "AttachUserPolicy", ATTACHMENT, "NoSuchEntity")))


def test_of_very_many_calls_that_failed_five_are_named() -> None:
    told = facts(a_record("failed", *[FAILED] * 8))["failed call"].splitlines()

    assert (len(told), told[-1]) == (6, "and 3 more")


@pytest.mark.parametrize(
    ("states", "words"),
    [
        (["completed", "failed", "not-run"], "code cell 2 of 3, which failed"),
        (["completed", "completed", "timed-out"], "code cell 3 of 3, which took too long"),
        (["aborted", "not-run"], "code cell 1 of 2, which was interrupted"),
    ],
)
def test_it_says_at_which_cell_it_ended(states: list[str], words: str) -> None:
    cells = tuple({"cell": number, "state": state} for number, state in enumerate(states))

    assert facts(a_record("failed", cells=cells))["ended at"] == words


def test_the_result_of_each_change_is_its_last_call() -> None:
    unheard = call(3, "CreatePolicy", POLICY, "")
    lines = section(a_record("interrupted", *MADE, unheard), "Result of each change").splitlines()[2:]

    assert [re.split("  +", line)[2:] for line in lines] == [
        [ROLE.title, "CreateRole", "made", "id-1"],
        [INLINE.title, "PutRolePolicy", "made", "id-2"],
        [POLICY.title, "CreatePolicy", "no response: unknown whether it took effect"],
        [ATTACHMENT.title, "none", "not started"],
    ]


def test_a_journal_that_was_rolled_back_or_not_finished_does_not_say_0_changes() -> None:
    back = str(a_record("rolled-back", *MADE, FAILED, *TAKEN_BACK))
    broken = str(a_record("rollback-failed", *MADE, FAILED))

    assert "All changes were rolled back." in back
    assert "The run did not finish." in broken
    assert "0 changes made." not in back + broken


def test_what_a_failed_roll_back_left_is_what_its_error_names() -> None:
    assert facts(a_record("rollback-failed", *MADE, FAILED))["left behind"] == "It broke."


def test_what_was_made_and_not_proven_stays_as_planned() -> None:
    whole = Journal("reports", PLAN.changes, MADE).to_json()

    assert facts(a_record("proof-failed", *MADE, journal=whole))["left behind"] == (
        "the 4 changes in the journal, as planned"
    )


def test_a_refused_approval_is_not_shown_as_approved_by() -> None:
    approval = {"digest": "0" * 64, "by": "ada", "at": f"{AT}1Z"}
    refused, counted = (facts(a_record(status, approval=approval)) for status in ("stale-plan", "failed"))

    assert refused["approval by"] == counted["approved by"] == f"ada at {AT}1Z"
    assert "approved by" not in refused


def test_the_page_of_a_killed_run_shows_an_auditor_all_of_it(desk: Desk, tmp_path: Path) -> None:
    ended = run_killed_at(desk, tmp_path, "CreatePolicy", "")
    told, page = facts(ended.record), (ended.folder / "run.html").read_text()

    assert told["closure"] == "interrupted: the kernel died"
    assert re.fullmatch(
        r"\S+ CreatePolicy of managed-policy .+ in \d{12}: no response: .+", told["failed call"]
    )
    assert told["ended at"] == "code cell 6 of 6, which was interrupted"
    assert "Result of each change" in page
    assert f"xacct-nb run roll_back -p record {ended.record.id}" in page
    assert f"xacct-nb run {tmp_path / 'dying.ipynb'} \\\n" in page
