"""The evidence of a run: each event is one JSON line, written before the run continues."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xacct_nb.errors import InvalidInput
from xacct_nb.redaction.redact import redact_all
from xacct_nb.storage.durable_files import write_file
from xacct_nb.storage.run_folder import RunLock

FILE = "evidence.jsonl"
# A power failure may lose what was read, never what was changed: these events and all before are synced.
_SYNCED = ("approval", "entry", "journal")


class Evidence:
    """Appends events to the evidence file in a run's folder, which it locks; `secrets` are redacted."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.lock = folder, RunLock(folder)
        self.secrets: set[str] = set()

    def add(self, kind: str, value: Any) -> None:
        """Write one event; return only when it is on disk, where it concerns a change.

        Raises InvalidInput where the run has ended.
        """
        if not self.folder.is_dir():
            raise InvalidInput(
                "This run has ended.",
                why="Its record is sealed, and nothing can be added to it.",
                hint="Run the notebook from its beginning.",
            )
        line = json.dumps({"kind": kind, "value": redact_all(value, self.secrets)}, ensure_ascii=False)
        data = f"{line}\n".encode(errors="backslashreplace")
        write_file(self.folder / FILE, data, "ab", synced=kind in _SYNCED)


def events(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the events of a run's folder in their order, without a truncated last line."""
    path = folder / FILE
    # Not splitlines: it also breaks at characters that descriptions and tags may contain.
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else [""]
    yield from map(json.loads, lines[:-1])
