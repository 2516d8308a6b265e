"""The ledger's file: one line for each record, appended under a lock, and completed after a crash."""

import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path, PurePath
from typing import Any

from xacct_nb.records.sealing import FIRST_PREVIOUS, is_file_name, text_hash
from xacct_nb.storage.durable_files import write_file
from xacct_nb.storage.locks import EXCLUSIVE, SHARED, lock_file

LEDGER = "ledger.jsonl"
_LOCK, _NOTE = f".{LEDGER}.lock", f".{LEDGER}.next"
_BLOCK = 65_536


def ledger_lines(records: Path) -> list[str]:
    """Return the lines of the ledger, without their line breaks; none where there is no ledger."""
    path = records / LEDGER
    # Not splitlines: it also breaks at characters that names and tags may contain.
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else [""]
    return lines if lines[-1] else lines[:-1]


def is_truncated(records: Path) -> bool:
    """Return whether the ledger ends within a line."""
    return bool(_tail(records / LEDGER).rpartition(b"\n")[2])


def append_bundle(records: Path, bundle: Path, folder: Path, line_after: Callable[[str], str]) -> None:
    """Move the bundle to its folder and append its line, which `line_after` makes from the last line's hash.

    A note of both is written first, so that the next command can complete them after a crash. Raises OSError.
    """
    with append_lock(records):
        _complete(records)
        line, note = line_after(_last_hash(records)), records / _NOTE
        about = {"bundle": str(bundle.relative_to(records)), "place": folder.name, "line": line}
        write_file(note, json.dumps(about).encode())
        try:
            bundle.rename(folder)
        except OSError:
            note.unlink()
            raise
        _append(records / LEDGER, line)
        note.unlink()


def complete_append(records: Path) -> str:
    """Complete an append whose process was killed; return the record's id, "" where there was none."""
    if not (records / _NOTE).exists():
        return ""
    # A user who may only read the folder leaves it as it is.
    with suppress(PermissionError), lock_file(records / _LOCK, EXCLUSIVE):
        return _complete(records)
    return ""


def append_lock(records: Path) -> AbstractContextManager[object]:
    """Keep others from appending during the block. Raises OSError."""
    return lock_file(records / _LOCK, EXCLUSIVE)


def shared_lock(records: Path) -> AbstractContextManager[object]:
    """Keep others from appending during the block; there is no lock where nothing was ever appended."""
    path = records / _LOCK
    return lock_file(path, SHARED, mode="rb") if path.exists() else nullcontext()


def _complete(records: Path) -> str:
    note = records / _NOTE
    found = _read_note(note)
    if found:
        bundle, folder, line = records / found["bundle"], records / found["place"], found["line"]
        if bundle.exists() and not folder.exists():
            bundle.rename(folder)
        torn = _tail(records / LEDGER).rpartition(b"\n")[2]
        if torn and line.encode().startswith(torn):  # any other truncated line stays
            os.truncate(records / LEDGER, (records / LEDGER).stat().st_size - len(torn))
        if folder.exists() and _last_hash(records) != text_hash(line):
            _append(records / LEDGER, line)
    note.unlink(missing_ok=True)
    return str(found["place"]) if found else ""


def _read_note(note: Path) -> dict[str, Any]:
    """Return the note; {} where it is incomplete, for then nothing was moved yet, or where it is not ours."""
    try:
        found = dict(json.loads(note.read_text(encoding="utf-8")))
        parts = (*PurePath(found["bundle"]).parts, found["place"])
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return {}
    # A note in a folder that was received from others must not move what is outside of the folder.
    return found if all(map(is_file_name, parts)) else {}


def _last_hash(records: Path) -> str:
    end = _tail(records / LEDGER).removesuffix(b"\n")
    return text_hash(end.rpartition(b"\n")[2].decode("utf-8", "replace")) if end else FIRST_PREVIOUS


def _tail(path: Path) -> bytes:
    """Return the end of a file with its whole last line, without reading all that is before."""
    if not path.exists():
        return b""
    with path.open("rb") as file:
        size, found = file.seek(0, os.SEEK_END), b""
        while len(found) < size and b"\n" not in found[:-1]:
            file.seek(-min(size, len(found) + _BLOCK), os.SEEK_END)
            found = file.read()
    return found


def _append(path: Path, line: str) -> None:
    torn = bool(_tail(path).rpartition(b"\n")[2])
    write_file(path, b"\n" * torn + line.encode() + b"\n", "ab")
