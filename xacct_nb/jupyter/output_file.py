"""The file of an executed notebook: redacted, replaced whole, never written over another executed one."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from xacct_nb.errors import InvalidInput
from xacct_nb.grants.conditions import EXTERNAL_ID_VARIABLE
from xacct_nb.jupyter.cell_states import METADATA_NAME
from xacct_nb.jupyter.import_blocker import FORMATS, hide_packages
from xacct_nb.redaction.patterns import credentials_in
from xacct_nb.redaction.redact import redact_all

with hide_packages(*FORMATS):
    from nbformat import NotebookNode, from_dict, writes
    from papermill.iorw import LocalHandler, papermill_io


class OutputFile:
    """The file at papermill's `output_path`, and the secrets that must not get into it; more may be added.

    Without a path nothing is saved. What is no regular file (S3, a pipe) is left to papermill.
    """

    def __init__(self, path: str | None, secrets: Iterable[str]) -> None:
        self.path, self.secrets = path, set(secrets)
        self._cells: dict[int, tuple[int, NotebookNode]] = {}

    def redact(self, notebook: NotebookNode) -> NotebookNode:
        """Return a redacted copy; a cell that has not changed since is not redacted again."""
        around = {name: value for name, value in notebook.items() if name != "cells"}
        cells = [self._cell(*each) for each in enumerate(notebook["cells"])]
        copy: NotebookNode = from_dict({**redact_all(around, self.secrets), "cells": cells})
        return copy

    def redact_output(self, output: NotebookNode) -> NotebookNode:
        """Return a redacted copy of one output."""
        copy: NotebookNode = from_dict(redact_all(output, self.secrets))
        return copy

    def save(self, notebook: NotebookNode) -> None:
        """Write the redacted notebook; a reader of the file sees the old text or the new one, whole."""
        text, file = writes(self.redact(notebook)), self._file()
        if file:
            _replace(file, text)
        elif self.path:
            papermill_io.write(text, self.path)

    def refuse_executed(self) -> None:
        """Raise InvalidInput if the file holds an executed notebook."""
        file = self._file()
        if file and file.exists() and _was_executed(file):
            raise InvalidInput(
                f"{self.path} holds an executed notebook.",
                why="It shows what was done, and is not overwritten.",
                hint="Name another output file, or move this one.",
            )

    def _cell(self, number: int, cell: NotebookNode) -> NotebookNode:
        key = hash((json.dumps(cell), len(self.secrets)))
        known = self._cells.get(number)
        if known is None or known[0] != key:
            known = self._cells[number] = key, redact_all(cell, self.secrets)
        return known[1]

    def _file(self) -> Path | None:
        handler = papermill_io.get_handler(self.path)
        if not isinstance(handler, LocalHandler):
            return None
        # Papermill takes the path from the folder where it was started, not from --cwd.
        file = Path(handler._cwd or "", str(self.path)).resolve()
        regular = file.is_file() if file.exists() else file.parent.is_dir()
        return file if regular else None


def output_file_for(notebook: NotebookNode, path: str | None) -> OutputFile:
    """Return the file, with the secrets in the environment and in the notebook's parameters."""
    given = {os.environ.get(EXTERNAL_ID_VARIABLE, "")}
    for each in _external_ids(notebook.metadata.papermill.get("parameters", {})):
        given.add(os.environ.get(each.removeprefix("env:"), "") if each.startswith("env:") else each)
    return OutputFile(path, credentials_in(os.environ) | given - {""})


def _external_ids(parameters: object) -> Iterator[str]:
    if isinstance(parameters, Mapping):
        for name, value in parameters.items():
            if name == "external_id" and isinstance(value, str) and not value.startswith("file:"):
                yield value
            yield from _external_ids(value)


def _was_executed(file: Path) -> bool:
    try:
        metadata = json.loads(file.read_bytes())["metadata"]
        return METADATA_NAME in metadata or bool(metadata["papermill"]["start_time"])
    except (ValueError, KeyError, TypeError):
        return False


def _replace(file: Path, text: str) -> None:
    new = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with new.open("w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(file)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
