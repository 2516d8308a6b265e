"""The ledger's file: one line a record, added under a lock, and completed after a crash."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import Any

from xacct_nb.records.sealing import FIRST_PREVIOUS, is_file_name, line_hash

LEDGER = "ledger.jsonl"
_LOCK, _NOTE = f".{LEDGER}.lock", f".{LEDGER}.next"
_BLOCK = 65_536


def ledger_lines(records: Path) -> list[str]:
    """The lines of the ledger, without their line breaks; none where there is no ledger."""
    path = records / LEDGER
    # Not splitlines: it also breaks at characters that stand in names and tags.
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else [""]
    return lines if lines[-1] else lines[:-1]


def is_truncated(records: Path) -> bool:
    """Whether the ledger ends within a line."""
    return bool(_tail(records / LEDGER).rpartition(b"\n")[2])


def append_bundle(records: Path, bundle: Path, place: Path, line_after: Callable[[str], str]) -> None:
    """Moves the bundle to its place and adds its line: `line_after` makes it from the last line's hash.

    What is about to be done is noted first, so that whoever comes next completes it after a crash.
    Raises OSError.
    """
    with _locked(records):
        _complete(records)
        line, note = line_after(_last_hash(records)), records / _NOTE
        _write(note, {"bundle": str(bundle.relative_to(records)), "place": place.name, "line": line})
        try:
            bundle.rename(place)
        except OSError:
            note.unlink()
            raise
        _append(records / LEDGER, line)
        note.unlink()


def complete_append(records: Path) -> str:
    """Completes what was being added when its process was killed: the record's id, "" where nothing was."""
    if not (records / _NOTE).exists():
        return ""
    # Who may only read the folder sees it as it is.
    with suppress(PermissionError), _locked(records):
        return _complete(records)
    return ""


@contextmanager
def shared_lock(records: Path) -> Iterator[None]:
    """Nothing is added meanwhile; without a lock where nothing was ever added."""
    path = records / _LOCK
    if not path.exists():
        yield
        return
    with path.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def _complete(records: Path) -> str:
    note = records / _NOTE
    found = _noted(note)
    if found:
        bundle, place, line = records / found["bundle"], records / found["place"], found["line"]
        if bundle.exists() and not place.exists():
            bundle.rename(place)
        _take_back(records / LEDGER, line)
        if place.exists() and _last_hash(records) != line_hash(line):
            _append(records / LEDGER, line)
    note.unlink(missing_ok=True)
    return str(found["place"]) if found else ""


def _noted(note: Path) -> dict[str, Any]:
    """What was about to be done; nothing where the note is not whole, for then nothing was, or not ours."""
    try:
        found = dict(json.loads(note.read_text(encoding="utf-8")))
        parts = (*PurePath(found["bundle"]).parts, found["place"])
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return {}
    # A folder that somebody sent must not move what is outside of it.
    return found if all(map(is_file_name, parts)) else {}


def _take_back(path: Path, line: str) -> None:
    """Takes the beginning of this very line off the ledger's end; whatever else stands there stays."""
    torn = _tail(path).rpartition(b"\n")[2]
    if torn and line.encode().startswith(torn):
        os.truncate(path, path.stat().st_size - len(torn))


def _last_hash(records: Path) -> str:
    end = _tail(records / LEDGER).removesuffix(b"\n")
    return line_hash(end.rpartition(b"\n")[2].decode("utf-8", "replace")) if end else FIRST_PREVIOUS


def _tail(path: Path) -> bytes:
    """The end of a file with its last line whole, without reading all that is before."""
    if not path.exists():
        return b""
    with path.open("rb") as file:
        size, found = file.seek(0, os.SEEK_END), b""
        while len(found) < size and b"\n" not in found[:-1]:
            file.seek(-min(size, len(found) + _BLOCK), os.SEEK_END)
            found = file.read()
    return found


@contextmanager
def _locked(records: Path) -> Iterator[None]:
    with (records / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _append(path: Path, line: str) -> None:
    torn = bool(_tail(path).rpartition(b"\n")[2])
    with path.open("ab") as file:
        file.write(b"\n" * torn + line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _write(path: Path, value: Any) -> None:
    with path.open("w", encoding="utf-8") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
