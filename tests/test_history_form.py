"""The form that filters the history, as a person uses it and headless."""

from pathlib import Path
from typing import Any

import pytest

from support.form_texts import controls_of, html_of
from xacct_nb.errors import UnknownRecord
from xacct_nb.jupyter.forms.history_form import HistoryForm
from xacct_nb.records.history import LedgerQuery
from xacct_nb.records.model import Record
from xacct_nb.runs.ledger import Ledger
from xacct_nb.storage.ledger import append_record

FIRST, SECOND, THIRD = "20261124T101500Z-a-1f3a", "20261125T101500Z-b-2b4c", "20261126T101500Z-a-3c5d"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Write three records of two grants, one of which failed."""
    for run, status in ((FIRST, "succeeded"), (SECOND, "failed"), (THIRD, "succeeded")):
        started = f"{run[:4]}-{run[4:6]}-{run[6:8]}T10:15:00Z"
        fields: dict[str, Any] = {"parameters": {"name": run.split("-")[1]}}
        append_record(tmp_path, Record(run, "plan_and_apply", status, started, "", 1.0, **fields), {})
    return Ledger(tmp_path)


def found(form: HistoryForm) -> list[str]:
    return [line["id"] for line in form.history.lines]


def test_headless_the_given_filter_passes_through(ledger: Ledger) -> None:
    form = ledger.filter(grant="a", limit=1)

    assert found(form) == [THIRD]
    assert THIRD in str(form)
    assert "2026-11-26" in str(form.timeline)


def test_a_choice_filters_table_and_timeline(ledger: Ledger) -> None:
    form = HistoryForm(ledger.lines, LedgerQuery(), live=True)
    status, grant = controls_of(form)["Status"], controls_of(form)["Grant"]
    status.value = "failed"

    assert status.options == ("all", "failed", "succeeded")
    assert found(form) == [SECOND]
    assert "1 of 3 records" in html_of(form)
    assert FIRST not in html_of(form)
    status.value, grant.value = "all", "a"
    assert found(form) == [FIRST, THIRD]


def test_an_invalid_time_is_shown_and_the_filter_stays_as_it_was(ledger: Ledger) -> None:
    form = HistoryForm(ledger.lines, LedgerQuery(), live=True)
    since = controls_of(form)["Since"]
    since.value = "2026-11-25"
    since.value = "yesterday"

    assert found(form) == [SECOND, THIRD]
    assert "&#39;yesterday&#39; is not a time." in html_of(form)
    since.value = ""
    assert found(form) == [FIRST, SECOND, THIRD]


def test_text_from_the_ledger_is_escaped(ledger: Ledger, tmp_path: Path) -> None:
    append_record(tmp_path, Record("x", "<script>", "failed", "2026-11-27", "", 1.0, where="<script>"), {})
    form = HistoryForm(Ledger(tmp_path).lines, LedgerQuery(), live=True)

    assert "<script" not in html_of(form)


def test_the_newest_is_read_and_compared_with_the_one_before(ledger: Ledger) -> None:
    assert ledger.show().id == THIRD
    assert ledger.show("1f3a").id == FIRST
    assert (ledger.compare().first, ledger.compare().second) == (SECOND, THIRD)
    assert (ledger.compare("", "2b4c").first, ledger.compare("1f3a").second) == (FIRST, THIRD)
    with pytest.raises(UnknownRecord):
        ledger.show("nothing")


def test_an_empty_folder_and_a_first_record_have_nothing_to_show(ledger: Ledger, tmp_path: Path) -> None:
    empty = Ledger(tmp_path / "empty")
    shown = (empty, empty.filter(), empty.show(), empty.verify())
    compared = (empty.compare(), ledger.compare("", FIRST))

    assert {str(each) for each in shown} == {"Nothing was recorded yet."}
    assert {str(each) for each in compared} == {"There is no earlier record to compare with."}
