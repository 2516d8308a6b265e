"""Records on disk: bundles that are written once, and the ledger that chains them."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xacct_nb.errors import UnknownRecord
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


def work_folder(records: Path, run: str) -> Path:
    """A new folder for what a run leaves while it goes on."""
    folder = records / WORK / run
    folder.mkdir(parents=True, mode=0o700)
    return folder


def keep(records: Path, record: Record, files: Mapping[str, bytes]) -> Path:
    """Seals a bundle, gives it its place in one step, adds its line to the ledger, and clears the work folder."""
    content = {RECORD: _json(record.to_json()), **files}
    sums = seal(content)
    work = records / WORK / f"{record.id}.bundle"
    work.mkdir(parents=True)
    for name, data in (*content.items(), (SUMS, sums.encode())):
        _write(work / name, data)
    with _locked(records):
        lines = ledger_lines(records)
        work.rename(records / record.id)
        _append(records / LEDGER, ledger_line(record, sums, line_hash(lines[-1]) if lines else START))
    discard(records, record.id)
    return records / record.id


def discard(records: Path, run: str) -> None:
    """Forgets a run that changed nothing and was not finished."""
    shutil.rmtree(records / WORK / run, ignore_errors=True)
    _remove_if_empty(records / WORK)


def ledger_lines(records: Path) -> list[str]:
    """The lines of the ledger, without their line breaks; none where there is no ledger."""
    path = records / LEDGER
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def ledger(records: Path) -> list[dict[str, Any]]:
    """The lines of the ledger as data. Raises UnknownRecord where a line is no JSON."""
    try:
        return [json.loads(line) for line in ledger_lines(records)]
    except ValueError as problem:
        raise UnknownRecord(
            f"The ledger {str(records / LEDGER)!r} cannot be read.",
            why=str(problem),
            hint="xacct-nb records verify names the line.",
        ) from problem


def read_record(records: Path, name: str) -> Record:
    """The record of that id, path, or unique beginning or end of an id. Raises UnknownRecord."""
    folder = _find(records, name)
    try:
        return Record.from_json(json.loads((folder / RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as problem:
        raise UnknownRecord(
            f"The record {folder.name!r} cannot be read.",
            why=str(problem),
            hint="xacct-nb records verify says what was changed.",
        ) from problem


def verify_records(records: Path) -> list[str]:
    """What was tampered with: one line each, empty where all is whole. Raises UnknownRecord where there is no ledger."""
    if not (records / LEDGER).exists():
        raise UnknownRecord(
            f"There is no ledger in {str(records)!r}.",
            why=f"A records folder holds {LEDGER}.",
            hint="Name the folder with --records.",
        )
    found = [f"{LEDGER}: {broken}" for broken in broken_links(ledger_lines(records))]
    if found:
        return found
    lines = ledger(records)
    known = {line["id"] for line in lines}
    added = [
        f"{path.name}: is not in the ledger"
        for path in sorted(records.iterdir())
        if path.is_dir() and path.name != WORK and path.name not in known
    ]
    return [*(broken for line in lines for broken in _verify(records / line["id"], line["seal"])), *added]


def _verify(folder: Path, sealed: str) -> Iterator[str]:
    if not folder.is_dir():
        yield f"{folder.name}: is missing"
        return
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    sums = files.pop(SUMS, b"").decode("utf-8", "replace")
    if sums_hash(sums) != sealed:
        yield f"{folder.name}/{SUMS}: was changed"
    yield from (f"{folder.name}/{broken}" for broken in broken_seals(sums, files))


def _find(records: Path, name: str) -> Path:
    if (Path(name) / RECORD).exists():
        return Path(name)
    ids = [line["id"] for line in ledger(records)]
    found = [each for each in ids if each == name] or [
        each for each in ids if name and each.startswith(name) or each.endswith(name)
    ]
    if len(found) != 1:
        why = (
            f"{len(found)} records have ids like this."
            if found
            else f"No record in {str(records)!r} has this id."
        )
        raise UnknownRecord(
            f"There is no one record {name!r}.", why=why, hint="xacct-nb records list shows them."
        )
    return records / found[0]


@contextmanager
def _locked(records: Path) -> Iterator[None]:
    with (records / f".{LEDGER}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()
