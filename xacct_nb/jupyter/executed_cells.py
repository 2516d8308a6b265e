"""The notebook of a person's run as it was executed: its cells, noted by the kernel that runs them."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xacct_nb.jupyter.cell_hooks import shell_of_this_kernel
from xacct_nb.jupyter.cell_states import METADATA_NAME
from xacct_nb.jupyter.messages import valid_message
from xacct_nb.jupyter.output_limit import OutputLimit

_KINDS = ("stream", "display_data", "execute_result", "error")
_FOLLOWS = "of_xacct_nb_cells"
_LARGEST = 20_000_000  # bytes of a notebook's file
Json = dict[str, Any]


@dataclass
class ExecutedCell:
    """A code cell that was run: its source, its outputs in their order, and how it ended."""

    source: str
    outputs: list[Json] = field(default_factory=list)
    state: str = "running"

    def to_json(self) -> Json:
        """Return the cell as a notebook's file has it."""
        return {**_code(self.source, self.state), "outputs": self.outputs}


class ExecutedCells:
    """Notes each cell of this kernel from now on, with its outputs; `earlier` are the inputs before.

    A cell that is run again replaces its earlier run. `path` is the notebook's file, None where it is not
    known: only the file has the prose.
    """

    def __init__(self, path: Path | None, earlier: list[str]) -> None:
        self.path, self.earlier = path, earlier
        self._cells: dict[str, ExecutedCell] = {}
        self._requests: dict[str, str] = {}
        self._limit = OutputLimit()

    def begin(self, cell: str, source: str, request: str) -> None:
        """Note that a cell begins; `request` is the id of the message that runs it."""
        self._cells.pop(cell, None)
        self._cells[cell] = ExecutedCell(source)
        self._requests = {**{one: of for one, of in self._requests.items() if of != cell}, request: cell}

    def end(self, cell: str, state: str) -> None:
        """Note how a cell ended."""
        if cell in self._cells:
            self._cells[cell].state = state

    def take(self, message: Mapping[str, Any]) -> None:
        """Note an output of a cell, as far as a record has room for it."""
        cell = self._requests.get(message.get("parent_header", {}).get("msg_id", ""))
        valid = valid_message(message) if cell and message["msg_type"] in _KINDS else None
        if cell and valid:
            number = list(self._cells).index(cell)
            for each in self._limit.fit(valid, number):
                self._cells[cell].outputs.append(_output(each))

    def notebook(self) -> Json:
        """Return the notebook: the cells of its file, those that were run as they were run."""
        found = list(self._of_file())
        known = {name for name, _ in found}
        found += [(name, cell.to_json()) for name, cell in self._cells.items() if name not in known]
        metadata = {METADATA_NAME: {"ending": "completed"}}
        cells = [cell for _, cell in found]
        return {"nbformat": 4, "nbformat_minor": 4, "metadata": metadata, "cells": cells}

    def _of_file(self) -> Iterator[tuple[str, Json]]:
        """Yield the cells of the file with their ids, after earlier inputs that the file does not have."""
        cells, earlier = _cells_in(self.path), [each.strip() for each in self.earlier if each.strip()]
        sources = {_source(cell).strip() for cell in cells}
        yield from (("", _code(source, "completed")) for source in earlier if source not in sources)
        for cell in cells:
            name, source = str(cell.get("id", "")), _source(cell)
            if name in self._cells:
                yield name, self._cells[name].to_json()
            elif cell["cell_type"] == "code":
                yield name, _code(source, "completed" if source.strip() in earlier else "not-run")
            else:
                yield name, {"cell_type": cell["cell_type"], "metadata": {}, "source": source}


def note_executed_cells() -> ExecutedCells | None:
    """Note every cell of this kernel from the one that runs now; None outside of a Jupyter kernel."""
    shell = shell_of_this_kernel()
    kernel = getattr(shell, "kernel", None)
    if shell is None or kernel is None:
        return None
    inputs = [str(each) for each in shell.history_manager.input_hist_raw]
    noted = ExecutedCells(_file(shell.user_ns), inputs[:-1])
    request = kernel.get_parent()
    cell = request.get("metadata", {}).get("cellId") or inputs[-1]
    noted.begin(cell, inputs[-1], request.get("header", {}).get("msg_id", ""))
    _follow(shell, kernel, noted)
    return noted


def _follow(shell: Any, kernel: Any, noted: ExecutedCells) -> None:
    """Call `noted` for each cell and each message that the kernel publishes, and no earlier one any more."""

    def before(info: Any) -> None:
        request = kernel.get_parent().get("header", {}).get("msg_id", "")
        noted.begin(info.cell_id or info.raw_cell, info.raw_cell, request)

    def after(result: Any) -> None:
        failed = result.error_before_exec or result.error_in_exec
        noted.end(result.info.cell_id or result.info.raw_cell, "failed" if failed else "completed")

    send = getattr(kernel.session.send, _FOLLOWS, kernel.session.send)

    def sent(stream: Any, kind: Any, content: Any = None, parent: Any = None, *rest: Any, **more: Any) -> Any:
        message = kind if isinstance(kind, Mapping) else _message(kind, content, parent)
        if message["msg_type"] in _KINDS:
            noted.take(message)
        return send(stream, kind, content, parent, *rest, **more)

    setattr(sent, _FOLLOWS, send)
    kernel.session.send = sent
    for event, call in (("pre_run_cell", before), ("post_run_cell", after)):
        callbacks = shell.events.callbacks[event]
        callbacks[:] = [each for each in callbacks if not hasattr(each, _FOLLOWS)]
        setattr(call, _FOLLOWS, send)
        shell.events.register(event, call)


def _message(kind: str, content: Any, parent: Any) -> Json:
    header = (parent or {}).get("header", parent or {})
    return {"msg_type": kind, "header": {"msg_type": kind}, "parent_header": header, "content": content or {}}


def _output(message: Mapping[str, Any]) -> Json:
    """Return an output as a notebook's file has it."""
    kind, content = message["msg_type"], dict(message["content"])
    content.pop("transient", None)
    return {"output_type": kind, **content}


def _source(cell: Json) -> str:
    return "".join(cell["source"])


def _code(source: str, state: str) -> Json:
    metadata = {METADATA_NAME: {"state": state}}
    return {
        "cell_type": "code",
        "metadata": metadata,
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def _file(names: Mapping[str, Any]) -> Path | None:
    """Return the file of the notebook of this kernel, where Jupyter or VS Code names it."""
    given = os.environ.get("JPY_SESSION_NAME") or names.get("__vsc_ipynb_file__")
    return Path(str(given)) if given else None


def _cells_in(path: Path | None) -> list[Json]:
    """Return the cells of a notebook's file; none where it cannot be read."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        if path and path.suffix == ".ipynb" and path.stat().st_size <= _LARGEST:
            return [
                cell
                for cell in json.loads(path.read_bytes())["cells"]
                if cell["cell_type"] and "source" in cell
            ]
    return []
