"""The evidence of a run: each event is one JSON line, written before the run continues."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from xacct_nb.errors import EvidenceLost, InvalidInput
from xacct_nb.redaction.redact import redact_all
from xacct_nb.storage.durable_files import write_file
from xacct_nb.storage.plain_files import kind_of, read_plain
from xacct_nb.storage.reserve import NO_ROOM, reserve, take_piece
from xacct_nb.storage.run_folder import RunLock, is_run_folder

FILE = "evidence.jsonl"
_LARGEST = 256_000_000
# A power failure may lose what was read, never what was changed: these events and all before are synced.
_SYNCED = ("approval", "entry", "journal")


class Evidence:
    """Appends events to the evidence file in a run's folder, which it locks; `secrets` are redacted."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.lock = folder, RunLock(folder)
        self.secrets: set[str] = set()
        self._calls: list[str] = []

    def add(self, kind: str, value: Any) -> None:
        """Write one event; return only when it is on disk, where it concerns a change.

        Raises InvalidInput where the run has ended, EvidenceLost where the event cannot be written.
        """
        if not self.folder.is_dir() and (self.folder.parent.parent / self.folder.name).is_dir():
            raise InvalidInput(
                "This run has ended.",
                why="Its record is sealed, and nothing can be added to it.",
                hint="Run the notebook from its beginning.",
            )
        line = json.dumps({"kind": kind, "value": redact_all(value, self.secrets)}, ensure_ascii=False)
        data = f"{line}\n".encode(errors="backslashreplace")
        try:
            self._append(data, kind in _SYNCED)
        except OSError as problem:
            raise self._lost(problem) from problem
        if kind == "entry" and value["answer"]:
            self._calls.append(f"{value['operation']} {value['target']}: {value['answer']}")

    def reserve(self) -> None:
        """Keep room on the disk for the journal and the record. Raises DiskFull."""
        reserve(self.folder)

    def make_room(self) -> None:
        """Give a piece of that room back, for a file that the run writes beside its evidence."""
        take_piece(self.folder)

    def _append(self, data: bytes, synced: bool) -> None:
        """Write the line whole; where the disk is full, in the space that the run has kept for it."""
        path = self.folder / FILE
        before = path.stat().st_size if path.exists() else 0
        try:
            write_file(path, data, "ab", synced=synced)
        except OSError as problem:
            with suppress(OSError):
                os.truncate(path, before)
            if problem.errno not in NO_ROOM or not take_piece(self.folder):
                raise
            self._append(data, synced)

    def _lost(self, problem: OSError) -> EvidenceLost:
        made = "; ".join(self._calls)
        return EvidenceLost(
            "The evidence of the run cannot be written, so no further call is made.",
            why=f"{problem.strerror}: {str(self.folder / FILE)!r}. "
            + (f"AWS was called before: {made}." if made else "Nothing was changed in AWS."),
            hint="Fix the cause, then plan again: the plan shows what is in AWS now. "
            + ("Roll the record back to undo it." if made else ""),
        )


def events(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the events of a run's folder in their order, without what is no event, or no whole line."""
    yield from (event for event in map(_event, _lines(folder)) if event)


def evidence_problem(folder: Path) -> str:
    """Return what happened to the evidence of a run in progress, "" if it is whole."""
    if not is_run_folder(folder):
        return "Its folder was removed or replaced"
    try:
        broken = [number for number, line in enumerate(_lines(folder), 1) if not _event(line)]
    except OSError as problem:
        return f"{FILE}: {problem.strerror}"
    return f"{FILE}, line {broken[0]}: is no event" if broken else ""


def _lines(folder: Path) -> list[str]:
    path = folder / FILE
    content = read_plain(path, _LARGEST) if kind_of(path) else b""
    # Not splitlines: it also breaks at characters that descriptions and tags may contain.
    return content.decode("utf-8", "replace").split("\n")[:-1]


def _event(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_event = isinstance(found, dict) and isinstance(found.get("kind"), str) and "value" in found
    return found if is_event else None
