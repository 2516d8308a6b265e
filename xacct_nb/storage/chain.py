"""The ledger's file: one line for each record, appended under a lock, and completed after a crash."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import IO, Any

from xacct_nb.errors import UnknownRecord
from xacct_nb.records.repair_entry import strict_json
from xacct_nb.records.sealing import FIRST_PREVIOUS, is_file_name, text_hash
from xacct_nb.storage.durable_files import write_file
from xacct_nb.storage.locks import EXCLUSIVE, SHARED, lock_file
from xacct_nb.storage.plain_files import kind_of, open_plain, read_plain, require_folder, require_size
from xacct_nb.storage.run_folder import WORK

LEDGER = "ledger.jsonl"
_LOCK, _NOTE = f".{LEDGER}.lock", f".{LEDGER}.next"
_BLOCK, _LARGEST, _LARGEST_NOTE = 65_536, 256_000_000, 1_000_000
_PATIENCE = 10.0  # seconds that a reader waits for a writer


def ledger_bytes(records: Path) -> bytes:
    """Return the content of the ledger; nothing where there is none. Raises UnknownRecord."""
    try:
        if kind_of(records) not in ("", "folder", "link"):
            raise NotADirectoryError(0, "The records folder is no folder")
        return read_plain(records / LEDGER, _LARGEST) if kind_of(records / LEDGER) else b""
    except OSError as problem:
        raise UnknownRecord(
            f"The ledger {str(records / LEDGER)!r} cannot be read.",
            why=f"{problem.strerror}.",
            hint="Name another folder with --records, or put the ledger's file back from a copy.",
        ) from problem


def ledger_lines(records: Path) -> list[str]:
    """Return the lines of the ledger, without their line breaks; none where there is no ledger.

    Raises UnknownRecord where the ledger cannot be read.
    """
    return split_lines(ledger_bytes(records))


def split_lines(content: bytes) -> list[str]:
    """Return the lines of a ledger's content."""
    # Not splitlines: it also breaks at characters that names and tags may contain.
    lines = content.decode("utf-8", "replace").split("\n")
    return lines if lines[-1] else lines[:-1]


def wrong_nodes(records: Path) -> list[str]:
    """Return what stands where the ledger, its lock, its note or the folder of runs should be, and is not."""
    expected = {LEDGER: "file", _LOCK: "file", _NOTE: "file", WORK: "folder"}
    kinds = {name: kind_of(records / name) for name in expected}
    return [
        f"{name}: is a {kind}, and no {expected[name]}"
        for name, kind in kinds.items()
        if kind not in ("", expected[name])
    ]


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
    if not kind_of(records / _NOTE):
        return ""
    # A user who may only read the folder leaves it as it is.
    with suppress(PermissionError), append_lock(records):
        return _complete(records)
    return ""


def unfinished_append(records: Path) -> str:
    """Return the id of the record whose append was not completed, "" where there is none; write nothing."""
    with shared_lock(records):
        return str(_read_note(records / _NOTE).get("place", ""))


def append_lock(records: Path) -> IO[Any]:
    """Keep others from reading and appending until it is closed. Raises OSError."""
    return lock_file(records / _LOCK, EXCLUSIVE)


@contextmanager
def shared_lock(records: Path) -> Iterator[None]:
    """Keep others from appending during the block; write nothing, and wait for a writer for ten seconds only.

    There is no lock where nothing was ever appended, or where its file is no file.
    """
    lock, until = None, time.monotonic() + _PATIENCE
    with suppress(OSError):
        while lock is None and time.monotonic() < until:
            try:
                lock = lock_file(records / _LOCK, SHARED, wait=False, create=False)
            except BlockingIOError:
                time.sleep(0.01)
    try:
        yield
    finally:
        if lock:
            lock.close()


def _complete(records: Path) -> str:
    require_folder(records / WORK)
    note = records / _NOTE
    found = _read_note(note)
    if found:
        bundle, folder, line = records / found["bundle"], records / found["place"], found["line"]
        if kind_of(bundle) == "folder" and not kind_of(folder):
            bundle.rename(folder)
        torn = _tail(records / LEDGER).rpartition(b"\n")[2]
        if torn and line.encode().startswith(torn):  # any other truncated line stays
            _shorten(records / LEDGER, len(torn))
        if kind_of(folder) == "folder" and _last_hash(records) != text_hash(line):
            _append(records / LEDGER, line)
    note.unlink(missing_ok=True)
    return str(found["place"]) if found else ""


def _read_note(note: Path) -> dict[str, Any]:
    """Return the note; {} where it is incomplete, for then nothing was moved yet, or where it is not ours."""
    try:
        found = dict(strict_json(read_plain(note, _LARGEST_NOTE)))
        parts = (*PurePath(found["bundle"]).parts, found["place"])
        found["line"].encode()
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
    # A note in a folder that was received from others must not move what is outside of the folder.
    return found if all(map(is_file_name, parts)) else {}


def _last_hash(records: Path) -> str:
    end = _tail(records / LEDGER).removesuffix(b"\n")
    return text_hash(end.rpartition(b"\n")[2].decode("utf-8", "replace")) if end else FIRST_PREVIOUS


def _tail(path: Path) -> bytes:
    """Return the end of a file with its whole last line, without reading all that is before.

    Raises OSError where the file is longer than any ledger.
    """
    if not kind_of(path):
        return b""
    with os.fdopen(open_plain(path), "rb") as file:
        size, found, length = file.seek(0, os.SEEK_END), b"", _BLOCK
        require_size(size, _LARGEST, path)
        while len(found) < size and b"\n" not in found[:-1]:
            file.seek(-min(size, length), os.SEEK_END)
            found, length = file.read(), length * 2
    return found


def _shorten(path: Path, by: int) -> None:
    with os.fdopen(open_plain(path, os.O_RDWR), "r+b") as file:
        os.ftruncate(file.fileno(), file.seek(0, os.SEEK_END) - by)


def _append(path: Path, line: str) -> None:
    torn = bool(_tail(path).rpartition(b"\n")[2])
    write_file(path, b"\n" * torn + line.encode() + b"\n", "ab")
