"""The repair of a ledger's file: broken lines are set aside in a file of their own, in one step."""

from functools import cache
from pathlib import Path

from xacct_nb.errors import UnknownRecord
from xacct_nb.records.broken_lines import LedgerRepair, plan_repair
from xacct_nb.storage.chain import LEDGER, append_lock, ledger_bytes
from xacct_nb.storage.durable_files import replace_file
from xacct_nb.storage.ledger import sealed_line, unlisted_records


def plan_ledger_repair(records: Path, at: str, by: str) -> LedgerRepair:
    """Return what a repair of the ledger would do at this time (UTC) by this user; change nothing.

    Raises UnknownRecord where the ledger cannot be read.
    """
    names = [folder.name for folder in unlisted_records(records)]
    line_of = cache(lambda name, previous: sealed_line(records / name, previous))
    return plan_repair(ledger_bytes(records), names, line_of, at, by)


def repair_ledger(records: Path, at: str, by: str) -> LedgerRepair:
    """Set the broken lines aside, and return what was done. A process that is killed has done all or nothing.

    Raises UnknownRecord where the ledger cannot be read or written.
    """
    try:
        with append_lock(records):
            repair = plan_ledger_repair(records, at, by)
            if repair.entry.lines:
                replace_file(records / repair.entry.file, repair.broken, synced=True)
            if not repair.changes_nothing:
                replace_file(records / LEDGER, repair.ledger, synced=True)
    except OSError as problem:
        raise UnknownRecord(
            f"The ledger {str(records / LEDGER)!r} cannot be written.",
            why=f"{problem.strerror}.",
            hint="Correct the folder, and repair it again.",
        ) from problem
    return repair
