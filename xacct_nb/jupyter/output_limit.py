"""How much of its cells' output a record keeps: what does not fit is cut, and a note says so."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

CELL, NOTEBOOK, OUTPUTS = (
    5_000_000,
    20_000_000,
    5_000,
)  # characters of a cell, of all cells; outputs of a cell
_ERROR_TEXT, _ERROR_LINES = 10_000, 100
_KINDS = ("stream", "display_data", "update_display_data", "execute_result", "error")
_NOTE = "\n[More output was left out: a record keeps {:,} characters and {:,} outputs of a cell.]\n"

Message = Mapping[str, Any]  # one that `valid_message` returned


class OutputLimit:
    """Counts the outputs as they arrive; `fit` shortens each to what there is room for."""

    def __init__(self, cell: int = CELL, notebook: int = NOTEBOOK, outputs: int = OUTPUTS) -> None:
        self._most, self._left, self._outputs = cell, notebook, outputs
        self._cell, self._used, self._count, self._noted = -1, 0, 0, False

    def fit(self, message: Message, cell: int) -> Iterator[Message]:
        """Yield the message with what there is room for; once for each cell, a note says what is left out."""
        kind, content = message["msg_type"], message["content"]
        if cell != self._cell:
            self._cell, self._used, self._count, self._noted = cell, 0, 0, False
        if kind == "clear_output":
            self._left, self._used, self._count = self._left + self._used, 0, 0
        if kind not in _KINDS:
            yield message
            return
        room = min(self._most - self._used, self._left) if self._count < self._outputs else 0
        fitting = _FITTING.get(kind, _fitting_data)(content, max(0, room))
        if fitting:
            self._take(fitting)
            yield {**message, "content": fitting}
        if kind != "error" and fitting != content and not self._noted:
            self._noted = True
            yield _note(message, _NOTE.format(self._most, self._outputs))

    def _take(self, content: Mapping[str, Any]) -> None:
        size = _size(content)
        self._used, self._left, self._count = self._used + size, self._left - size, self._count + 1


def _note(message: Message, text: str) -> Message:
    header = {**message["header"], "msg_type": "stream"}
    return {
        **message,
        "header": header,
        "msg_type": "stream",
        "content": {"name": "stderr", "text": text},
    }


def shortened(text: str, most: int = _ERROR_TEXT) -> str:
    """Return the text without its middle, where it is longer than `most`."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}\n[{len(text) - most:,} characters left out]\n{text[-most // 2 :]}"


def _fitting_stream(content: Mapping[str, Any], room: int) -> dict[str, Any]:
    text = content["text"][:room]
    return {**content, "text": text} if text or not content["text"] else {}


def _fitting_error(content: Mapping[str, Any], room: int) -> dict[str, Any]:
    """Return the error, which is kept where there is room for nothing else."""
    lines = content["traceback"]
    if len(lines) > _ERROR_LINES:
        half = _ERROR_LINES // 2
        lines = [*lines[:half], f"[{len(lines) - _ERROR_LINES:,} lines left out]", *lines[-half:]]
    named = {name: shortened(content[name]) for name in ("ename", "evalue")}
    return {**content, **named, "traceback": [*map(shortened, lines)]}


def _fitting_data(content: Mapping[str, Any], room: int) -> dict[str, Any]:
    """Return the data if all of it fits, else what fits of its plain text."""
    if _size(content) <= room:
        return dict(content)
    plain = content["data"].get("text/plain", "")[:room]
    return {**content, "data": {"text/plain": plain}, "metadata": {}} if plain else {}


_FITTING = {"stream": _fitting_stream, "error": _fitting_error}


def _size(content: Mapping[str, Any]) -> int:
    if "text" in content:
        return len(content["text"])
    data = (each if isinstance(each, str) else json.dumps(each) for each in content.get("data", {}).values())
    lines = content.get("traceback", ())
    return sum(map(len, data)) + sum(map(len, lines)) + len(json.dumps(content.get("metadata", {})))
