"""What differs between two records: result, parameters, plan, state and proof."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xacct_nb.changes.plan import Plan
from xacct_nb.changes.proof import Proof
from xacct_nb.grants.former_names import rename_former_fields
from xacct_nb.grants.state import Resource
from xacct_nb.iam.canonical import canonical_json
from xacct_nb.records.model import Record
from xacct_nb.views import Diff, Page, Shown, Table, Text, View, as_json

_PARTS = ("course", "parameters", "plan", "state", "proof")
_TITLES = {
    "course": "Result",
    "parameters": "Parameters",
    "plan": "Changes planned",
    "state": "State",
    "proof": "Proof",
}
_COURSE = ("notebook", "status", "where", "undoes")
_LONG = 80


@dataclass(frozen=True)
class Difference:
    """A value that differs between two records; None where a record does not have it."""

    part: str
    name: str
    first: object
    second: object

    def view(self) -> View:
        """Return both values line by line."""
        return Diff(self.name, _text(self.first, as_json), _text(self.second, as_json))

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
        """Return the differences part by part: short values in a table, long ones line by line."""
        if not self.first:
            return Text("There is no earlier record to compare with.", "note")
        if not self.differences:
            return Text(f"{self.first} and {self.second} do not differ.", "good")
        heads = Table(("", "record"), (("first", self.first), ("second", self.second)))
        parts = (view for part in _PARTS for view in self._of(part))
        return Page("What differs", (heads, *parts))

    def _of(self, part: str) -> Iterator[View]:
        found = [each for each in self.differences if each.part == part]
        rows = tuple((each.name, _text(each.first), _text(each.second)) for each in found if each.is_short)
        if rows:
            yield Table(("", "first", "second"), rows, caption=_TITLES[part])
        long = [each.view() for each in found if not each.is_short]
        if long:
            yield Page(_TITLES[part], tuple(long))


def compare(first: Record, second: Record) -> Comparison:
    """Return what differs in the second record from the first."""
    sides: dict[str, list[Mapping[str, Any]]] = {
        "course": [{name: getattr(each, name) for name in _COURSE} for each in (first, second)],
        "parameters": [rename_former_fields(each.parameters) for each in (first, second)],
        "plan": [_changes(each.plan) for each in (first, second)],
        "state": [_resources(each.state) for each in (first, second)],
        "proof": [_results(each.proof) for each in (first, second)],
    }
    found = (each for part in _PARTS for each in _differing(part, sides[part][0], sides[part][1]))
    return Comparison(first.id, second.id, tuple(found))


def _differing(part: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Difference]:
    for name in dict.fromkeys((*first, *second)):
        if first.get(name) != second.get(name):
            yield Difference(part, name, first.get(name), second.get(name))


def _changes(plan: Plan | None) -> dict[str, Any]:
    """Return the changes of a plan by resource."""
    changes = (each.to_json() for each in (plan.changes if plan else ()))
    return {
        _name(each["kind"], each["target"], each["name"]): {side: each[side] for side in ("before", "after")}
        for each in changes
    }


def _resources(state: Mapping[str, tuple[Resource, ...]]) -> dict[str, Any]:
    """Return the resources that the run left; of a run that changed nothing those it found."""
    found = state.get("after", state.get("before", ()))
    return {_name(each.kind, each.target, each.name): each.value for each in found}


def _results(proof: Proof | None) -> dict[str, Any]:
    """Return the results of the probes by caller and question."""
    return {
        f"{each.probe.asker} {each.who}: {each.probe.question}": each.answer
        for each in (proof.outcomes if proof else ())
    }


def _name(*parts: str) -> str:
    return " ".join(filter(None, parts))


def _text(value: object, to_text: Callable[[object], str] = canonical_json) -> str:
    return "" if value is None else value if isinstance(value, str) else to_text(value)
