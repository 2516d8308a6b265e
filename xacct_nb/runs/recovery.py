"""Runs whose processes were killed: found by the next command, and closed as `interrupted`."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xacct_nb.aws.clock import utc
from xacct_nb.errors import XacctError
from xacct_nb.records.fields import NOTEBOOK, PAGE, SUMS
from xacct_nb.runs.environment import describe_environment
from xacct_nb.runs.sealing import RunOutcome, build_record, render_page
from xacct_nb.storage import chain
from xacct_nb.storage.draft import cell_states, read_draft
from xacct_nb.storage.evidence import FILE, events
from xacct_nb.storage.ledger import append_record
from xacct_nb.storage.run_folder import abandoned_runs, read_about, remove_run_folder

# What a person looked at and left is no record; these say that AWS was changed, or asked for a proof.
_COUNTS = ("entry", "journal", "proof")
_STAMP = "%Y-%m-%dT%H:%M:%SZ"


@dataclass
class Recovery:
    """The record that was completed, "" if none was half sealed; runs that were closed, or could not be."""

    mended: str = ""
    closed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """One line each."""
        mended = f"{self.mended}: was being sealed when its process was killed; its line is complete now."
        closed = (f"{run}: its process was killed; it is recorded as interrupted now." for run in self.closed)
        return "\n".join([*([mended] if self.mended else []), *closed, *self.left])


def recover(records: Path) -> Recovery:
    """Completes what was half sealed, and closes the runs that nobody goes on with.

    Who may only read the folder sees it as it is. What a run left and cannot be recorded stays where it is.
    """
    recovered = Recovery()
    if not os.access(records, os.W_OK):
        return recovered
    recovered.mended = chain.complete_append(records)
    for folder in abandoned_runs(records):
        try:
            recovered.closed += [folder.name] if _close(records, folder) else []
        except (XacctError, OSError, ValueError, KeyError, TypeError) as problem:
            why = str(problem).replace("\n", " ")
            recovered.left.append(f"{folder.name}: what it left in {folder} cannot be recorded: {why}")
    return recovered


def _close(records: Path, folder: Path) -> bool:
    """Whether the run was recorded now; one that was, or that only looked at something, is cleared away."""
    known, said = read_about(folder), list(events(folder))
    counts = known["headless"] or any(event["kind"] in _COUNTS for event in said)
    if (records / folder.name / SUMS).exists() or not counts:
        remove_run_folder(records, folder.name)
        return False
    notebook = read_draft(folder)
    ending = _ending(known, said, _last_sign(folder), notebook)
    around = known.get("around") or describe_environment()
    record = build_record(folder.name, known["notebook"], said, ending, around, set())
    append_record(records, record, _files(record, notebook))
    return True


def _ending(
    known: Mapping[str, Any], said: Iterable[Mapping[str, Any]], last: str, notebook: Any
) -> RunOutcome:
    word = next((event["value"] for event in said if event["kind"] == "status"), "")
    came_far = f" The notebook had come to its end, and said {word!r}." if word else ""
    error = {
        "code": "interrupted",
        "what": "The run was killed before its record was sealed.",
        "why": f"Its process ended without a word, last heard of at {last}."
        f"{came_far} The record was closed at {utc()}.",
        "hint": "Run it again: it plans from what is there now. Or roll it back, if it changed something.",
    }
    seconds = (datetime.strptime(last, _STAMP) - datetime.strptime(known["started"], _STAMP)).total_seconds()
    cells = cell_states(notebook) if notebook else ()
    return RunOutcome("interrupted", known["started"], max(0.0, seconds), error, cells, last, known["again"])


def _last_sign(folder: Path) -> str:
    """When the run wrote something last."""
    written = [path.stat().st_mtime for path in folder.iterdir() if path.name in (FILE, NOTEBOOK)]
    return datetime.fromtimestamp(max(written, default=folder.stat().st_mtime), UTC).strftime(_STAMP)


def _files(record: Any, notebook: Any) -> dict[str, bytes]:
    from xacct_nb.jupyter import export

    if notebook is None:
        return {PAGE: render_page(record).encode()}
    node = export.as_notebook(notebook)
    return {NOTEBOOK: export.to_ipynb(node).encode(), PAGE: render_page(record, node).encode()}
