"""The history of records: a query, the matching lines, and their timeline."""

from typing import Any

import pytest

from xacct_nb.errors import InvalidParameters
from xacct_nb.records.history import History, LedgerQuery, Timeline, Verification


def line(started: str, status: str = "succeeded", **fields: str) -> dict[str, Any]:
    usual = {"grant": "reports", "notebook": "plan_and_apply", "summary": "", "id": started}
    return {"started": started, "status": status, **usual, **fields}


LINES = [
    line("2026-10-31T23:59:59Z", "planned"),
    line("2026-11-24T10:15:00Z"),
    line("2026-11-24T10:16:00Z", "failed", grant="audit"),
    line("2026-11-25T00:00:00Z", notebook="roll_back"),
]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (LedgerQuery(), [0, 1, 2, 3]),
        (LedgerQuery(status="failed"), [2]),
        (LedgerQuery(grant="reports"), [0, 1, 3]),
        (LedgerQuery(notebook="roll_back"), [3]),
        (LedgerQuery(since="2026-11"), [1, 2, 3]),
        (LedgerQuery(since="2026-11-24T10:16"), [2, 3]),
        (LedgerQuery(until="2026-11-24"), [0, 1, 2]),
        (LedgerQuery(until="2026-11-24T10:15"), [0, 1]),
        (LedgerQuery(since="2026-11-24", until="2026-11-24", status="succeeded"), [1]),
        (LedgerQuery(limit=2), [2, 3]),
        (LedgerQuery(limit=1, grant="reports", until="2026-11-24"), [1]),
    ],
)
def test_a_filter_gives_the_records_in_their_order(wanted: LedgerQuery, found: list[int]) -> None:
    assert wanted.select(LINES) == [LINES[number] for number in found]


@pytest.mark.parametrize("time", ["yesterday", "24.11.2026", "2026-11-24 10:15", "2026-1"])
def test_what_is_no_time_is_refused_with_an_example(time: str) -> None:
    with pytest.raises(InvalidParameters) as refused:
        LedgerQuery(since=time)

    assert refused.value.what == f"since: {time!r} is not a time."
    assert refused.value.hint == "Write it like 2026-11-24."


def test_a_day_shows_how_many_runs_it_had_and_how_they_ended() -> None:
    shown = str(Timeline(LINES)).splitlines()

    assert shown[2:] == [
        "2026-10-31  ■ 1   1 planned",
        "2026-11-24  ■■ 2  1 failed, 1 succeeded",
        "2026-11-25  ■ 1   1 succeeded",
    ]


def test_many_days_are_shown_by_months_and_many_runs_in_forty_characters() -> None:
    days = [line(f"2026-{month:02}-{day:02}T00:00:00Z") for month in (1, 2) for day in range(1, 29)]
    shown = str(Timeline([*days, *days * 2, *days[:28] * 2])).splitlines()

    assert shown[0].split() == ["month", "runs", "ended"]
    assert [row.split()[0] for row in shown[2:]] == ["2026-01", "2026-02"]
    assert [row.count("■") for row in shown[2:]] == [40, 24]


def test_nothing_recorded_and_nothing_matched_read_differently() -> None:
    assert str(History(())) == "Nothing was recorded yet."
    assert str(History((), 4)) == "None of 4 records matches."
    assert str(Timeline(())) == "Nothing to show."


def test_a_verification_shows_what_is_broken_or_the_hash_to_note() -> None:
    assert str(Verification(1, "abc", ("x: was changed",))) == "x: was changed"
    assert str(Verification(2, "abc")) == "2 records, all whole.\nLast line: abc"
