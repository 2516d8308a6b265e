"""The records whose changes stand: no rollback has undone them."""

from collections.abc import Callable, Iterator
from pathlib import Path

from xacct_nb.records.fields import NOT_PROVEN
from xacct_nb.records.model import Record
from xacct_nb.storage.ledger import LEDGER, read_ledger, read_record

_UNCHANGED, _DONE = ("planned", "no-change"), ("succeeded", NOT_PROVEN)
Read = Callable[[Path, str], Record]


def standing_records(records: Path, grant: str = "", read: Read = read_record) -> Iterator[Record]:
    """Yield the records whose changes no rollback has undone, the newest first; of one grant, or of all."""
    undone: set[str] = set()
    for line in reversed(read_ledger(records) if (records / LEDGER).exists() else []):
        # A rollback names the record that it undoes, and no grant.
        if line["status"] in _UNCHANGED or (grant and line["grant"] not in (grant, "")):
            continue
        record = read(records, line["id"])
        if record.undoes:
            undone |= {record.undoes} if record.status in _DONE else set()
        elif record.left_changes and record.id not in undone:
            yield record


def newest_rollback(records: Path) -> Record | None:
    """Return the rollback that is the newest change in the records; None where another change is, or none."""
    for line in reversed(read_ledger(records) if (records / LEDGER).exists() else []):
        if line["status"] not in _UNCHANGED:
            record = read_record(records, line["id"])
            if record.undoes and record.status in _DONE:
                return record
            if record.left_changes:
                return None
    return None
