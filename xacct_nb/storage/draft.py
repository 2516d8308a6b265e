"""The executed notebook as far as it came, kept while its run goes on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xacct_nb.redaction.redact import redact_all
from xacct_nb.storage.run_folder import replace_file

FILE = "run.ipynb"
_COURSE = "xacct_nb"  # where the metadata of an executed notebook and of its cells say how far it came


class Draft:
    """Writes the notebook again and again, each time in one step, without `secrets`, to which more may come.

    A cell is written anew when its state is another one than before, or more secrets are known.
    """

    def __init__(self, folder: Path, secrets: set[str]) -> None:
        self.path, self.secrets = folder / FILE, secrets
        self._cells: dict[int, tuple[str, str]] = {}

    def __call__(self, notebook: Mapping[str, Any]) -> None:
        """Writes the notebook as it is now."""
        around = {name: value for name, value in notebook.items() if name != "cells"}
        cells = ", ".join(self._cell(*each) for each in enumerate(notebook["cells"]))
        replace_file(self.path, f'{self._text(around)[:-1]}, "cells": [{cells}]}}'.encode())

    def _cell(self, number: int, cell: Mapping[str, Any]) -> str:
        state = f"{cell['metadata'].get(_COURSE, {}).get('state')} {len(self.secrets)}"
        known, text = self._cells.get(number, ("", ""))
        if known != state or state.startswith("running"):  # whose outputs are still coming
            text = self._text(cell)
            self._cells[number] = state, text
        return text

    def _text(self, value: Any) -> str:
        return json.dumps(redact_all(value, self.secrets), ensure_ascii=False)


def read_draft(folder: Path) -> dict[str, Any] | None:
    """The notebook that a killed run left, None where it left none; no cell of it runs any more."""
    path = folder / FILE
    if not path.exists():
        return None
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    notebook["metadata"][_COURSE] = {"ending": "interrupted"}
    for cell in notebook["cells"]:
        if cell["metadata"].get(_COURSE, {}).get("state") == "running":
            cell["metadata"][_COURSE] = {"state": "aborted"}
    return notebook


def cell_states(notebook: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """The state of each code cell, as the notebook says it."""
    return tuple(
        {"cell": number, **cell["metadata"][_COURSE]}
        for number, cell in enumerate(notebook["cells"])
        if cell["cell_type"] == "code"
    )
