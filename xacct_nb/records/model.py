"""A record: one run, from its evidence to a value that shows itself as a change record."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic.dataclasses import dataclass

from xacct_nb.changes.journal import Entry, Journal, collapse_entries
from xacct_nb.records.change_record import change_record
from xacct_nb.records.fields import RecordFields
from xacct_nb.views import Shown, View

_SINGLE = (
    "plan", "card", "approval", "proof", "diagnosis", "parameters", "where", "undoes", "clock_offset",
    "retries", "handoff", "fleet", "review", "narrowing",
)  # fmt: skip


@dataclass(frozen=True, repr=False, config={"defer_build": True})
class Record(RecordFields, Shown):
    """One run: its status, who, where, when, and everything it read and did."""

    def to_json(self) -> dict[str, Any]:
        """Return the content of record.json."""
        return {"schema": self.schema, **super().to_json()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Record":
        """Return the Record in the content of record.json. Raises ValueError, TypeError."""
        return cls(**content)

    def view(self) -> View:
        """Return the record as a change record, in the order in which a reviewer needs it."""
        return change_record(self)


def fields_from_events(events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the evidence of a run, event by event, as fields of its Record.

    An event is {"kind": ..., "value": ...}. The last event of a kind counts; journal entries add up.
    """
    found: dict[str, Any] = {}
    entries: list[Entry] = []
    for event in events:
        found[event["kind"]] = event["value"]
        entries += [Entry(**event["value"])] if event["kind"] == "entry" else []
    # A run that was interrupted left entries, and no journal.
    calls = Journal("", entries=collapse_entries(entries)).to_json() if entries else None
    return {name: found[name] for name in _SINGLE if name in found} | {
        "journal": found.get("journal") or calls,
        "who": tuple(found.get("sessions", ())),
        "state": {side: found[side] for side in ("before", "after") if side in found},
        "findings": tuple(found.get("findings", ())),
    }
