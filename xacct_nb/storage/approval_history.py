"""The ledger's history of one plan: who made it and when, and which runs changed AWS with its approval."""

from collections.abc import Iterator
from pathlib import Path

from xacct_nb.changes.approval import PlannedRun, UsedApproval
from xacct_nb.changes.plan import Plan
from xacct_nb.errors import UnknownRecord
from xacct_nb.records.model import Record
from xacct_nb.storage.ledger import broken_record, read_ledger, read_record

# Runs with these statuses changed nothing and made no plan that could be approved.
_WITHOUT_PLAN = ("no-change", "stale-plan", "invalid-parameters")


def plan_history(records: Path, digest: str, where: str) -> Iterator[PlannedRun | UsedApproval]:
    """Yield the plans with this digest and the uses of their approval, the newest first.

    `where` is the sandbox or AWS. A plan whose record was changed since it was sealed is left out. A
    possible use is yielded even if its record cannot be read. Raises UnknownRecord where the ledger cannot
    be read.
    """
    for line in reversed(read_ledger(records)):
        if line["digest"] != digest or line["status"] in _WITHOUT_PLAN:
            continue
        is_plan, record = line["status"] == "planned", _unchanged(records, line["id"])
        if record is None:
            if not is_plan:
                yield UsedApproval(line["id"], line["started"])
        elif _kind(record.where) != _kind(where):
            continue
        elif is_plan:
            user, two_people = record.host.user, record.parameters.get("two_people") is True
            yield PlannedRun(record.id, user, record.started, two_people, record.plan or Plan("", ()))
        elif record.approval is not None and record.journal is not None and record.journal.began:
            yield UsedApproval(record.id, record.ended)


def _unchanged(records: Path, run: str) -> Record | None:
    """Return the record, None where it cannot be read or was changed since it was sealed."""
    try:
        return None if broken_record(records, run) else read_record(records, run)
    except UnknownRecord:
        return None


def _kind(where: str) -> str:
    """Return `sandbox` or `AWS`: a sandbox has a different endpoint each time."""
    return where.partition(" ")[0]
