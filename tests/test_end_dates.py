"""Which grants have ended, and which end soon."""

import pytest

import xacct_nb as xa
from support.examples import a_grant
from xacct_nb.fleets.end_dates import GrantEnd
from xacct_nb.fleets.fleet import Fleet

NOW = "2026-11-29T18:00:00Z"


def a_fleet(**ends: str) -> Fleet:
    usual = {"sources": ["arn:aws:iam::111111111111:user/alice"], "accounts": ["222222222222"]}
    grants = [{**usual, "name": name, "role": name, "expires": end} for name, end in ends.items()]
    return Fleet(name="reports", grants=grants)


def test_what_has_ended_and_what_ends_soon_is_listed_soonest_first() -> None:
    fleet = a_fleet(audit="2026-12-10", readers="2026-11-01", writers="2027-06-01", owners="")
    found = xa.endings([a_grant(name="lone", expires="2026-12-01T06:00Z"), fleet], NOW)

    assert found.found == (
        GrantEnd("readers", "reports", "2026-11-01T00:00:00Z", 0, is_past=True),
        GrantEnd("lone", "", "2026-12-01T06:00:00Z", 1, is_past=False),
        GrantEnd("audit", "reports", "2026-12-10T00:00:00Z", 10, is_past=False),
    )
    assert (found.later, found.endless) == (1, 1)


@pytest.mark.parametrize(
    ("expires", "sentence"),
    [
        ("2026-11-29T18:00:00Z", "ended at 2026-11-29 18:00 UTC: plan it to remove what is left of it."),
        ("2026-11-29T18:00:01Z", "ends in less than a day, at 2026-11-29 18:00 UTC."),
        ("2026-12-01", "ends in 1 day, at 2026-12-01 00:00 UTC."),
        ("2026-12-29T18:00Z", "ends in 30 days, at 2026-12-29 18:00 UTC."),
    ],
)
def test_a_sentence_says_when(expires: str, sentence: str) -> None:
    assert xa.endings(a_grant(expires=expires), NOW).sentences == (f"The grant 'reports' {sentence}",)


@pytest.mark.parametrize(("days", "listed"), [(1, 0), (2, 1)])
def test_the_number_of_days_decides_what_is_near(days: int, listed: int) -> None:
    assert len(xa.endings(a_grant(expires="2026-12-01"), NOW, days=days).near) == listed


def test_where_nothing_ends_that_is_said() -> None:
    assert "No grant ends within 30 days after 2026-11-29T18:00:00Z. 0 end later, 2 have no end." in repr(
        xa.endings(a_fleet(audit="", readers=""), NOW)
    )
