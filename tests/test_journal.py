"""The journal: what was done, and the plan that undoes it."""

import json
from dataclasses import replace

from support.examples import a_grant
from xacct_nb.changes.journal import Entry, Journal, collapse_entries
from xacct_nb.changes.planner import diff
from xacct_nb.grants.documents import build
from xacct_nb.grants.state import State

PLAN = diff(build(a_grant(conditions={"external_id": "hunter2-hunter2"})), State({}))
MADE = Entry("2026-11-24T10:15:00Z", "222222222222", "CreateRole", "role role/r", "made", "id-1", 0.25)
WAITED = Entry("2026-11-24T10:15:01Z", "222222222222", "AssumeRole", "role role/r", "waited", "id-2", 7.5, 4)


def test_it_goes_to_json_and_back_and_holds_no_external_id() -> None:
    journal = Journal("reports", PLAN.changes, (MADE, WAITED))
    text = json.dumps(journal.to_json())
    again = Journal.from_json(json.loads(text))

    assert "hunter2" not in text
    assert again.to_json() == journal.to_json()
    assert again.entries == journal.entries


def test_a_roll_back_undoes_the_last_change_first() -> None:
    back = Journal("reports", PLAN.changes).undo_plan()

    assert [(each.sign, each.kind) for each in back.changes] == [
        ("-", each.kind) for each in reversed(PLAN.changes)
    ]


def test_it_shows_every_call_with_its_time_answer_and_request_id() -> None:
    shown = str(Journal("reports", PLAN.changes, (MADE, WAITED)))

    assert "10:15:00  222222222222  CreateRole  role role/r  made    0.25 s           id-1" in shown
    assert "10:15:01  222222222222  AssumeRole  role role/r  waited  7.50 s, 4 tries  id-2" in shown
    assert f"{len(PLAN.changes)} changes made." in shown


def test_without_a_call_it_says_that_nothing_was_changed() -> None:
    assert str(Journal("reports")) == "Nothing was changed."


ABOUT_TO = replace(MADE, answer="", request_id="", seconds=0.0)
NEXT = replace(ABOUT_TO, operation="PutRolePolicy")


def test_a_call_is_one_line_also_where_it_was_noted_before_and_after() -> None:
    assert collapse_entries([ABOUT_TO, MADE, WAITED]) == (MADE, WAITED)


def test_a_call_without_a_response_stays_in_the_journal_even_if_it_is_retried() -> None:
    assert collapse_entries([ABOUT_TO, MADE, NEXT]) == (MADE, NEXT)
    assert collapse_entries([ABOUT_TO, ABOUT_TO, NEXT]) == (ABOUT_TO, ABOUT_TO, NEXT)


def test_a_call_without_a_response_says_so_and_how_to_go_on() -> None:
    shown = str(Journal("reports", (), (MADE, NEXT)))

    assert "PutRolePolicy  role role/r  no response: unknown whether it took effect" in shown
    assert "The run ended here. Plan again to finish it, or roll it back." in shown
