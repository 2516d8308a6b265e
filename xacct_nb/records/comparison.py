"""What differs between two records: how they ended, parameters, plan, state and proof."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xacct_nb.grants.former_names import rename_former_fields
from xacct_nb.iam.canonical import canonical_json
from xacct_nb.records.model import Record
from xacct_nb.views import Diff, Page, Shown, Table, Text, View, as_json

_PARTS = ("course", "parameters", "plan", "state", "proof")
_TITLES = {
    "course": "How they went",
    "parameters": "Parameters",
    "plan": "Changes planned",
    "state": "State",
    "proof": "Proof",
}
_COURSE = ("notebook", "status", "where", "undoes")
_LONG = 80


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same in both records; None where a record does not have it."""

    part: str
    name: str
    first: Any
    second: Any

    def view(self) -> View:
        """Both values line by line."""
        return Diff(self.name, *(_lines(value) for value in (self.first, self.second)))

    @property
    def is_short(self) -> bool:
        """Whether both values have room in the cell of a table."""
        words = (_word(self.first), _word(self.second))
        return all(len(each) <= _LONG and "\n" not in each for each in words)


@dataclass(frozen=True, repr=False)
class Comparison(Shown):
    """Two records beside each other, and what is not the same in them; without a first one nothing."""

    first: str
    second: str
    differences: tuple[Difference, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data: for each part the names with both values."""
        parts = {
            part: {
                each.name: {"first": each.first, "second": each.second}
                for each in self.differences
                if each.part == part
            }
            for part in _PARTS
        }
        return {"first": self.first, "second": self.second, "same": not self.differences, **parts}

    def view(self) -> View:
        """Part by part, the short ones in a table, the long ones line by line."""
        if not self.first:
            return Text("There is no record before it to compare with.", "note")
        if not self.differences:
            return Text(f"{self.first} and {self.second} do not differ.", "good")
        heads = Table(("", "record"), (("first", self.first), ("second", self.second)))
        parts = (view for part in _PARTS for view in self._of(part))
        return Page("What differs", (heads, *parts))

    def _of(self, part: str) -> Iterator[View]:
        found = [each for each in self.differences if each.part == part]
        rows = tuple((each.name, _word(each.first), _word(each.second)) for each in found if each.is_short)
        if rows:
            yield Table(("", "first", "second"), rows, caption=_TITLES[part])
        long = [each.view() for each in found if not each.is_short]
        if long:
            yield Page(_TITLES[part], tuple(long))


def compare(first: Record, second: Record) -> Comparison:
    """What is not the same in the second record as in the first."""
    sides: dict[str, list[Mapping[str, Any]]] = {
        "course": [{name: getattr(each, name) for name in _COURSE} for each in (first, second)],
        "parameters": [rename_former_fields(each.parameters) for each in (first, second)],
        "plan": [_changes(each.plan) for each in (first, second)],
        "state": [_things(each.state) for each in (first, second)],
        "proof": [_answers(each.proof) for each in (first, second)],
    }
    found = (each for part in _PARTS for each in _differing(part, sides[part][0], sides[part][1]))
    return Comparison(first.id, second.id, tuple(found))


def _differing(part: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Difference]:
    for name in dict.fromkeys((*first, *second)):
        if first.get(name) != second.get(name):
            yield Difference(part, name, first.get(name), second.get(name))


def _changes(plan: Mapping[str, Any] | None) -> dict[str, Any]:
    """The changes of a plan by what they change."""
    return {
        _named(each): {side: each[side] for side in ("before", "after")}
        for each in (plan["changes"] if plan else ())
    }


def _things(state: Mapping[str, Any]) -> dict[str, Any]:
    """The things that were there when the run ended, or when it began where it changed nothing."""
    things: Iterable[Mapping[str, Any]] = state.get("after", state.get("before", ()))
    return {_named(each): each["value"] for each in things}


def _answers(proof: Mapping[str, Any] | None) -> dict[str, Any]:
    """AWS's answers by who asked what."""
    return {
        f"{each['probe']['asker']} {each['who']}: {each['probe']['question']}": each["answer"]
        for each in (proof["outcomes"] if proof else ())
    }


def _named(thing: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (thing["kind"], thing["target"], thing["name"])))


def _word(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else canonical_json(value)


def _lines(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else as_json(value)
