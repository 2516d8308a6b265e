"""A notebook reduced to what a page shows of it: sources, pictures, outputs of known kinds; no metadata."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from xacct_nb.jupyter.cell_states import METADATA_NAME
from xacct_nb.jupyter.sanitize import preformatted
from xacct_nb.redaction.invisible import printable

if TYPE_CHECKING:
    from nbformat import NotebookNode

Data = Mapping[str, Any]  # JSON of a notebook, as anyone may have written it
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_SHORT = 200  # characters of an output that may stand twice
_NOTE = {
    "output_type": "display_data",
    "data": {"text/html": '<p class="xacct-text note">Shown at the top of this page.</p>'},
}
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")


def simplify(notebook: Data, page: str = "") -> "NotebookNode":
    """Return the notebook with nothing but text and pictures, whatever else it contains.

    An output that the page has already is replaced by a note.
    """
    from nbformat import from_dict

    cells = [_CELLS.get(cell["cell_type"], _raw)(_shown_once(cell, page)) for cell in notebook["cells"]]
    language = {"language_info": {"name": "python", "pygments_lexer": "ipython3"}}
    made: NotebookNode = from_dict({"nbformat": 4, "nbformat_minor": 4, "metadata": language, "cells": cells})
    return made


def _shown_once(cell: Data, page: str) -> Data:
    """Return the cell with a note in place of each long output that the page has, letter by letter."""
    outputs = [_NOTE if _is_in(page, each) else each for each in cell.get("outputs", ())]
    return {**cell, "outputs": outputs} if outputs else cell


def _is_in(page: str, output: Data) -> bool:
    fragment = _joined(output.get("data", {}).get("text/html", "")).strip()
    return len(fragment) > _SHORT and fragment in page


def _code(cell: Data) -> Data:
    shown = [_OUTPUTS.get(each["output_type"], _display)(each) for each in cell.get("outputs", ())]
    if note := _NOT_COMPLETED.get(cell.get("metadata", {}).get(METADATA_NAME, {}).get("state")):
        shown.append(_display({"data": {"text/html": f'<p class="xacct-text bad">{note}</p>'}}))
    return _cell("code", cell, outputs=[each for each in shown if each], execution_count=None)


def _prose(cell: Data) -> Data:
    pictures = {name: _known_data(data, _PICTURES) for name, data in cell.get("attachments", {}).items()}
    return _cell("markdown", cell, attachments={name: data for name, data in pictures.items() if data})


def _raw(cell: Data) -> Data:
    return {**_cell("raw", cell), "source": preformatted(_printable(cell["source"]))}


def _cell(kind: str, cell: Data, **more: object) -> Data:
    return {"cell_type": kind, "metadata": {}, "source": _printable(cell["source"]), **more}


def _stream(output: Data) -> Data:
    return {"output_type": "stream", "name": output["name"], "text": _terminal_text(output["text"])}


def _error(output: Data) -> Data:
    lines = [*map(_terminal_text, output["traceback"])]
    return {"output_type": "error", "ename": "", "evalue": "", "traceback": lines}


def _display(output: Data) -> Data:
    data = _known_data(output.get("data", {}), _KINDS)
    return {"output_type": "display_data", "metadata": {}, "data": data} if data else {}


def _known_data(data: Data, kinds: Iterable[str]) -> dict[str, str]:
    """Return the data of these kinds, each made safe as its kind is."""
    safe = {kind: _KINDS[kind](data[kind]) for kind in kinds if kind in data}
    return {kind: value for kind, value in safe.items() if value}


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(map(str, text))


def _printable(text: str | list[str]) -> str:
    return printable(_joined(text))


def _terminal_text(text: str | list[str]) -> str:
    """Return a terminal's text without its colours; a carriage return begins a new line."""
    return printable(_COLOUR.sub("", _joined(text)).replace("\r\n", "\n").replace("\r", "\n"))


def _base64(data: str | list[str]) -> str:
    encoded = _joined(data)
    return encoded if _BASE64.fullmatch(encoded) else ""


_CELLS: Mapping[str, Callable[[Data], Data]] = {"code": _code, "markdown": _prose}
_OUTPUTS: Mapping[str, Callable[[Data], Data]] = {"stream": _stream, "error": _error}
_KINDS: Mapping[str, Callable[[str | list[str]], str]] = {
    "text/html": _printable,
    "text/markdown": _printable,
    "image/svg+xml": _joined,
    "text/latex": _printable,
    "image/png": _base64,
    "image/jpeg": _base64,
    "text/plain": _terminal_text,
}
# Without a note, such a cell looks like one that ran to its end and showed nothing.
_NOT_COMPLETED = {
    "not-run": "This cell was not run.",
    "aborted": "This cell was interrupted.",
    "timed-out": "This cell reached its time limit and was interrupted.",
}
_PICTURES = ("image/png", "image/jpeg")
