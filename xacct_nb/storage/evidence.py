"""The evidence of a run as it happens: one JSON line an event, written before the run goes on."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xacct_nb.errors import InvalidInput
from xacct_nb.redaction.redact import redact_all
from xacct_nb.storage.run_folder import RunLock

FILE = "evidence.jsonl"
# A power cut may take what was looked at, never what was changed: what stands before these is on disk too.
_LASTING = ("approval", "entry", "journal")


class Evidence:
    """Appends events to the evidence file of a run's folder, and holds it; `secrets` never reach it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.lock = folder, RunLock(folder)
        self.secrets: set[str] = set()

    def add(self, kind: str, value: Any) -> None:
        """Writes one event; waits until it is on disk where it says what was changed or what may be.

        Raises InvalidInput where the run has ended.
        """
        if not self.folder.is_dir():
            raise InvalidInput(
                "This run has ended.",
                why="Its record is sealed, and takes nothing more.",
                hint="Run the notebook from its beginning.",
            )
        line = json.dumps({"kind": kind, "value": redact_all(value, self.secrets)}, ensure_ascii=False)
        with (self.folder / FILE).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(line + "\n")
            file.flush()
            if kind in _LASTING:
                os.fsync(file.fileno())


def events(folder: Path) -> Iterator[dict[str, Any]]:
    """The events of a run's folder, in their order; a last line that was cut off is left out."""
    path = folder / FILE
    # Not splitlines: it also breaks at characters that stand in descriptions and tags.
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else [""]
    yield from map(json.loads, lines[:-1])
