"""The line of a ledger that says what a repair set aside, and where the chain goes on without it."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from pydantic import ValidationError

from xacct_nb.iam.canonical import canonical_json
from xacct_nb.validation import Serializable

LONGEST_LINE = 100_000  # characters; the lines of this package have some hundred
_FILE = re.compile(r"ledger\.broken-[0-9a-f]{12}\.jsonl")


@dataclass(frozen=True)
class BrokenLine(Serializable):
    """A line that was set aside: its number and reason, and the SHA-256 of its bytes.

    `after` is the hash of the whole line before it, `link` the `previous` of the whole line after it, ""
    where there is none: there the chain goes on without it.
    """

    line: int
    why: str
    sha256: str
    after: str
    link: str


@dataclass(frozen=True)
class RepairEntry(Serializable):
    """A repair: when (UTC), by whom, the file with the broken lines and its SHA-256, and the records listed.

    `restored` are records whose line was put back byte for byte, `again` records that have a new line.
    """

    at: str
    by: str
    file: str
    sha256: str
    lines: tuple[BrokenLine, ...]
    restored: tuple[str, ...] = ()
    again: tuple[str, ...] = ()

    def to_line(self, previous: str) -> str:
        """Return the line of the ledger, with the hash of the line before."""
        return canonical_json({"previous": previous, "repair": self.to_json()})

    @property
    def gaps(self) -> set[tuple[str, str]]:
        """The hash of the line before a gap, and the `previous` of the line after it."""
        return {(each.after, each.link) for each in self.lines if each.link}

    def __str__(self) -> str:
        """Return what was done, on one line."""
        lines = ", ".join(f"line {each.line} {each.why}" for each in self.lines)
        listed = [f"restored: {', '.join(self.restored)}"] * bool(self.restored)
        listed += [f"listed again: {', '.join(self.again)}"] * bool(self.again)
        parts = [f"A repair at {self.at} by {self.by} set aside: {lines} (see {self.file})", *listed]
        return f"{'; '.join(parts)}."


def parse_repair(line: str) -> tuple[RepairEntry, str] | None:
    """Return a repair's entry and its `previous`, None where the line is not one."""
    fields = parse_json(line)
    if not isinstance(fields, dict) or set(fields) != {"previous", "repair"} or '"repair"' not in line:
        return None
    try:
        entry = RepairEntry.from_json(fields["repair"])
    except ValidationError:
        return None
    plain = isinstance(fields["previous"], str) and _FILE.fullmatch(entry.file) and entry.lines
    return (entry, fields["previous"]) if plain and entry.to_line(fields["previous"]) == line else None


def parse_json(text: str) -> Any:
    """Return a line's JSON, None where it is too long, or is not JSON as this package writes it."""
    if len(text) > LONGEST_LINE:
        return None
    try:
        return strict_json(text)
    except ValueError:
        return None


def strict_json(text: str | bytes) -> Any:
    """Return JSON; refuse NaN, fields that are given twice, and too many levels. Raises ValueError."""
    try:
        return json.loads(text, parse_constant=_refuse, object_pairs_hook=_fields)
    except RecursionError as problem:
        raise ValueError("It has too many levels.") from problem


def repairs_in(lines: Iterable[str]) -> Iterator[tuple[int, RepairEntry]]:
    """Yield the repairs of a ledger, each with the number of its line."""
    for number, line in enumerate(lines, start=1):
        if '"repair"' in line and (found := parse_repair(line)):
            yield number, found[0]


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"It has the number {constant}.")


def _fields(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("It has a field twice.")
    return fields
