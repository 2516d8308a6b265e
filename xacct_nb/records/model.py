"""A record: one run, from its evidence to a value that shows itself as a change record."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from xacct_nb.changes.journal import journal_fields
from xacct_nb.records.change_record import change_record
from xacct_nb.records.fields import RecordFields
from xacct_nb.views import Shown, View


@dataclass(frozen=True, repr=False)
class Record(RecordFields, Shown):
    """One run: its status, who, where, when, and everything it saw and did, as plain data."""

    def to_json(self) -> dict[str, Any]:
        """The content of record.json."""
        return {"schema": self.schema} | {
            key: value for key, value in asdict(self).items() if key != "schema"
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Record":
        """The Record that `to_json` was made from."""
        lists = {key: tuple(fields[key]) for key in ("who", "findings", "cells")}
        return cls(**{**fields, **lists})

    def view(self) -> View:
        """The record as a change record, in the order in which a reviewer asks."""
        return change_record(self)


def fields_from_events(events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The evidence of a run, event by event, as fields of its Record.

    An event is {"kind": ..., "value": ...}; the last of a kind counts, entries of the journal add up.
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
    state = {side: found[side] for side in ("before", "after") if side in found}
    return kept | {
        "journal": journal_fields(found.get("journal"), entries),
        "who": tuple(found.get("sessions", ())),
        "state": state,
        "findings": tuple(found.get("findings", ())),
    }
