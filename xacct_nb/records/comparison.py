"""What differs between two records: result, parameters, plan, state and proof."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xacct_nb.changes.plan import Change
from xacct_nb.grants.former_names import rename_former_fields
from xacct_nb.grants.state import Resource
from xacct_nb.iam.canonical import canonical_json
from xacct_nb.records.model import Record
from xacct_nb.views import Diff, Page, Shown, Table, Text, View, as_json

_COURSE = ("notebook", "status", "where", "undoes")
_LONG = 80


@dataclass(frozen=True)
class Difference:
    """A value that differs between two records; None where a record does not have it."""

    part: str
    name: str
    first: object
    second: object

    @property
    def is_short(self) -> bool:
        """Return whether both values fit into the cell of a table."""
        texts = (_text(self.first), _text(self.second))
        return all(len(each) <= _LONG and "\n" not in each for each in texts)


@dataclass(frozen=True, repr=False)
class Comparison(Shown):
    """What differs between two records; `first` is empty where there is no record to compare with."""

    first: str
    second: str
    differences: tuple[Difference, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain data: for each part the names with both values."""
        parts: dict[str, dict[str, Any]] = {part: {} for part in _PARTS}
        for each in self.differences:
            parts[each.part][each.name] = {"first": each.first, "second": each.second}
        return {"first": self.first, "second": self.second, "same": not self.differences, **parts}

    def view(self) -> View:
        """Return the differences part by part: short values in a table, long ones line by line."""
        if not self.first:
            return Text("There is no earlier record to compare with.", "note")
        if not self.differences:
            return Text(f"{self.first} and {self.second} do not differ.", "good")
        heads = Table(("", "record"), (("first", self.first), ("second", self.second)))
        parts = (view for part in _PARTS for view in self._of(part))
        return Page("What differs", (heads, *parts))

    def _of(self, part: str) -> Iterator[View]:
        title, _ = _PARTS[part]
        found = [each for each in self.differences if each.part == part]
        rows = tuple((each.name, _text(each.first), _text(each.second)) for each in found if each.is_short)
        if rows:
            yield Table(("", "first", "second"), rows, caption=title)
        long = tuple(
            Diff(each.name, _text(each.first, as_json), _text(each.second, as_json))
            for each in found
            if not each.is_short
        )
        if long:
            yield Page(title, long)


def compare(first: Record, second: Record) -> Comparison:
    """Return what differs in the second record from the first."""
    found = (each for part in _PARTS for each in _differing(part, first, second))
    return Comparison(first.id, second.id, tuple(found))


def _differing(part: str, first: Record, second: Record) -> Iterator[Difference]:
    _, values_of = _PARTS[part]
    was, now = values_of(first), values_of(second)
    for name in dict.fromkeys((*was, *now)):
        if was.get(name) != now.get(name):
            yield Difference(part, name, was.get(name), now.get(name))


def _changes(record: Record) -> dict[str, Any]:
    changes = record.plan.changes if record.plan else ()
    return {_name(each): each.masked_sides for each in changes}


def _resources(record: Record) -> dict[str, Any]:
    """Return the resources after the run; of a run that changed nothing, those before it."""
    found = record.state.get("after", record.state.get("before", ()))
    return {_name(each): each.value for each in found}


def _results(record: Record) -> dict[str, Any]:
    outcomes = record.proof.outcomes if record.proof else ()
    return {f"{each.probe.asker} {each.who}: {each.probe.question}": each.answer for each in outcomes}


# By the name of a part: its title, and its values by their names.
_PARTS: dict[str, tuple[str, Callable[[Record], Mapping[str, Any]]]] = {
    "course": ("Result", lambda record: {name: getattr(record, name) for name in _COURSE}),
    "parameters": ("Parameters", lambda record: rename_former_fields(record.parameters)),
    "plan": ("Changes planned", _changes),
    "state": ("State", _resources),
    "proof": ("Proof", _results),
}


def _name(resource: Change | Resource) -> str:
    return " ".join(filter(None, (resource.kind, resource.target, resource.name)))


def _text(value: object, to_text: Callable[[object], str] = canonical_json) -> str:
    return "" if value is None else value if isinstance(value, str) else to_text(value)
