"""The executed notebook while its run is in progress, up to the current cell."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from xacct_nb.redaction.redact import redact_all
from xacct_nb.storage.durable_files import replace_file
from xacct_nb.storage.plain_files import kind_of, read_plain

FILE = "run.ipynb"
_LARGEST = 256_000_000
_STATE = "xacct_nb"  # the metadata of an executed notebook and of its cells that hold their state


class Draft:
    """Writes the notebook repeatedly, each time in one step, without `secrets`; more may be added to these.

    A cell is serialized again only when its state has changed, or more secrets are known.
    """

    def __init__(self, folder: Path, secrets: set[str]) -> None:
        self.path, self.secrets = folder / FILE, secrets
        self._cells: dict[int, tuple[str, str]] = {}

    def __call__(self, notebook: Mapping[str, Any]) -> None:
        """Write the notebook as it is now. Where it cannot be written, the run goes on without it."""
        metadata = {name: value for name, value in notebook.items() if name != "cells"}
        cells = ", ".join(self._cell(*each) for each in enumerate(notebook["cells"]))
        text = f'{self._text(metadata)[:-1]}, "cells": [{cells}]}}'
        with suppress(OSError):  # only the record of a killed run is made of it
            replace_file(self.path, text.encode(errors="backslashreplace"))

    def _cell(self, number: int, cell: Mapping[str, Any]) -> str:
        state = f"{cell['metadata'].get(_STATE, {}).get('state')} {len(self.secrets)}"
        known, text = self._cells.get(number, ("", ""))
        if known != state or state.startswith("running"):  # its outputs are still arriving
            text = self._text(cell)
            self._cells[number] = state, text
        return text

    def _text(self, value: Any) -> str:
        return json.dumps(redact_all(value, self.secrets), ensure_ascii=False)


def read_draft(folder: Path) -> dict[str, Any] | None:
    """Return the notebook of a killed run, None where there is none; cells that were running are aborted."""
    path = folder / FILE
    if not kind_of(path):
        return None
    notebook: dict[str, Any] = json.loads(read_plain(path, _LARGEST))
    notebook["metadata"][_STATE] = {"ending": "interrupted"}
    for cell in notebook["cells"]:
        if cell["metadata"].get(_STATE, {}).get("state") == "running":
            cell["metadata"][_STATE] = {"state": "aborted"}
    return notebook


def cell_states(notebook: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return the state of each code cell from the notebook's metadata."""
    return tuple(
        {"cell": number, **cell["metadata"][_STATE]}
        for number, cell in enumerate(notebook["cells"])
        if cell["cell_type"] == "code"
    )
