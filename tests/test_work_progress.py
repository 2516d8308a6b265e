"""The progress of the work on a fleet: its parts count together, and the remaining time is that of all."""

import time

import pytest

from xacct_nb.runs.fleet import work_progress
from xacct_nb.runs.fleet.work_progress import WorkProgress


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines of a headless run, in which each step takes two seconds."""
    said, moments = list[str](), iter(range(0, 1000, 2))
    monkeypatch.setattr(work_progress, "send_progress", said.append)
    monkeypatch.setattr(time, "monotonic", lambda: float(next(moments)))
    return said


def test_the_waves_of_a_run_count_together_and_each_says_when_it_begins(lines: list[str]) -> None:
    show = WorkProgress(headless=True)
    for done, what in enumerate(["Source accounts", *["Wave 1 of 2"] * 2, *["Wave 2 of 2"] * 3], start=1):
        show(what, done, 6)

    assert [each.partition(",")[0] for each in lines] == [
        "Source accounts: 1 of 6 slices",
        "Wave 1 of 2: 2 of 6 slices",
        "Wave 2 of 2: 4 of 6 slices",
        "Wave 2 of 2: 6 of 6 slices in 12 s",
    ]


def test_the_remaining_time_is_that_of_all_parts_once_there_is_a_pace(lines: list[str]) -> None:
    show = WorkProgress(headless=True)
    show("Source accounts", 1, 101)
    show("Wave 1 of 1", 2, 101)

    assert lines == ["Source accounts: 1 of 101 slices", "Wave 1 of 1: 2 of 101 slices, about 7 min left"]


def test_the_next_work_begins_anew(lines: list[str]) -> None:
    show = WorkProgress(headless=True)
    for what in ("Planning", "Proving"):
        show(what, 1, 2)
        show(what, 2, 2)

    assert [each.partition(":")[0] for each in lines] == ["Planning", "Planning", "Proving", "Proving"]
    assert "left" not in lines[2]
