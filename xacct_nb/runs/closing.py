"""What a record says about the machine and the moment, and how a run becomes a sealed record."""

import os
import platform
import pwd
import re
import secrets
import socket
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xacct_nb.disk.evidence import events
from xacct_nb.disk.ledger import keep
from xacct_nb.disk.works import WORK
from xacct_nb.errors import InvalidParameters
from xacct_nb.records import PAGE, Record, fold
from xacct_nb.shields import redact_all
from xacct_nb.views import html
from xacct_nb.ways import ways_on

if TYPE_CHECKING:
    from xacct_nb.ledgers import Ledger

RECORDS_VARIABLE, FOLDER_VARIABLE = "XACCT_RECORDS", "XACCT_RUN_FOLDER"
_PACKAGES = ("xacct-nb", "boto3", "botocore", "papermill", "nbclient", "ipykernel", "ministack")


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


def new_id(grant: str, notebook: str) -> str:
    """A new record's id, a safe name of a folder: 20261124T101500Z-GRANT-NOTEBOOK-1f3a."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    named = (re.sub(r"[^A-Za-z0-9._]+", "-", each)[:64].strip("-.") for each in (grant, notebook))
    return "-".join(filter(None, (stamp, *named, secrets.token_hex(2))))


def utc() -> str:
    """Now, as it stands in records: 2026-11-24T10:15:00Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Ending:
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


def drafted(
    run: str,
    notebook: str,
    said: Iterable[Mapping[str, Any]],
    ending: Ending,
    around: Mapping[str, Any],
    hidden: set[str],
) -> Record:
    """The record of a run, from its evidence (`said`), from how it ended, and from the circumstances.

    `hidden` are secrets that must not be in it.
    """
    end = {name: getattr(ending, name) for name in ("started", "seconds", "error", "cells")}
    told = redact_all({**fold(said), **end}, hidden)
    record = Record(run, notebook, ending.status, ended=ending.ended or utc(), **around, **told)
    return (
        replace(record, error={**record.error, **ways_on(record, ending.again)}) if record.error else record
    )


def sealed(records: Path, run: str, notebook: str, ending: Ending, hidden: set[str]) -> Path:
    """Seals the record of a run that has no runner around it; the folder of the record."""
    said = events(records / WORK / run)
    record = drafted(run, notebook, said, ending, circumstances(), hidden)
    return keep(records, record, {PAGE: page(record).encode()})


def page(record: Record, notebook: Any = None) -> str:
    """The record as one HTML page, with the executed notebook if there is one."""
    from xacct_nb.jupyter.export import to_html

    return to_html(f"{record.notebook}: {record.status}", html(record.view()), notebook)


def show_ledger(records: str = "") -> "Ledger":
    """The ledger of a records folder as a table; says so where nothing was recorded yet."""
    from xacct_nb.ledgers import Ledger

    return Ledger(records_folder(records))


def circumstances() -> dict[str, Any]:
    """The machine, the versions and the commit, as fields of a record."""
    return {"host": host(), "versions": versions(), "git": git_state()}


def host() -> dict[str, str]:
    """The machine and the user."""
    return {
        "name": socket.gethostname(),
        "user": user(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def user() -> str:
    """The user's name, the number where the machine knows no name for it (as in some containers).

    As the system has it: LOGNAME and USER, which anybody can set, are not asked.
    """
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def versions() -> dict[str, str]:
    """The versions of the packages that a run stands on."""
    return {name: found for name in _PACKAGES if (found := _version(name))}


def git_state() -> dict[str, Any] | None:
    """The commit checked out where the package is, and whether files differ from it; None without git."""
    place = Path(__file__).parent
    commit = _git(place, "rev-parse", "HEAD")
    return {"commit": commit, "dirty": bool(_git(place, "status", "--porcelain"))} if commit else None


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _git(place: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", *words], cwd=place, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
