"""A record: one run, from its evidence to a value that shows itself as a change record."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from pydantic.dataclasses import dataclass

from xacct_nb.changes.journal import journal_fields
from xacct_nb.records.change_record import change_record
from xacct_nb.records.fields import RecordFields
from xacct_nb.views import Shown, View


@dataclass(frozen=True, repr=False, config={"defer_build": True})
class Record(RecordFields, Shown):
    """One run: its status, who, where, when, and everything it read and did."""

    def to_json(self) -> dict[str, Any]:
        """Return the content of record.json."""
        names = ["schema", *(each.name for each in fields(self) if each.name != "schema")]
        return {name: _plain(getattr(self, name)) for name in names}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Record":
        """Return the Record in the content of record.json. Raises ValueError, TypeError."""
        return cls(**content)

    def view(self) -> View:
        """Return the record as a change record, in the order in which a reviewer asks."""
        return change_record(self)


def fields_from_events(events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the evidence of a run, event by event, as fields of its Record.

    An event is {"kind": ..., "value": ...}. The last event of a kind counts; journal entries add up.
    """
    found: dict[str, Any] = {}
    entries: list[Any] = []
    for event in events:
        found[event["kind"]] = event["value"]
        entries += [event["value"]] if event["kind"] == "entry" else []
    kept = {
        key: found[key]
        for key in ("plan", "approval", "proof", "diagnosis", "parameters", "where", "undoes")
        if key in found
    }
    return kept | {
        "journal": journal_fields(found.get("journal"), entries),
        "who": tuple(found.get("sessions", ())),
        "state": {side: found[side] for side in ("before", "after") if side in found},
        "findings": tuple(found.get("findings", ())),
    }


def _plain(value: Any) -> Any:
    """Return a field as record.json has it; of the record's own values an empty field is left out."""
    if hasattr(value, "to_json"):
        return value.to_json()
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {name: each for name, each in asdict(value).items() if each is not None}
    return value
