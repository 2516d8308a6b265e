"""How a run becomes a sealed record: its folder, its id, its outcome, its files."""

import os
import re
import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from typing import Any

from xacct_nb.aws.clock import utc
from xacct_nb.changes.journal import Journal
from xacct_nb.errors import InvalidParameters, NotSealed
from xacct_nb.records.change_record import change_record
from xacct_nb.records.fields import NOTEBOOK, PAGE, PAIRS_CSV, PAIRS_JSON, RECORD, REPORT
from xacct_nb.records.fleet_report import pairs_csv, pairs_json, report_of
from xacct_nb.records.model import Record, fields_from_events
from xacct_nb.records.next_steps import next_steps, rollback_command
from xacct_nb.records.sealing import digests_of, record_content
from xacct_nb.redaction.redact import redact_all
from xacct_nb.runs.environment import describe_environment
from xacct_nb.storage.ledger import append_record
from xacct_nb.storage.reserve import NO_ROOM
from xacct_nb.storage.run_folder import WORK
from xacct_nb.views import html

RECORDS_VARIABLE, FOLDER_VARIABLE = "XACCT_RECORDS", "XACCT_RUN_FOLDER"


def records_folder(given: str) -> Path:
    """Return the records folder: the given one, else $XACCT_RECORDS, else ./records.

    Raises InvalidParameters where there can be no such folder.
    """
    folder = Path(given or os.environ.get(RECORDS_VARIABLE) or "records").absolute()
    try:
        folder.exists()
    except (OSError, ValueError) as problem:
        raise InvalidParameters(
            f"The records folder {str(folder)!r} cannot be used.",
            why=str(getattr(problem, "strerror", problem)),
            hint="Name another folder with --records.",
        ) from problem
    return folder


def new_run_id(grant: str, notebook: str) -> str:
    """Return a new record's id, which is safe as a folder's name: 20261124T101500Z-GRANT-NOTEBOOK-1f3a."""
    stamp = re.sub("[-:]", "", utc())
    names = (re.sub(r"[^A-Za-z0-9._]+", "-", each)[:64].strip("-.") for each in (grant, notebook))
    return "-".join(filter(None, (stamp, *names, token_hex(2))))


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended: its status, when it started (UTC), how long it took, its error, its cells.

    `ended` is when a killed run last wrote a file; "" means now. `resume` is the command that repeats a
    headless run.
    """

    status: str
    started: str
    seconds: float
    error: Mapping[str, Any] | None
    cells: tuple[Mapping[str, Any], ...] = ()
    ended: str = ""
    resume: str = ""


def seal(
    records: Path,
    run: str,
    notebook: str,
    evidence: Iterable[Mapping[str, Any]],
    outcome: RunOutcome,
    environment: Mapping[str, Any] | None = None,
    secrets: Collection[str] = (),
    executed: Mapping[str, Any] | None = None,
    files: Mapping[str, bytes] | None = None,
) -> tuple[Record, Path]:
    """Seal the record of a run, without `secrets`, and return the record and its folder.

    `environment` is this process's where none is given; `executed` is the JSON of the executed notebook,
    whose outputs are left out where the disk has no room for them. `files` are further files of the record.
    Raises NotSealed.
    """
    record = make_record(run, notebook, evidence, outcome, environment, secrets)
    clean = redact_all(executed, secrets)
    try:
        return record, _append(records, record, clean, files or {})
    except NotSealed as problem:
        raise _not_sealed(records, record, problem.__cause__) from problem


def make_record(
    run: str,
    notebook: str,
    evidence: Iterable[Mapping[str, Any]],
    outcome: RunOutcome,
    environment: Mapping[str, Any] | None = None,
    secrets: Collection[str] = (),
) -> Record:
    """Return the record of a run as `seal` seals it; write nothing."""
    end = {name: getattr(outcome, name) for name in ("started", "seconds", "error", "cells")}
    fields = redact_all({**fields_from_events(evidence), **end}, secrets)
    around = environment or describe_environment()
    ended = outcome.ended or utc()
    record = Record(run, notebook, outcome.status, ended=ended, listed=("where", "by"), **around, **fields)
    if record.error is not None:
        record = replace(record, error=replace(record.error, **next_steps(record, outcome.resume)))
    return record


def _append(
    records: Path, record: Record, executed: Mapping[str, Any] | None, files: Mapping[str, bytes]
) -> Path:
    try:
        return append_record(records, record, {**_files(record, executed), **_pairs(record), **files})
    except NotSealed as problem:
        if getattr(problem.__cause__, "errno", None) not in NO_ROOM or not executed:
            raise
        return append_record(records, record, {**_files(record, _without_outputs(executed)), **files})


def _files(record: Record, executed: Mapping[str, Any] | None) -> dict[str, bytes]:
    """Return the files of a record by name: its HTML page, and the executed notebook if there is one."""
    from xacct_nb.jupyter import export

    shown = change_record(record, digests_of({RECORD: record_content(record)})[RECORD])
    page = export.to_html(f"{record.notebook}: {record.status}", html(shown), executed)
    notebook = {NOTEBOOK: export.to_ipynb(executed).encode()} if executed else {}
    return {PAGE: page.encode(), **notebook, **_report(record)}


def _report(record: Record) -> dict[str, bytes]:
    """Return the page of a fleet's report, where the run came to a result."""
    from xacct_nb.jupyter.fleet_page import to_fleet_page

    report = report_of(record)
    return {REPORT: _encoded(to_fleet_page(record, report))} if report else {}


def _pairs(record: Record) -> dict[str, bytes]:
    """Return the pairs of a fleet as files, which a full disk may have no room for."""
    if not (report := report_of(record)):
        return {}
    return {
        PAIRS_CSV: _encoded(pairs_csv(report.pairs())),
        PAIRS_JSON: _encoded(pairs_json(report.pairs())),
    }


def _encoded(text: str) -> bytes:
    """Return text as UTF-8; half of a surrogate pair, which it cannot hold, is an escape."""
    return text.encode(errors="backslashreplace")


def _without_outputs(executed: Mapping[str, Any]) -> dict[str, Any]:
    note = {"output_type": "stream", "name": "stderr", "text": "[The disk had no room for the output.]\n"}
    cells = [{**each, "outputs": [note]} if each.get("outputs") else each for each in executed["cells"]]
    return {**executed, "cells": cells}


def _not_sealed(records: Path, record: Record, problem: BaseException | None) -> NotSealed:
    """Return the error that says how the run ended, what it changed, and how to go on."""
    cause = getattr(problem, "strerror", None) or str(problem)
    error = f"Its own error: {record.error.what}\n" if record.error else ""
    changed = f"AWS was changed: {_made(record.journal)}." if record.journal and record.left_changes else ""
    back = f"\nTo roll back then: {rollback_command(record)}" if record.left_changes else ""
    return NotSealed(
        f"The run ended {record.status!r}, and its record could not be sealed: {cause}.",
        why=f"{error}{changed or 'Nothing was changed in AWS.'} "
        f"The evidence is in {records / WORK / record.id}",
        hint="Fix the cause; then this command seals the record: "
        f"xacct-nb records repair --yes --records {shlex.quote(str(records))}{back}",
    )


def _made(journal: Journal) -> str:
    """Return the changes of a run; of one that was interrupted, its calls and what AWS answered."""
    changes = [f"{change.sign} {change.title}" for change in journal.changes]
    calls = [
        f"{each.operation} {each.target} ({each.answer or 'answer unknown'})" for each in journal.entries
    ]
    return "; ".join(changes or calls)
