"""One run, sealed: what is in a record, how it is sealed, and how tampering shows."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from xacct_nb.journals import noted
from xacct_nb.meanings import canonical_json
from xacct_nb.views import Shown, Table, View

SCHEMA = "xacct-nb/record/1"
SUMS, RECORD, NOTEBOOK, PAGE = "SHA256SUMS", "record.json", "run.ipynb", "run.html"
GOOD = ("succeeded", "no-change", "planned")
START = "0" * 64
_LINE = ("id", "status", "notebook", "started", "grant", "digest", "summary", "seal", "previous")


@dataclass(frozen=True, repr=False)
class Record(Shown):
    """One run: its status, who, where, when, and everything it saw and did, as plain data."""

    id: str
    notebook: str
    status: str
    started: str
    ended: str
    seconds: float
    host: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""
    who: tuple[Mapping[str, Any], ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Mapping[str, Any], ...] = ()
    plan: Mapping[str, Any] | None = None
    approval: Mapping[str, Any] | None = None
    journal: Mapping[str, Any] | None = None
    proof: Mapping[str, Any] | None = None
    diagnosis: Mapping[str, Any] | None = None
    state: Mapping[str, Any] = field(default_factory=dict)
    undoes: str = ""
    error: Mapping[str, Any] | None = None
    cells: tuple[Mapping[str, Any], ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    git: Mapping[str, Any] | None = None
    schema: str = SCHEMA

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

    @property
    def summary(self) -> str:
        """The plan's last line, or what the run was about."""
        return str(
            self.plan["summary"] if self.plan else self.diagnosis["headline"] if self.diagnosis else ""
        )

    @property
    def left_changes(self) -> bool:
        """Whether it made changes, or may have, that it did not take back itself."""
        journal = self.journal or {}
        return self.status != "rolled-back" and bool(journal.get("changes") or journal.get("entries"))

    def view(self) -> View:
        """The record as a change record, in the order in which a reviewer asks."""
        from xacct_nb.change_records import change_record

        return change_record(self)

    @property
    def explanation(self) -> list[View]:
        """The diagnosis, where the run made one."""
        if self.diagnosis is None:
            return []
        from xacct_nb.diagnosis import Diagnosis

        return [Diagnosis.from_json(self.diagnosis).view()]


def fold(events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
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
        "journal": noted(found.get("journal"), entries),
        "who": tuple(found.get("sessions", ())),
        "state": state,
        "findings": tuple(found.get("findings", ())),
    }


def seal(files: Mapping[str, bytes]) -> str:
    """The content of SHA256SUMS, as `sha256sum -c` reads it."""
    return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))


def broken_seals(sums: str, files: Mapping[str, bytes]) -> list[str]:
    """What does not fit the sums: files changed, missing or added. Each as `NAME: what`."""
    lines = (line.partition("  ") for line in sums.splitlines())
    named = {name: digest for digest, _, name in lines if name}
    changed = [
        f"{name}: was changed"
        for name, digest in sorted(named.items())
        if name in files and hashlib.sha256(files[name]).hexdigest() != digest
    ]
    missing = [f"{name}: is missing" for name in sorted(set(named) - set(files))]
    added = [f"{name}: was added" for name in sorted(set(files) - set(named))]
    return [*changed, *missing, *added]


def ledger_line(record: Record, sums: str, previous: str) -> str:
    """The record's line in the ledger: what it was, the hash of its sums, the hash of the line before."""
    return canonical_json(
        {
            "id": record.id,
            "status": record.status,
            "notebook": record.notebook,
            "started": record.started,
            "grant": record.parameters.get("name", ""),
            "digest": (record.plan or {}).get("digest", ""),
            "summary": record.summary,
            "seal": _sha(sums),
            "previous": previous,
        }
    )


def line_hash(line: str) -> str:
    """The hash of a ledger line that the next line carries."""
    return _sha(line)


def ledger_fields(line: str) -> dict[str, Any] | None:
    """A line of the ledger as data, None where it is not one."""
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    texts = isinstance(fields, dict) and all(isinstance(fields.get(name), str) for name in _LINE)
    return fields if texts and is_name(fields["id"]) else None


def is_name(words: str) -> bool:
    """Whether this names something in a folder, and leads nowhere else."""
    return words not in ("", ".", "..") and not set(words) & {"/", "\\", "\0"}


def broken_links(lines: Iterable[str]) -> list[str]:
    """The ledger lines that are not as and where they were written, each as `line N (ID): what`."""
    found, previous, every = [], START, list(lines)
    places = {line_hash(line): f"after line {number}" for number, line in enumerate(every, start=1)}
    for number, line in enumerate(every, start=1):
        fields = ledger_fields(line)
        if fields is None:
            found.append(f"line {number}: is not a ledger line")
        elif canonical_json(fields) != line:
            found.append(f"line {number} ({fields['id']}): was changed")
        elif (link := fields["previous"]) != previous:
            place = places.get(link, "as the first" if link == START else "")
            said = f"was moved, it was written {place}" if place else "does not follow from the line before"
            found.append(f"line {number} ({fields['id']}): {said}")
        previous = line_hash(line)
    return found


def ledger_table(lines: Iterable[Mapping[str, Any]]) -> Table:
    """The ledger as a table."""
    rows = tuple(
        (line["started"], line["status"], line["notebook"], line["grant"], line["summary"], line["id"])
        for line in lines
    )
    return Table(
        ("started", "status", "notebook", "grant", "plan", "record"),
        rows,
        tones=tuple("good" if row[1] in GOOD else "bad" for row in rows),
    )


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def sums_hash(sums: str) -> str:
    """The hash of a SHA256SUMS file that the ledger holds as `seal`."""
    return _sha(sums)
