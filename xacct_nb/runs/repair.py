"""The repair of a records folder: killed runs are closed, and broken lines of the ledger are set aside."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xacct_nb.aws.clock import utc
from xacct_nb.records.broken_lines import LedgerRepair
from xacct_nb.runs.environment import user_name
from xacct_nb.runs.recovery import check_nodes, recover, unclosed
from xacct_nb.storage.chain import complete_append
from xacct_nb.storage.repair import plan_ledger_repair, repair_ledger
from xacct_nb.views import Page, Shown, Text, View

_NEXT = "Nothing was changed. To do this: xacct-nb records repair --yes"


@dataclass(frozen=True, repr=False)
class RecordsRepair(Shown):
    """What a repair does, or has done if `done`: one line for each killed run, and the ledger's repair."""

    runs: tuple[str, ...]
    ledger: LedgerRepair
    done: bool

    @property
    def changes_nothing(self) -> bool:
        """Whether there is nothing to repair."""
        return not self.runs and self.ledger.changes_nothing

    def view(self) -> View:
        """Return the runs and the ledger."""
        if self.changes_nothing:
            return Text("Nothing to repair: every line is whole, and no killed run is left.", "good")
        runs = tuple(map(Text, self.runs))
        last = Text("Repaired. Check it: xacct-nb records verify" if self.done else _NEXT, "note")
        return Page("Repair of the records folder", (*runs, self.ledger.view(), last))

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        entry = self.ledger.entry.to_json() if self.ledger.entry.lines else None
        return {"done": self.done, "runs": list(self.runs), "ledger": entry}


def plan_repair_of(records: Path) -> RecordsRepair:
    """Return what a repair of the folder would do; change nothing.

    Raises InvalidParameters, UnknownRecord.
    """
    check_nodes(records)
    return RecordsRepair(unclosed(records).notes, plan_ledger_repair(records, utc(), user_name()), False)


def repair_records(records: Path) -> RecordsRepair:
    """Close killed runs, set broken lines aside, and return what was done.

    Raises InvalidParameters where something other than a file is where the ledger should be, UnknownRecord
    where the ledger cannot be read or written.
    """
    check_nodes(records)
    completed = complete_append(records)
    ledger = plan_ledger_repair(records, utc(), user_name())
    if not ledger.changes_nothing:
        ledger = repair_ledger(records, utc(), user_name())
    recovery = recover(records)  # it appends, so the ledger is whole before
    recovery.completed = completed or recovery.completed
    return RecordsRepair(tuple(str(recovery).splitlines()), ledger, True)
