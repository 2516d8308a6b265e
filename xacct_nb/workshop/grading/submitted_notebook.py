"""Reads a submitted notebook: its cells without outputs, and the sheet that it opens."""

import ast
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xacct_nb.errors import InvalidInput, UnknownNotebook
from xacct_nb.storage.json_file import parse_plain_json
from xacct_nb.storage.plain_files import read_plain
from xacct_nb.workshop.exercise import Sheet
from xacct_nb.workshop.sheets import all_sheets, find_sheet, sheet_named

MOST_BYTES = 20_000_000
_DEEPEST, _MOST_CELLS = 100, 2_000
_NO_NOTEBOOK = (LookupError, TypeError, AttributeError)
_NOT_PARSED = (SyntaxError, ValueError, RecursionError, MemoryError)


@dataclass(frozen=True)
class SubmittedNotebook:
    """The cells of a notebook as pairs of kind and source: nothing else of it is used."""

    cells: tuple[tuple[str, str], ...]

    @property
    def code(self) -> tuple[str, ...]:
        """Return the code cells."""
        return tuple(source for kind, source in self.cells if kind == "code")

    def write(self, path: Path) -> None:
        """Write it as a notebook without outputs, metadata and attachments."""
        about = {"metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        cells = [
            {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": source, **_FIELDS[kind]}
            for number, (kind, source) in enumerate(self.cells)
        ]
        path.write_text(json.dumps({"cells": cells, **about}), encoding="ascii")


_FIELDS: dict[str, dict[str, object]] = {
    "code": {"outputs": [], "execution_count": None},
    "markdown": {},
    "raw": {},
}


def read_submitted(path: Path) -> SubmittedNotebook:
    """Return the notebook of a file, of which only what is needed is used. Raises UnknownNotebook."""
    try:
        content = read_plain(path, MOST_BYTES)
    except OSError as problem:
        raise UnknownNotebook("The file cannot be read.", why=f"{problem.strerror}.") from problem
    try:
        found = parse_plain_json(content, deepest=_DEEPEST)
    except ValueError as problem:
        raise UnknownNotebook("It is no notebook.", why="It is not valid JSON.") from problem
    try:
        return SubmittedNotebook(tuple(_cells(found)))
    except _NO_NOTEBOOK as problem:
        raise UnknownNotebook("It is no notebook.", why="It has no cells of Jupyter's format 4.") from problem


def _cells(notebook: Any) -> Iterator[tuple[str, str]]:
    cells = notebook["cells"]
    if not isinstance(cells, list) or len(cells) > _MOST_CELLS:
        raise TypeError
    for cell in cells:
        kind, source = cell["cell_type"], cell["source"]
        _ = _FIELDS[kind]
        yield kind, source if isinstance(source, str) else "".join(source)


def sheet_of(notebook: SubmittedNotebook, name: str, wanted: str = "") -> Sheet:
    """Return the sheet that a notebook opens, else that of its file's name, else the one `wanted`.

    Raises InvalidInput where there is none.
    """
    opened = next((sheet for each in _opened(notebook.code) if (sheet := find_sheet(each))), None)
    found = opened or _in_name(name) or (sheet_named(wanted) if wanted else None)
    if found is None:
        raise InvalidInput(
            "It is no sheet of the workshop.",
            why='It has no open_sheet("NAME") with the name of a sheet, and its own name has none.',
        )
    return found


def _opened(code: Sequence[str]) -> Iterator[str]:
    """Yield the names in calls of `open_sheet`, as they stand there: nothing is run."""
    for source in code:
        try:
            tree = ast.parse(source)
        except _NOT_PARSED:  # also a cell with one of IPython's magics
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name_of(node.func) == "open_sheet" and node.args:
                argument = node.args[0]
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value


def _name_of(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def _in_name(name: str) -> Sheet | None:
    return next((each for each in all_sheets() if each.name in name), None)
