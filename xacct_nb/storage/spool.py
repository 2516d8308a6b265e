"""The spool of a run over a fleet: files in which each process notes its calls, and which outlive it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from socket import gethostname
from typing import Any

from pydantic import ValidationError

from xacct_nb.changes.journal import Entry
from xacct_nb.errors import EvidenceLost, InvalidInput
from xacct_nb.fleets.plan import SliceKey
from xacct_nb.redaction.redact import redact_all
from xacct_nb.storage.durable_files import write_file
from xacct_nb.storage.plain_files import kind_of, read_plain

_ENDING = ".attempt.jsonl"
_LARGEST = 16_000_000


@dataclass(frozen=True)
class SliceAttempt:
    """One attempt at a slice, as far as its process came: its calls. `worker` is its host and process id."""

    name: str
    slice: SliceKey
    worker: str
    entries: tuple[Entry, ...] = ()


class AttemptFile:
    """Takes the entries of one attempt; each is on disk before the call that it announces is made.

    Raises EvidenceLost where the folder cannot be written to: no call is made then.
    """

    def __init__(self, spool: Path, attempt: str, key: SliceKey) -> None:
        self._path = spool / f"{attempt}{_ENDING}"
        self._write({"slice": key, "worker": f"{gethostname()} {os.getpid()}"})

    def append(self, entry: Entry) -> None:
        """Take an entry."""
        self._write({"entry": redact_all(entry.to_json(), set())})

    def _write(self, line: dict[str, Any]) -> None:
        try:
            write_file(self._path, f"{json.dumps(line)}\n".encode(), "ab")
        except OSError as problem:
            raise EvidenceLost(
                "The spool cannot be written, so no further call is made in this account.",
                why=f"{problem.strerror}: {str(self._path.parent)!r}.",
                hint="Name a folder that every worker can write to, or none. Then plan the fleet again.",
            ) from problem


def check_spool(spool: Path) -> None:
    """Raise InvalidInput unless this is a folder in which no run left calls."""
    if not spool.is_dir():
        raise InvalidInput(
            f"The spool {str(spool)!r} is no folder.",
            why="Each worker writes the calls that it makes to a file there.",
            hint="Make the folder, on this machine and where the workers see it.",
        )
    if left := sum(1 for _ in spool.glob(f"*{_ENDING}")):
        raise InvalidInput(
            f"The spool {str(spool)!r} has the calls of {left} attempt{'s' * (left != 1)} of another run.",
            why="That run ended before it took them into its journal.",
            hint="Keep them (xacct_nb.storage.spool.read_spool shows them), and name an empty folder.",
        )


def read_spool(spool: Path) -> tuple[SliceAttempt, ...]:
    """Return the attempts whose files are in the folder; a line that is not whole is left out."""
    found = (_attempt(path) for path in sorted(spool.glob(f"*{_ENDING}")))
    return tuple(each for each in found if each)


def remove_attempt(spool: Path, attempt: SliceAttempt) -> None:
    """Remove the file of an attempt, whose calls are in the journal."""
    (spool / f"{attempt.name}{_ENDING}").unlink(missing_ok=True)


def _attempt(path: Path) -> SliceAttempt | None:
    if kind_of(path) != "file":
        return None
    lines = read_plain(path, _LARGEST).decode("utf-8", "replace").split("\n")[:-1]
    found = [each for each in map(_parsed, lines) if each]
    first = found[0] if found else {}
    key = (*map(str, first.get("slice", ())), "", "", "")
    entries = (_entry(each.get("entry")) for each in found)
    name, worker = path.name.removesuffix(_ENDING), str(first.get("worker", ""))
    return SliceAttempt(name, (key[0], key[1], key[2]), worker, tuple(each for each in entries if each))


def _parsed(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _entry(fields: Any) -> Entry | None:
    try:
        return Entry.from_json(fields)
    except ValidationError:
        return None
