"""The page of a fleet's report: one HTML file that opens offline, with a small script to filter it."""

from collections.abc import Iterator
from typing import Any

from xacct_nb.fleets.result import BAD, GOOD
from xacct_nb.jupyter.offline_page import to_offline_page
from xacct_nb.records.fields import RecordFields
from xacct_nb.records.fleet_report import NO_RESULT, FleetReport, ReportColumn, ReportRow, meaning_of
from xacct_nb.redaction.invisible import on_one_line

# By status: the sign that stands in the matrix, so that nobody needs its colours.
SIGNS = {
    "proven": "✓", "applied": "+", "no-change": "=", "undone": "«", NO_RESULT: "·",
    "proof-failed": "✗", "not-proven": "?", "unreadable": "Ø", "rolled-back": "<", "rollback-failed": "#",
    "failed": "!", "lost": "*", "stale-plan": "≠", "drifted": "≈", "not-started": "…",
    "not-accepted": "⊘", "not-asked": "○", "handed-over": "→",
}  # fmt: skip
_FEW = 3  # accounts that a row names without being opened


def to_fleet_page(record: RecordFields, report: FleetReport) -> str:
    """Return the report of a fleet's record as one HTML file; without its script, all of it can be read."""
    return to_offline_page(
        "fleet_page",
        record=record,
        report=report,
        counts=", ".join(_counts(report)),
        data=_data(report),
        statuses=list(report.totals),
        groups=_groups(report.columns),
        units=_units(report),
        few=_FEW,
        account=_account,
        cells=_cells,
        meaning=meaning_of,
        sign=_sign,
        source=_source,
        tone=_tone,
    )


def _data(report: FleetReport) -> dict[str, Any]:
    """Return what the script needs besides the page: accounts with name and path, and those of each row."""
    place = {account: number for number, account in enumerate(report.accounts)}
    known = report.described
    about = [(known[each].name, known[each].path) if each in known else () for each in report.accounts]
    return {
        "accounts": [
            [each, *map(on_one_line, more)] for each, more in zip(report.accounts, about, strict=True)
        ],
        "rows": [[place[account] for account in row.accounts] for row in report.rows],
        "causes": [[place.get(account, -1) for account in each.accounts] for each in report.causes],
    }


def _counts(report: FleetReport) -> Iterator[str]:
    """Yield how many accounts, pairs and grants there are."""
    counts = {
        "account": len(report.accounts),
        "pair": report.totals.total(),
        "grant": len(report.fleet.accounts),
    }
    yield from (f"{count:,} {what}{'s' * (count != 1)}" for what, count in counts.items())


def _groups(columns: tuple[ReportColumn, ...]) -> list[tuple[str, int]]:
    """Return the grants with the number of their columns."""
    names = dict.fromkeys(each.grant for each in columns)
    return [(name, sum(each.grant == name for each in columns)) for name in names]


def _units(report: FleetReport) -> list[str]:
    """Return the root and the organizational units of the accounts."""
    return sorted({unit for each in report.described.values() for unit in each.units})


def _account(report: FleetReport, account: str) -> str:
    """Return the id of an account, with its name where it is known."""
    known = report.described.get(account)
    return f"{account} {known.name}" if known and known.name else account


def _cells(row: ReportRow) -> list[tuple[str, str, str]]:
    """Return status, tone and sign of each cell."""
    return [(status, _tone(status), _sign(status)) for status in row.statuses]


def _sign(status: str) -> str:
    """Return the sign of a status; of one that has none, the status."""
    return SIGNS.get(status, status)


def _tone(status: str) -> str:
    return "g" if status in GOOD else "b" if status in BAD else "" if status in ("", NO_RESULT) else "c"


def _source(arn: str) -> str:
    """Return a source in short: its account and its name; a whole account is its id."""
    parts = arn.split(":", 5)
    return f"{parts[4]} {parts[5]}" if len(parts) > 5 else arn
