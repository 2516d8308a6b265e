"""The report of a fleet's record: every pair of source and account, and what is not as it should be."""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import groupby
from types import SimpleNamespace
from typing import Any

from xacct_nb.fleets.organization import Account
from xacct_nb.fleets.plan import NOT_ACCEPTED
from xacct_nb.fleets.result import BAD, GOOD, MEANINGS, FleetResult, SliceResult
from xacct_nb.grants.documents import DESTINATION
from xacct_nb.grants.target import ACCOUNT
from xacct_nb.records.fields import RecordedFleet, RecordFields

NO_RESULT = "no-result"
"""The status of a pair with which the run had nothing to do, such as a rollback with what was not changed."""
# Characters at which a spreadsheet takes a cell of a CSV file for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ORDER = (*BAD, NOT_ACCEPTED, "stale-plan", "drifted")


@dataclass(frozen=True)
class ReportColumn:
    """One source of one grant: a column of the matrix."""

    grant: str
    source: str


@dataclass(frozen=True)
class ReportRow:
    """Accounts that have the same status in each column; "" stands where a grant is not in the accounts."""

    statuses: tuple[str, ...]
    accounts: tuple[str, ...]


@dataclass(frozen=True)
class ReportCause:
    """Results that are not as they should be, for one reason, and their accounts.

    In the texts {account} stands for the id of each account, where there are several. `sources` are those
    that have the status; all sources of the grant where it is empty.
    """

    grant: str
    side: str
    status: str
    texts: tuple[str, ...]
    sources: tuple[str, ...]
    accounts: tuple[str, ...]


@dataclass(frozen=True)
class FleetPair:
    """One source and one role of a grant, and what became of them."""

    grant: str
    source: str
    account: str
    account_name: str
    path: str
    role: str
    status: str
    why: str


class FleetReport:
    """What the record of a fleet says of each pair of source and account."""

    def __init__(self, fleet: RecordedFleet, result: FleetResult) -> None:
        self.fleet, self.result = fleet, result
        self.described: Mapping[str, Account] = fleet.described
        self._grants: list[Mapping[str, Any]] = list(fleet.declared["grants"])
        self._results = {each.key: each for each in result.results}

    @cached_property
    def columns(self) -> tuple[ReportColumn, ...]:
        """Return the columns of the matrix: the sources of each grant."""
        return tuple(
            ReportColumn(each["name"], source) for each in self._grants for source in each["sources"]
        )

    @cached_property
    def accounts(self) -> tuple[str, ...]:
        """Return the destination accounts, each once."""
        return tuple(dict.fromkeys(account for each in self.fleet.accounts.values() for account in each))

    @cached_property
    def rows(self) -> tuple[ReportRow, ...]:
        """Return the rows of the matrix: equal ones as one, what is not as it should be first."""
        members = {name: frozenset(accounts) for name, accounts in self.fleet.accounts.items()}
        found = dict[tuple[str, ...], list[str]]()
        for account in self.accounts:
            statuses = (
                self._status(each, account) if account in members.get(each.grant, ()) else ""
                for each in self.columns
            )
            found.setdefault(tuple(statuses), []).append(account)
        ordered = sorted(found.items(), key=lambda item: (min(map(_rank, item[0])), len(item[1])))
        return tuple(ReportRow(statuses, tuple(accounts)) for statuses, accounts in ordered)

    @cached_property
    def causes(self) -> tuple[ReportCause, ...]:
        """Return what is not as it should be, with equal reasons together, the worst first."""
        found = dict[tuple[Any, ...], list[SliceResult]]()
        for each in self.result.missing:
            texts = tuple(text.replace(each.account, ACCOUNT) for text in _texts(each))
            about = (each.grant, each.side, each.status, texts, _sources(each))
            found.setdefault(about, []).append(each)
        ordered = sorted(found.items(), key=lambda item: (_rank(item[0][2]), -len(item[1]), item[0]))
        return tuple(_cause(about, members) for about, members in ordered)

    @cached_property
    def totals(self) -> Counter[str]:
        """Return the number of pairs by status, the worst first."""
        counts = Counter[str]()
        for row in self.rows:
            for status in filter(None, row.statuses):
                counts[status] += len(row.accounts)
        return Counter({status: counts[status] for status in sorted(counts, key=_rank)})

    def pairs(self) -> Iterator[FleetPair]:
        """Yield every pair of source and role, grant by grant."""
        for grant in self._grants:
            name, role = grant["name"], f"arn:{grant['partition']}:iam::{ACCOUNT}:role/{grant['role']}"
            for account in self.fleet.accounts.get(name, ()):
                known, here = self.described.get(account, Account(account)), role.replace(ACCOUNT, account)
                result = self._results.get((name, DESTINATION, account))
                for source in grant["sources"]:
                    status = result.status_of(source) if result else NO_RESULT
                    why = " ".join(_texts(result)) if result and status not in GOOD else ""
                    yield FleetPair(name, source, account, known.name, known.path, here, status, why)

    def _status(self, column: ReportColumn, account: str) -> str:
        result = self._results.get((column.grant, DESTINATION, account))
        return result.status_of(column.source) if result else NO_RESULT


def report_of(record: RecordFields) -> FleetReport | None:
    """Return the report of a fleet's record, None where it is of no fleet, or came to no result."""
    fleet = record.fleet
    return FleetReport(fleet, fleet.result) if fleet and fleet.result else None


def meaning_of(status: str) -> str:
    """Return what a status means."""
    return "this run had nothing to do here" if status == NO_RESULT else MEANINGS.get(status, "")


def pairs_csv(pairs: Iterable[FleetPair]) -> str:
    """Return the pairs as CSV with a line of headers; no cell is a formula to a spreadsheet."""
    lines = list[str]()
    writer = csv.writer(SimpleNamespace(write=lines.append), lineterminator="\n")
    writer.writerow(FleetPair.__dataclass_fields__)
    for each in pairs:
        writer.writerow(f"'{text}" if text.startswith(_FORMULA) else text for text in vars(each).values())
    return "".join(lines)


def pairs_json(pairs: Iterable[FleetPair]) -> str:
    """Return the pairs as a JSON list: one role a line, with the status of each source."""
    lines = list[str]()
    for _, same in groupby(pairs, lambda each: (each.grant, each.role)):
        first, *others = same
        about = {
            name: text for name, text in asdict(first).items() if name not in ("source", "status", "why")
        }
        sources = {each.source: each.status for each in (first, *others)}
        why = next(filter(None, (each.why for each in (first, *others))), "")
        lines.append(json.dumps({**about, "why": why, "sources": sources}, ensure_ascii=False))
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _cause(about: tuple[Any, ...], members: list[SliceResult]) -> ReportCause:
    grant, side, status, texts, sources = about
    texts = texts if len(members) > 1 else _texts(members[0])
    return ReportCause(grant, side, status, texts, sources, tuple(each.account for each in members))


def _texts(result: SliceResult) -> tuple[str, ...]:
    """Return the cause first, since it is to be mended, then what was seen, who changed it, what to do."""
    changed = (each.sentence for each in result.drift)
    return tuple(filter(None, (result.cause, result.reason, *changed, result.hint)))


def _sources(result: SliceResult) -> tuple[str, ...]:
    return tuple(source for source, status in result.by_source.items() if status not in GOOD)


def _rank(status: str) -> int:
    """Return the place of a status where the worst is first; an account without the grant is last."""
    if status in _ORDER:
        return _ORDER.index(status)
    places = {"": 4, NO_RESULT: 2} | dict.fromkeys(GOOD, 3)
    return len(_ORDER) + places.get(status, 1)
