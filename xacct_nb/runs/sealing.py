"""What a record says about the machine and the moment, and how a run becomes a sealed record."""

import os
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xacct_nb.aws.clock import utc
from xacct_nb.errors import InvalidParameters
from xacct_nb.records.fields import PAGE
from xacct_nb.records.model import Record, fields_from_events
from xacct_nb.records.next_steps import next_steps
from xacct_nb.redaction.redact import redact_all
from xacct_nb.runs.environment import describe_environment
from xacct_nb.storage.evidence import events
from xacct_nb.storage.ledger import append_record
from xacct_nb.storage.run_folder import WORK
from xacct_nb.views import html

RECORDS_VARIABLE, FOLDER_VARIABLE = "XACCT_RECORDS", "XACCT_RUN_FOLDER"
LAB_VARIABLE = "XACCT_LAB"  # the folder that `xacct-nb lab` serves


def records_folder(given: str) -> Path:
    """The folder of the records: as given, else $XACCT_RECORDS, else `records` here.

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
    """A new record's id, a safe name of a folder: 20261124T101500Z-GRANT-NOTEBOOK-1f3a."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    named = (re.sub(r"[^A-Za-z0-9._]+", "-", each)[:64].strip("-.") for each in (grant, notebook))
    return "-".join(filter(None, (stamp, *named, secrets.token_hex(2))))


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended: its status, when it began (UTC), how long it took, its error, its cells' states.

    `ended` is when it was last heard of, where that is not now; `again` is the command of a headless run.
    """

    status: str
    started: str
    seconds: float
    error: Mapping[str, Any] | None
    cells: tuple[Mapping[str, Any], ...] = ()
    ended: str = ""
    again: str = ""


def build_record(
    run: str,
    notebook: str,
    said: Iterable[Mapping[str, Any]],
    ending: RunOutcome,
    around: Mapping[str, Any],
    hidden: set[str],
) -> Record:
    """The record of a run, from its evidence (`said`), from how it ended, and from the circumstances.

    `hidden` are secrets that must not be in it.
    """
    end = {name: getattr(ending, name) for name in ("started", "seconds", "error", "cells")}
    told = redact_all({**fields_from_events(said), **end}, hidden)
    record = Record(run, notebook, ending.status, ended=ending.ended or utc(), **around, **told)
    return (
        replace(record, error=replace(record.error, **next_steps(record, ending.again)))
        if record.error
        else record
    )


def seal_run(records: Path, run: str, notebook: str, ending: RunOutcome, hidden: set[str]) -> Path:
    """Seals the record of a run that has no runner around it; the folder of the record."""
    said = events(records / WORK / run)
    record = build_record(run, notebook, said, ending, describe_environment(), hidden)
    return append_record(records, record, {PAGE: render_page(record).encode()})


def render_page(record: Record, notebook: Any = None) -> str:
    """The record as one HTML page, with the executed notebook if there is one."""
    from xacct_nb.jupyter.export import to_html

    return to_html(f"{record.notebook}: {record.status}", html(record.view()), notebook)
