"""An executed notebook on its way to a file: without secrets, written whole, never over an older one."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from xacct_nb.errors import InvalidInput
from xacct_nb.grants.parameters import EXTERNAL_ID_VARIABLE
from xacct_nb.jupyter.cell_states import NAME
from xacct_nb.jupyter.import_blocker import FORMATS, spared
from xacct_nb.redaction.patterns import credentials_in
from xacct_nb.redaction.redact import redact_all

with spared(*FORMATS):
    from nbformat import NotebookNode, from_dict, writes
    from papermill.iorw import LocalHandler, papermill_io


class Outlet:
    """Where papermill's `output_path` leads, and the secrets that must not get there; more may become known.

    Without a path nothing is saved. Where no regular file can be (S3, a pipe), papermill writes, or refuses.
    """

    def __init__(self, path: str | None, secrets: Iterable[str]) -> None:
        self.path, self.secrets = path, set(secrets)
        self._cells: dict[int, tuple[int, Any]] = {}

    def clean(self, notebook: Mapping[str, Any]) -> NotebookNode:
        """A redacted copy; a cell is looked through again only where something in it is new."""
        around = {name: value for name, value in notebook.items() if name != "cells"}
        cells = [self._cell(*each) for each in enumerate(notebook["cells"])]
        copy: NotebookNode = from_dict({**redact_all(around, self.secrets), "cells": cells})
        return copy

    def clean_output(self, output: Mapping[str, Any]) -> NotebookNode:
        """A redacted copy of one output."""
        copy: NotebookNode = from_dict(redact_all(output, self.secrets))
        return copy

    def save(self, notebook: NotebookNode) -> None:
        """Writes the redacted notebook; whoever reads the file meanwhile sees the old one or the new one."""
        words, file = writes(self.clean(notebook)), self._file()
        if file:
            _replace(file, words)
        elif self.path:
            papermill_io.write(words, self.path)

    def refuse_older(self) -> None:
        """Raises InvalidInput where the file holds an executed notebook."""
        file = self._file()
        if file and file.exists() and _was_executed(file):
            raise InvalidInput(
                f"{self.path} holds an executed notebook.",
                why="It tells what was done, and is not overwritten.",
                hint="Name another output file, or move this one away.",
            )

    def _cell(self, number: int, cell: Mapping[str, Any]) -> Any:
        now = hash((json.dumps(cell), len(self.secrets)))
        then, copy = self._cells.get(number, (None, None))
        if now != then:
            copy = redact_all(cell, self.secrets)
            self._cells[number] = now, copy
        return copy

    def _file(self) -> Path | None:
        handler = papermill_io.get_handler(self.path)
        if not isinstance(handler, LocalHandler):
            return None
        # Papermill takes the path from the folder where it was started, not from --cwd.
        file = Path(handler._cwd or "", str(self.path)).resolve()
        plain = file.is_file() if file.exists() else file.parent.is_dir()
        return file if plain else None


def outlet_of(notebook: NotebookNode, path: str | None) -> Outlet:
    """The outlet, with the secrets that the environment and the notebook's parameters give."""
    given = {os.environ.get(EXTERNAL_ID_VARIABLE, "")}
    for each in _external_ids(notebook.metadata.papermill.get("parameters", {})):
        given.add(os.environ.get(each.removeprefix("env:"), "") if each.startswith("env:") else each)
    return Outlet(path, credentials_in(os.environ) | given - {""})


def _external_ids(parameters: Any) -> Iterator[str]:
    if isinstance(parameters, Mapping):
        for name, value in parameters.items():
            if name == "external_id" and isinstance(value, str) and not value.startswith("file:"):
                yield value
            yield from _external_ids(value)


def _was_executed(file: Path) -> bool:
    try:
        metadata = json.loads(file.read_bytes())["metadata"]
        return NAME in metadata or bool(metadata["papermill"]["start_time"])
    except (ValueError, KeyError, TypeError):
        return False


def _replace(file: Path, words: str) -> None:
    new = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with new.open("w", encoding="utf-8") as opened:
            opened.write(words)
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(file)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
