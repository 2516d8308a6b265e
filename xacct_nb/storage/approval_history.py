"""What the ledger says of one plan: who made it and when, and which runs changed AWS with its approval."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xacct_nb.changes.approval import PlannedRun, UsedApproval
from xacct_nb.errors import UnknownRecord
from xacct_nb.records.model import Record
from xacct_nb.storage.ledger import broken_record, read_ledger, read_record

# Runs that ended so changed nothing, and made no plan that could be approved.
_NEITHER = ("no-change", "stale-plan", "invalid-parameters")


def plan_history(records: Path, digest: str, where: str) -> Iterator[PlannedRun | UsedApproval]:
    """The plans of this digest and their uses, the newest first, in the sandbox or on AWS as `where` says.

    A plan whose record is not as it was sealed does not count; what may have been a use does, also where its
    record cannot be read. Raises UnknownRecord where the ledger itself cannot be read.
    """
    for line in reversed(read_ledger(records)):
        if line["digest"] == digest and line["status"] not in _NEITHER:
            event = _event(records, line)
            if event and (event[0] is None or _place(event[0].where) == _place(where)):
                yield event[1]


def _event(records: Path, line: Mapping[str, Any]) -> tuple[Record | None, PlannedRun | UsedApproval] | None:
    record = _whole(records, line["id"])
    if line["status"] == "planned":
        return (record, _planned(record)) if record else None
    if record is None:
        return None, UsedApproval(line["id"], "", line["started"])
    return (record, UsedApproval(record.id, record.host["user"], record.ended)) if _changed(record) else None


def _whole(records: Path, run: str) -> Record | None:
    """The record, None where it cannot be read or was changed since."""
    try:
        return None if broken_record(records, run) else read_record(records, run)
    except UnknownRecord:
        return None


def _planned(record: Record) -> PlannedRun:
    asked = record.parameters.get("two_people") is True
    return PlannedRun(record.id, record.host.get("user", ""), record.started, asked, record.plan or {})


def _changed(record: Record) -> bool:
    """Whether the run began to change AWS with an approval, also where it was taken back at once."""
    journal = record.journal or {}
    return bool(record.approval) and bool(journal.get("changes") or journal.get("entries"))


def _place(where: str) -> str:
    """`sandbox` or `AWS`: a sandbox has another endpoint each time."""
    return where.partition(" ")[0]
