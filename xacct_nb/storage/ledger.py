"""Records on disk: bundles that are written once, and the ledger that chains them."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xacct_nb.errors import UnknownRecord, XacctError
from xacct_nb.records.fields import RECORD, SUMS
from xacct_nb.records.model import Record
from xacct_nb.records.sealing import (
    broken_links,
    broken_seals,
    ledger_line,
    parse_ledger_line,
    seal,
    sums_hash,
)
from xacct_nb.storage import chain
from xacct_nb.storage.chain import ledger_lines
from xacct_nb.storage.run_folder import WORK, remove_run_folder

LEDGER = chain.LEDGER
_CUT = "its end was cut off"


def append_record(records: Path, record: Record, files: Mapping[str, bytes]) -> Path:
    """Seals a bundle, gives it its place in one step, adds its line to the ledger, clears the work folder.

    Raises XacctError where the disk takes no more; the evidence of the run stays in its work folder then.
    """
    try:
        _seal(records, record, {RECORD: _json(record.to_json()), **files})
    except OSError as problem:
        raise XacctError(
            f"The record {record.id!r} could not be sealed.",
            why=str(problem),
            hint=f"Its evidence is in {records / WORK / record.id}",
        ) from problem
    remove_run_folder(records, record.id)
    return records / record.id


def read_ledger(records: Path) -> list[dict[str, Any]]:
    """The lines of the ledger as data. Raises UnknownRecord where a line is not one of ours."""
    lines = ledger_lines(records)
    found = [each for each in map(parse_ledger_line, lines) if each]
    if len(found) < len(lines):
        raise UnknownRecord(
            f"The ledger {str(records / LEDGER)!r} cannot be read.",
            why="A line is not a line of a ledger.",
            hint="xacct-nb records verify names the line.",
        )
    return found


def find_record(records: Path, name: str) -> Path:
    """The record's folder, by its id, path, or unique beginning or end of an id. Raises UnknownRecord."""
    if name and os.path.exists(Path(name) / RECORD):  # which takes a name of any length
        return Path(name)
    ids: list[str] = [line["id"] for line in read_ledger(records)]
    found = [each for each in ids if each == name] or [
        each for each in ids if name and (each.startswith(name) or each.endswith(name))
    ]
    if len(found) == 1:
        return records / found[0]
    many = f"{len(found)} records have ids like this."
    raise UnknownRecord(
        f"There is no one record {name!r}.",
        why=many if found else f"No record in {str(records)!r} has this id.",
        hint="xacct-nb records list shows them.",
    )


def read_record(records: Path, name: str) -> Record:
    """The record of that id, path, or unique beginning or end of an id. Raises UnknownRecord."""
    folder = find_record(records, name)
    try:
        return _record_in((folder / RECORD).read_bytes())
    except (OSError, ValueError, TypeError, KeyError) as problem:
        raise UnknownRecord(
            f"The record {folder.name!r} cannot be read.",
            why=str(problem),
            hint="xacct-nb records verify says what was changed.",
        ) from problem


def verify_records(records: Path) -> list[str]:
    """What was tampered with, one line each, empty where all is whole. Raises UnknownRecord."""
    if not (records / LEDGER).exists():
        raise UnknownRecord(
            f"There is no ledger in {str(records)!r}.",
            why=f"A records folder holds {LEDGER}.",
            hint="Name the folder with --records.",
        )
    with chain.shared_lock(records):
        lines, cut = ledger_lines(records), chain.is_truncated(records)
        there = [path.name for path in sorted(records.iterdir()) if path.is_dir() and path.name != WORK]
    known = [line for line in map(parse_ledger_line, lines) if line]
    ids = {line["id"] for line in known}
    links = [f"{LEDGER}: {broken}" for broken in (*broken_links(lines), *[_CUT] * cut)]
    bundles = [broken for line in known for broken in _broken(records / line["id"], line)]
    return [*links, *bundles, *(f"{name}: is not in {LEDGER}" for name in there if name not in ids)]


def broken_record(records: Path, name: str) -> list[str]:
    """What was tampered with in one record, and in its line of the ledger. Raises UnknownRecord."""
    folder = find_record(records, name)
    lines = [line for line in read_ledger(folder.parent) if line["id"] == folder.name]
    return (
        [broken for line in lines for broken in _broken(folder, line)] if lines else [f"is not in {LEDGER}"]
    )


def _seal(records: Path, record: Record, content: Mapping[str, bytes]) -> None:
    sums = seal(content)
    work = records / WORK / f"{record.id}.bundle"
    shutil.rmtree(work, ignore_errors=True)  # of a process that was killed before it was whole
    work.mkdir(parents=True)
    for name, data in (*content.items(), (SUMS, sums.encode())):
        _write(work / name, data)
    chain.append_bundle(
        records, work, records / record.id, lambda previous: ledger_line(record, sums, previous)
    )


def _broken(folder: Path, line: Mapping[str, Any]) -> Iterator[str]:
    """What does not fit: sums and ledger, files and sums, the ledger's words and the record's."""
    if not folder.is_dir():
        yield f"{folder.name}: is missing"
        return
    yield from (
        f"{folder.name}/{path.name}: was added" for path in sorted(folder.iterdir()) if not path.is_file()
    )
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    sums = files.pop(SUMS, b"").decode("utf-8", "replace")
    broken = broken_seals(sums, files)
    if sums_hash(sums) != line["seal"]:
        # Sums that still fit every file were made anew, or it is the ledger that was touched.
        yield f"{folder.name}/{SUMS}: was changed" + ("" if broken else f", or its line in {LEDGER} was")
    else:
        yield from (f"{folder.name}/{each}" for each in broken or _misquoted(files, sums, line))


def _misquoted(files: Mapping[str, bytes], sums: str, line: Mapping[str, Any]) -> Iterator[str]:
    try:
        said = parse_ledger_line(ledger_line(_record_in(files[RECORD]), sums, line["previous"]))
    except (ValueError, TypeError, KeyError):
        yield f"{RECORD}: is not a record"
        return
    if said != line:
        yield f"{RECORD}: says something else than its line in {LEDGER}"


def _record_in(data: bytes) -> Record:
    return Record.from_json(json.loads(data))


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode(errors="backslashreplace")
