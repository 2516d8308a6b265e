"""Runs whose processes were killed: readers report them, and the next writing command closes them."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xacct_nb.aws.clock import utc
from xacct_nb.errors import InvalidParameters, XacctError
from xacct_nb.records.fields import NOTEBOOK, SUMS
from xacct_nb.records.model import Record
from xacct_nb.records.next_steps import is_next_step
from xacct_nb.runs.sealing import RunOutcome, make_record, seal
from xacct_nb.storage import chain
from xacct_nb.storage.draft import cell_states, read_draft
from xacct_nb.storage.evidence import FILE, events
from xacct_nb.storage.plain_files import kind_of
from xacct_nb.storage.run_folder import abandoned_runs, read_about, remove_run_folder, unclosed_runs

# An interactive run is recorded only with one of these: AWS was changed, or a proof was made.
_RECORDED_KINDS = ("entry", "journal", "proof")
# What reading the remains of a run raises where they are incomplete, or were made by others.
_UNREADABLE = (XacctError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
_CLOSES = "The next run into this folder closes it, and so does: xacct-nb records repair --yes"


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


@dataclass(frozen=True)
class Unclosed:
    """What killed processes left: the record that was being sealed, and the records that runs will have."""

    sealing: str = ""
    records: tuple[Record, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """One line for each, with the command that closes it."""
        sealing = f"{self.sealing}: was being sealed when its process was killed. {_CLOSES}"
        runs = (
            f"{each.id}: its process was killed; it is not closed yet. {_CLOSES}" for each in self.records
        )
        strange = (
            f"{each}: its process was killed, and what it left cannot be read." for each in self.unreadable
        )
        return (*([sealing] if self.sealing else []), *runs, *strange)


def unclosed(records: Path) -> Unclosed:
    """Return what killed processes left in the folder, and change nothing there."""
    found, unreadable = list[Record](), list[str]()
    for folder in unclosed_runs(records):
        try:
            if remains := _remains(records, folder, "It is not closed yet."):
                found.append(make_record(folder.name, *remains[:-1]))
        except _UNREADABLE:
            unreadable.append(folder.name)
    sealing = chain.unfinished_append(records)
    left = tuple(each for each in found if each.id != sealing)
    return Unclosed(sealing, left, tuple(unreadable))


def recover(records: Path) -> Recovery:
    """Complete an interrupted append, and close the runs whose processes were killed.

    A user who may only read the folder changes nothing. A run that cannot be recorded is left as it is.
    Raises InvalidParameters where a link or another kind of node stands in for the ledger.
    """
    check_nodes(records)
    recovery = Recovery()
    if not os.access(records, os.W_OK):
        return recovery
    try:
        recovery.completed = chain.complete_append(records)
    except OSError as problem:
        recovery.problems.append(f"{chain.LEDGER}: an append cannot be completed: {problem.strerror}")
    for folder in abandoned_runs(records):
        try:
            recovery.closed += [folder.name] if _close(records, folder) else []
        except _UNREADABLE as problem:
            why = str(problem).replace("\n", " ")
            recovery.problems.append(f"{folder.name}: what it left in {folder} cannot be recorded: {why}")
    return recovery


def check_nodes(records: Path) -> None:
    """Check that the ledger, its lock and the folder of runs are what they should be, and no links.

    Raises InvalidParameters.
    """
    if wrong := chain.wrong_nodes(records):
        raise InvalidParameters(
            f"The records folder {str(records)!r} cannot be written.",
            why=f"{'; '.join(wrong)}.",
            hint="Name another folder with --records. In your own, remove what does not belong there.",
        )


def _close(records: Path, folder: Path) -> bool:
    """Record a killed run, or remove one that needs no record or has one; return whether it was recorded."""
    if not (remains := _remains(records, folder, f"The record was closed at {utc()}.")):
        remove_run_folder(records, folder.name)
        return False
    notebook, evidence, outcome, environment, executed = remains
    seal(records, folder.name, notebook, evidence, outcome, environment, executed=executed)
    return True


def _remains(records: Path, folder: Path, closed: str) -> tuple[Any, ...] | None:
    """Return a killed run's notebook, evidence, outcome, environment and executed notebook.

    None where it needs no record, or has one. `closed` is the sentence on when the record was closed.
    """
    about, evidence = read_about(folder), list(events(folder))
    is_recorded = about["headless"] or any(event["kind"] in _RECORDED_KINDS for event in evidence)
    if kind_of(records / folder.name / SUMS) or not is_recorded:
        return None
    executed = read_draft(folder)
    outcome = _outcome(about, evidence, _last_write(folder), executed, closed)
    return about["notebook"], evidence, outcome, about.get("around"), executed


def _outcome(
    about: Mapping[str, Any],
    evidence: Iterable[Mapping[str, Any]],
    last: datetime,
    notebook: dict[str, Any] | None,
    closed: str,
) -> RunOutcome:
    status = next((event["value"] for event in evidence if event["kind"] == "status"), "")
    reached = f" The notebook had reached its end, with the status {status!r}." if status else ""
    error = {
        "code": "interrupted",
        "what": "The run was killed before its record was sealed.",
        "why": f"Its process last wrote a file at {utc(last)}.{reached} {closed}",
        "hint": "Run it again: it plans from the live state. Or roll it back, if it changed AWS.",
    }
    seconds = (last - datetime.fromisoformat(about["started"])).total_seconds()
    cells = cell_states(notebook) if notebook else ()
    started, again = about["started"], about["again"]
    resume = again if is_next_step(again) else ""
    return RunOutcome("interrupted", started, max(0.0, seconds), error, cells, utc(last), resume)


def _last_write(folder: Path) -> datetime:
    """Return when the run last wrote a file, to the second."""
    written = [path.lstat().st_mtime for path in folder.iterdir() if path.name in (FILE, NOTEBOOK)]
    return datetime.fromtimestamp(int(max(written, default=folder.stat().st_mtime)), UTC)
