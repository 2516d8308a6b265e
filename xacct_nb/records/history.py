"""The history of a ledger: a query, the lines that match it, their timeline, and the verification."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xacct_nb.errors import InvalidParameters
from xacct_nb.records.fields import status_tone
from xacct_nb.views import Page, Shown, Table, Text, View

LedgerLine = Mapping[str, Any]
_TIME = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d(:\d\d(:\d\dZ?)?)?)?)?)?")
_DAYS, _WIDEST = 31, 40


@dataclass(frozen=True)
class LedgerQuery:
    """Which records to list; an empty field matches all.

    `since` and `until` are times in UTC or their beginnings, such as 2026-11 or 2026-11-24T10:15, both
    inclusive; `limit` is how many of the newest (0: all). Raises InvalidParameters.
    """

    status: str = ""
    grant: str = ""
    notebook: str = ""
    since: str = ""
    until: str = ""
    limit: int = 0

    def __post_init__(self) -> None:
        for name in ("since", "until"):
            given = getattr(self, name)
            if given and not _TIME.fullmatch(given):
                raise InvalidParameters(
                    f"{name}: {given!r} is not a time.",
                    why="A time reads 2026-11-24T10:15:00Z, or is the beginning of one.",
                    hint="Write it like 2026-11-24.",
                )

    def select(self, lines: Iterable[LedgerLine]) -> list[LedgerLine]:
        """Return the lines that match, in their order."""
        found = [line for line in lines if self._matches(line)]
        return found[-self.limit :] if self.limit else found

    def _matches(self, line: LedgerLine) -> bool:
        same = all(getattr(self, name) in ("", line[name]) for name in ("status", "grant", "notebook"))
        started = line["started"]
        return same and self.since <= started and started[: len(self.until)] <= self.until


@dataclass(frozen=True, repr=False)
class History(Shown):
    """Lines of a ledger, the newest last; `of` is how many lines the ledger has, `notes` are shown below."""

    lines: Sequence[LedgerLine]
    of: int = 0
    notes: tuple[str, ...] = ()

    def view(self) -> View:
        """Return the lines as a table, and the notes."""
        table = self._table()
        return Page("Records", (table, Text("\n".join(self.notes), "bad"))) if self.notes else table

    def _table(self) -> View:
        if not self.lines:
            none = f"None of {self.of} records matches." if self.of else "Nothing was recorded yet."
            return Text(none, "note")
        names = ("id", "status", "where", "by", "summary")
        rows = tuple(tuple(line.get(name) or "-" for name in names) for line in self.lines)
        tones = tuple(status_tone(line["status"]) for line in self.lines)
        return Table(("record", "status", "where", "who", "plan"), rows, tones=tones, unbroken=(0,))

    @property
    def timeline(self) -> "Timeline":
        """Return the same lines by day."""
        return Timeline(self.lines)


@dataclass(frozen=True, repr=False)
class Timeline(Shown):
    """How many runs there were on each day, and how they ended; by month where there are many days."""

    lines: Sequence[LedgerLine]

    def view(self) -> View:
        """Return one row a day: a bar for the number of runs, and how they ended."""
        if not self.lines:
            return Text("Nothing to show.", "note")
        days = {line["started"][:10] for line in self.lines}
        length = 10 if len(days) <= _DAYS else 7
        when: dict[str, Counter[str]] = {}
        for line in self.lines:
            when.setdefault(line["started"][:length], Counter())[line["status"]] += 1
        most = max(each.total() for each in when.values())
        rows = tuple((day, _bar(when[day].total(), most), _ends(when[day])) for day in sorted(when))
        tones = tuple(_worst(when[day]) for day in sorted(when))
        return Table(("day" if length == 10 else "month", "runs", "ended"), rows, tones=tones)


def _bar(count: int, most: int) -> str:
    return f"{'■' * max(1, round(count * min(most, _WIDEST) / most))} {count}"


def _worst(ends: Iterable[str]) -> str:
    tones = set(map(status_tone, ends))
    return next(tone for tone in ("bad", "change", "good") if tone in tones)


def _ends(ends: Counter[str]) -> str:
    return ", ".join(f"{count} {status}" for status, count in sorted(ends.items()))


@dataclass(frozen=True, repr=False)
class Verification(Shown):
    """What was tampered with in a ledger and its records, the hash of the last line, and who signed it.

    `notes` are the repairs of the ledger, and the runs that are not closed yet.
    """

    count: int
    last: str
    broken: tuple[str, ...] = ()
    signed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def view(self) -> View:
        """Return what was tampered with, or that nothing was, and the notes."""
        if self.broken:
            return Text("\n".join((*self.broken, *self.notes)), "bad")
        whole = f"{self.count} record{'s' * (self.count != 1)}, all whole."
        last = [f"Last line: {self.last}"] if self.last else []
        return Text("\n".join((whole, *last, *self.signed, *self.notes)), "note" if self.notes else "good")

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "whole": not self.broken,
            "broken": list(self.broken),
            "records": self.count,
            "last": self.last,
            "signed": list(self.signed),
            "notes": list(self.notes),
        }
