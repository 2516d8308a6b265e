"""Records on disk: bundles that are written once, and the ledger that chains them."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from xacct_nb.errors import InvalidParameters, UnknownRecord, XacctError
from xacct_nb.records import (
    RECORD,
    START,
    SUMS,
    Record,
    broken_links,
    broken_seals,
    ledger_line,
    line_hash,
    seal,
    sums_hash,
)

LEDGER, WORK = "ledger.jsonl", ".work"
_FIELDS = ("id", "status", "notebook", "started", "grant", "digest", "summary", "seal", "previous")


def work_folder(records: Path, run: str) -> Path:
    """A new folder for what a run leaves while it goes on. Raises InvalidParameters if there can be none."""
    folder = records / WORK / run
    try:
        folder.mkdir(parents=True, mode=0o700)
    except OSError as problem:
        raise InvalidParameters(
            f"The records folder {str(records)!r} cannot be used.",
            why=str(problem.strerror),
            hint="Name another folder with --records.",
        ) from problem
    return folder


def keep(records: Path, record: Record, files: Mapping[str, bytes]) -> Path:
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
    discard(records, record.id)
    return records / record.id


def discard(records: Path, run: str) -> None:
    """Removes the work folder of a run."""
    shutil.rmtree(records / WORK / run, ignore_errors=True)
    with suppress(OSError):  # another run has its folder there
        (records / WORK).rmdir()


def ledger_lines(records: Path) -> list[str]:
    """The lines of the ledger, without their line breaks; none where there is no ledger."""
    path = records / LEDGER
    # Not splitlines: it also breaks at characters that stand in names and tags.
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else [""]
    return lines if lines[-1] else lines[:-1]


def ledger(records: Path) -> list[dict[str, Any]]:
    """The lines of the ledger as data. Raises UnknownRecord where a line is not one of ours."""
    lines = ledger_lines(records)
    found = [each for each in map(_parsed, lines) if each]
    if len(found) < len(lines):
        raise UnknownRecord(
            f"The ledger {str(records / LEDGER)!r} cannot be read.",
            why="A line is not a line of a ledger.",
            hint="xacct-nb records verify names the line.",
        )
    return found


def find_record(records: Path, name: str) -> Path:
    """The record's folder, by its id, path, or unique beginning or end of an id. Raises UnknownRecord."""
    if name and (Path(name) / RECORD).exists():
        return Path(name)
    ids: list[str] = [line["id"] for line in ledger(records)]
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
    lines = ledger_lines(records)
    known = [line for line in map(_parsed, lines) if line]
    ids = {line["id"] for line in known}
    links = [f"{LEDGER}: {broken}" for broken in broken_links(lines)]
    bundles = [broken for line in known for broken in _broken(records / line["id"], line)]
    there = (path.name for path in sorted(records.iterdir()) if path.is_dir() and path.name != WORK)
    return [*links, *bundles, *(f"{name}: is not in the ledger" for name in there if name not in ids)]


def broken_record(records: Path, name: str) -> list[str]:
    """What was tampered with in one record, and in its line of the ledger. Raises UnknownRecord."""
    folder = find_record(records, name)
    lines = [line for line in ledger(folder.parent) if line["id"] == folder.name]
    return (
        [broken for line in lines for broken in _broken(folder, line)] if lines else ["is not in the ledger"]
    )


def _seal(records: Path, record: Record, content: Mapping[str, bytes]) -> None:
    sums = seal(content)
    work = records / WORK / f"{record.id}.bundle"
    work.mkdir(parents=True)
    for name, data in (*content.items(), (SUMS, sums.encode())):
        _write(work / name, data)
    with _locked(records):
        lines = ledger_lines(records)
        work.rename(records / record.id)
        _append(records / LEDGER, ledger_line(record, sums, line_hash(lines[-1]) if lines else START))


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
    if sums_hash(sums) != line["seal"]:
        yield f"{folder.name}/{SUMS}: was changed"
        return
    broken = broken_seals(sums, files)
    yield from (f"{folder.name}/{each}" for each in broken)
    if not broken and _parsed(ledger_line(_record_in(files[RECORD]), sums, line["previous"])) != line:
        yield f"{LEDGER}: says something else of {folder.name} than its record"


def _record_in(data: bytes) -> Record:
    return Record.from_json(json.loads(data))


def _parsed(line: str) -> dict[str, Any] | None:
    """A line of the ledger as data, None where it is not one."""
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    texts = isinstance(fields, dict) and all(isinstance(fields.get(name), str) for name in _FIELDS)
    return fields if texts else None


@contextmanager
def _locked(records: Path) -> Iterator[None]:
    with (records / f".{LEDGER}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _append(path: Path, line: str) -> None:
    with path.open("a+b") as file:
        torn = file.seek(0, os.SEEK_END) and os.pread(file.fileno(), 1, file.tell() - 1) != b"\n"
        file.write(b"\n" * torn + line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()
