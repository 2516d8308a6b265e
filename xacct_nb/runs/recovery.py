"""Runs whose processes were killed: the next command finds them, and closes them as `interrupted`."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xacct_nb.aws.clock import utc
from xacct_nb.errors import XacctError
from xacct_nb.records.fields import NOTEBOOK, SUMS
from xacct_nb.runs.sealing import RunOutcome, seal
from xacct_nb.storage import chain
from xacct_nb.storage.draft import cell_states, read_draft
from xacct_nb.storage.evidence import FILE, events
from xacct_nb.storage.run_folder import abandoned_runs, read_about, remove_run_folder

# An interactive run is recorded only with one of these: AWS was changed, or a proof was made.
_RECORDED_KINDS = ("entry", "journal", "proof")


@dataclass
class Recovery:
    """What was recovered: the record whose append was completed, the runs closed, and the problems."""

    completed: str = ""
    closed: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return one line for each."""
        line = f"{self.completed}: was being sealed when its process was killed; its line is complete now."
        closed = (f"{run}: its process was killed; it is recorded as interrupted now." for run in self.closed)
        return "\n".join([*([line] if self.completed else []), *closed, *self.problems])


def recover(records: Path) -> Recovery:
    """Complete an interrupted append, and close the runs whose processes were killed.

    A user who may only read the folder changes nothing. A run that cannot be recorded is left as it is.
    """
    recovery = Recovery()
    if not os.access(records, os.W_OK):
        return recovery
    recovery.completed = chain.complete_append(records)
    for folder in abandoned_runs(records):
        try:
            recovery.closed += [folder.name] if _close(records, folder) else []
        except (XacctError, OSError, ValueError, KeyError, TypeError) as problem:
            why = str(problem).replace("\n", " ")
            recovery.problems.append(f"{folder.name}: what it left in {folder} cannot be recorded: {why}")
    return recovery


def _close(records: Path, folder: Path) -> bool:
    """Record a killed run, or remove one that needs no record or has one; return whether it was recorded."""
    about, evidence = read_about(folder), list(events(folder))
    is_recorded = about["headless"] or any(event["kind"] in _RECORDED_KINDS for event in evidence)
    if (records / folder.name / SUMS).exists() or not is_recorded:
        remove_run_folder(records, folder.name)
        return False
    notebook = read_draft(folder)
    outcome = _outcome(about, evidence, _last_write(folder), notebook)
    seal(records, folder.name, about["notebook"], evidence, outcome, about.get("around"), executed=notebook)
    return True


def _outcome(
    about: Mapping[str, Any],
    evidence: Iterable[Mapping[str, Any]],
    last: datetime,
    notebook: dict[str, Any] | None,
) -> RunOutcome:
    status = next((event["value"] for event in evidence if event["kind"] == "status"), "")
    reached = f" The notebook had reached its end, with the status {status!r}." if status else ""
    error = {
        "code": "interrupted",
        "what": "The run was killed before its record was sealed.",
        "why": f"Its process last wrote a file at {utc(last)}.{reached} The record was closed at {utc()}.",
        "hint": "Run it again: it plans from the live state. Or roll it back, if it changed AWS.",
    }
    seconds = (last - datetime.fromisoformat(about["started"])).total_seconds()
    cells = cell_states(notebook) if notebook else ()
    started, resume = about["started"], about["again"]
    return RunOutcome("interrupted", started, max(0.0, seconds), error, cells, utc(last), resume)


def _last_write(folder: Path) -> datetime:
    """Return when the run last wrote a file, to the second."""
    written = [path.stat().st_mtime for path in folder.iterdir() if path.name in (FILE, NOTEBOOK)]
    return datetime.fromtimestamp(int(max(written, default=folder.stat().st_mtime)), UTC)
