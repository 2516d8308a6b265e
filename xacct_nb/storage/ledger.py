"""Records on disk: bundles that are written once, and the ledger that chains them."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xacct_nb.errors import NotSealed, UnknownRecord
from xacct_nb.records.fields import RECORD, SUMS
from xacct_nb.records.model import Record
from xacct_nb.records.sealing import (
    broken_links,
    broken_seals,
    ledger_line,
    parse_ledger_line,
    seal,
    text_hash,
)
from xacct_nb.storage import chain
from xacct_nb.storage.approval_files import APPROVALS, broken_approvals
from xacct_nb.storage.chain import ledger_lines
from xacct_nb.storage.durable_files import write_file
from xacct_nb.storage.reserve import release
from xacct_nb.storage.run_folder import WORK, remove_run_folder
from xacct_nb.storage.signed_approvals import broken_signatures

LEDGER = chain.LEDGER
_TRUNCATED = "its last line is truncated"
# Jupyter's copies of the files that someone opened in JupyterLab: no part of a record.
_CHECKPOINTS = ".ipynb_checkpoints"


def append_record(records: Path, record: Record, files: Mapping[str, bytes]) -> Path:
    """Seal the record and its files as one bundle, append its ledger line, and remove the run's folder.

    Return the record's folder. Raises NotSealed, such as for a full disk; the run's folder is then kept.
    """
    text = json.dumps(record.to_json(), indent=1, ensure_ascii=False) + "\n"
    release(records / WORK / record.id)
    try:
        _seal(records, record, {RECORD: text.encode(errors="backslashreplace"), **files})
    except OSError as problem:
        raise NotSealed(
            f"The record {record.id!r} could not be sealed.",
            why=str(problem),
            hint=f"Fix the cause. The evidence is kept in {records / WORK / record.id}",
        ) from problem
    remove_run_folder(records, record.id)
    return records / record.id


def read_ledger(records: Path) -> list[dict[str, Any]]:
    """Return the lines of the ledger as data. Raises UnknownRecord where a line is not a ledger's."""
    lines = ledger_lines(records)
    found = [each for each in map(parse_ledger_line, lines) if each]
    if len(found) < len(lines):
        raise UnknownRecord(
            f"The ledger {str(records / LEDGER)!r} cannot be read.",
            why="A line is not a line of a ledger.",
            hint="Find the line with: xacct-nb records verify",
        )
    return found


def find_record(records: Path, name: str) -> Path:
    """Return a record's folder by its id, its path, or the unique start or end of its id.

    Raises UnknownRecord.
    """
    if name and os.path.exists(Path(name) / RECORD):  # unlike Path.exists, it accepts a name of any length
        return Path(name)
    ids: list[str] = [line["id"] for line in read_ledger(records)]
    found = [each for each in ids if each == name] or [
        each for each in ids if name and (each.startswith(name) or each.endswith(name))
    ]
    if len(found) == 1:
        return records / found[0]
    many = f"{len(found)} records have ids like this."
    raise UnknownRecord(
        f"No single record matches {name!r}.",
        why=many if found else f"No record in {str(records)!r} has this id.",
        hint="Find the record with: xacct-nb records list",
    )


def read_record(records: Path, name: str) -> Record:
    """Return a record by its id, its path, or the unique start or end of its id. Raises UnknownRecord."""
    folder = find_record(records, name)
    try:
        return Record.from_json(json.loads((folder / RECORD).read_bytes()))
    except (OSError, ValueError, TypeError, KeyError) as problem:
        raise UnknownRecord(
            f"The record {folder.name!r} cannot be read.",
            why=str(problem),
            hint="Find the change with: xacct-nb records verify",
        ) from problem


def verify_records(records: Path) -> list[str]:
    """Return every change since the records were sealed, one line each. Raises UnknownRecord."""
    if not (records / LEDGER).exists():
        raise UnknownRecord(
            f"There is no ledger in {str(records)!r}.",
            why=f"A records folder holds {LEDGER}.",
            hint="Name the folder with --records.",
        )
    with chain.shared_lock(records):
        lines, truncated = ledger_lines(records), chain.is_truncated(records)
        there = [
            path.name for path in _entries(records) if path.is_dir() and path.name not in (WORK, APPROVALS)
        ]
    known = [line for line in map(parse_ledger_line, lines) if line]
    ids = {line["id"] for line in known}
    links = [f"{LEDGER}: {broken}" for broken in (*broken_links(lines), *[_TRUNCATED] * truncated)]
    bundles = [broken for line in known for broken in _broken(records / line["id"], line)]
    added = (f"{name}: is not in {LEDGER}" for name in there if name not in ids)
    signed = broken_signatures(records, {line["id"]: line["seal"] for line in known})
    return [*links, *bundles, *added, *(broken_approvals(records) or signed)]


def broken_record(records: Path, name: str) -> list[str]:
    """Return the changes to one record, and to its line of the ledger, since then. Raises UnknownRecord."""
    folder = find_record(records, name)
    lines = [line for line in read_ledger(folder.parent) if line["id"] == folder.name]
    broken = [each for line in lines for each in _broken(folder, line)]
    return broken if lines else [f"is not in {LEDGER}"]


def _seal(records: Path, record: Record, content: Mapping[str, bytes]) -> None:
    sums = seal(content)
    work = records / WORK / f"{record.id}.bundle"
    shutil.rmtree(work, ignore_errors=True)  # left by a process that was killed
    work.mkdir(parents=True)
    for name, data in (*content.items(), (SUMS, sums.encode())):
        write_file(work / name, data, "xb")
    chain.append_bundle(
        records, work, records / record.id, lambda previous: ledger_line(record, sums, previous)
    )


def _broken(folder: Path, line: Mapping[str, Any]) -> Iterator[str]:
    """Compare the sums with the ledger, the files with the sums, and the record with its ledger line."""
    if not folder.is_dir():
        yield f"{folder.name}: is missing"
        return
    others = (path.name for path in _entries(folder) if not path.is_file())
    yield from (f"{folder.name}/{name}: was added" for name in others)
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    sums = files.pop(SUMS, b"").decode("utf-8", "replace")
    broken = broken_seals(sums, files)
    if text_hash(sums) != line["seal"]:
        # Sums that still match every file were computed again, or the ledger was changed.
        yield f"{folder.name}/{SUMS}: was changed" + ("" if broken else f", or its line in {LEDGER} was")
    else:
        yield from (f"{folder.name}/{each}" for each in broken or _line_differences(files, sums, line))


def _entries(folder: Path) -> list[Path]:
    """Return the paths in a folder, without Jupyter's checkpoints."""
    return [path for path in sorted(folder.iterdir()) if path.name != _CHECKPOINTS or path.is_symlink()]


def _line_differences(files: Mapping[str, bytes], sums: str, line: Mapping[str, Any]) -> Iterator[str]:
    try:
        record = Record.from_json(json.loads(files[RECORD]))
        expected = parse_ledger_line(ledger_line(record, sums, line["previous"]))
    except (ValueError, TypeError, KeyError):
        yield f"{RECORD}: is not a record"
        return
    if expected != line:
        yield f"{RECORD}: differs from its line in {LEDGER}"
