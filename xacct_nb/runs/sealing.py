"""How a run becomes a sealed record: its folder, its id, its outcome, its files."""

import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from typing import Any

from xacct_nb.aws.clock import utc
from xacct_nb.errors import InvalidParameters
from xacct_nb.records.fields import NOTEBOOK, PAGE
from xacct_nb.records.model import Record, fields_from_events
from xacct_nb.records.next_steps import next_steps
from xacct_nb.redaction.redact import redact_all
from xacct_nb.runs.environment import describe_environment
from xacct_nb.storage.ledger import append_record
from xacct_nb.views import html

RECORDS_VARIABLE, FOLDER_VARIABLE = "XACCT_RECORDS", "XACCT_RUN_FOLDER"
LAB_VARIABLE = "XACCT_LAB"  # the folder that `xacct-nb lab` serves


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
) -> tuple[Record, Path]:
    """Seal the record of a run, without `secrets`, and return the record and its folder.

    `environment` is this process's where none is given; `executed` is the JSON of the executed notebook.
    """
    end = {name: getattr(outcome, name) for name in ("started", "seconds", "error", "cells")}
    fields = redact_all({**fields_from_events(evidence), **end}, secrets)
    around = environment or describe_environment()
    record = Record(run, notebook, outcome.status, ended=outcome.ended or utc(), **around, **fields)
    if record.error is not None:
        record = replace(record, error=replace(record.error, **next_steps(record, outcome.resume)))
    return record, append_record(records, record, _files(record, redact_all(executed, secrets)))


def _files(record: Record, executed: Mapping[str, Any] | None) -> dict[str, bytes]:
    """Return the files of a record by name: its HTML page, and the executed notebook if there is one."""
    from xacct_nb.jupyter import export

    page = export.to_html(f"{record.notebook}: {record.status}", html(record.view()), executed)
    notebook = {NOTEBOOK: export.to_ipynb(executed).encode()} if executed else {}
    return {PAGE: page.encode(), **notebook}
