"""Submitted notebooks: what participants hand in, honest or not."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xacct_nb.workshop.publish import solution_notebook, starter_notebook
from xacct_nb.workshop.sheets import sheet_named

SHEET = sheet_named("two_policies")
EXERCISES = tuple(SHEET.by_name)
OPEN = f'from xacct_nb import workshop\nsheet = workshop.open_sheet("{SHEET.name}")'


def starter() -> dict[str, Any]:
    return starter_notebook(SHEET)


def solution() -> dict[str, Any]:
    return solution_notebook(SHEET)


def of_cells(*sources: str) -> dict[str, Any]:
    """A notebook of these code cells."""
    return {
        "cells": [_cell(source) for source in sources],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def solved_with(*sources: str, after: str = EXERCISES[0]) -> dict[str, Any]:
    """The solution, with further cells after the check of an exercise."""
    notebook = solution()
    cells = notebook["cells"]
    number = next(i for i, each in enumerate(cells) if f'check("{after}"' in "".join(each["source"]))
    return {**notebook, "cells": [*cells[: number + 1], *map(_cell, sources), *cells[number + 1 :]]}


def hand_in(folder: Path, name: str, notebook: dict[str, Any] | str | bytes) -> Path:
    """Put a notebook, or a file with any content, into a folder of submissions."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps(notebook) if isinstance(notebook, dict) else notebook
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _cell(source: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": source.strip().splitlines(keepends=True),
    }


def with_outputs(notebook: dict[str, Any], outputs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The notebook with outputs of a run that nobody saw."""
    return {
        **notebook,
        "cells": [
            {**each, "outputs": list(outputs)} if each["cell_type"] == "code" else each
            for each in notebook["cells"]
        ],
    }
