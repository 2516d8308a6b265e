"""A kernel's messages as nbclient and nbformat accept them, whatever a cell sent in their place."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_client.channels import AsyncZMQSocketChannel

Message = dict[str, Any]  # of Jupyter's protocol
_JSON_KIND = re.compile(r"application/(?:.*\+)?json")  # as in nbformat's schema
_DEEPEST, _LONGEST_NAME = 50, 200
_NOT_A_MESSAGE = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError)


class TolerantChannel(AsyncZMQSocketChannel):
    """A channel that skips what is no message: a cell can write to its kernel's sockets."""

    async def _recv(self, **kwargs: Any) -> Message:  # type: ignore[override]
        while True:
            try:
                message: Message = await super()._recv(**kwargs)
                if isinstance(message["content"], dict) and isinstance(message["parent_header"], dict):
                    return message
            except _NOT_A_MESSAGE:
                continue


def valid_message(message: Mapping[str, Any]) -> Message | None:
    """Return the message with valid content; None for one that says nothing to a notebook."""
    kind, content = message["header"].get("msg_type"), message["content"]
    made = _CONTENTS[kind](content) if kind in _CONTENTS else None
    return None if made is None else {**message, "msg_type": kind, "content": made}


def text_of(value: object) -> str:
    """Return text that UTF-8 can hold; what is no text becomes its JSON."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = "".join(value)
    text = value if isinstance(value, str) else _json_text(value)
    return text.encode(errors="backslashreplace").decode()


def _json_text(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=repr)
    except (ValueError, TypeError, RecursionError):
        return "(no text)"


def json_of(value: object) -> Any:
    """Return JSON data that every reader accepts: NaN becomes text, and so does what is nested deep."""
    if _is_deep(value, _DEEPEST):
        return "(nested too deep to be kept)"
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return json.loads(text.encode(errors="replace"), parse_constant=str)


def _is_deep(value: object, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return levels == 0 or any(_is_deep(each, levels - 1) for each in inner)


def _stream(content: Mapping[str, Any]) -> Message:
    name = "stderr" if content.get("name") == "stderr" else "stdout"
    return {"name": name, "text": text_of(content.get("text", ""))}


def _display(content: Mapping[str, Any]) -> Message:
    data, metadata = _mapping(content.get("data")), _mapping(content.get("metadata"))
    display_id = _mapping(content.get("transient")).get("display_id")
    return {
        "data": {_name(kind): _datum(kind, each) for kind, each in data.items()},
        "metadata": json_of(metadata) if not _is_deep(metadata, _DEEPEST) else {},
        "transient": {"display_id": display_id} if isinstance(display_id, str) else {},
    }


def _result(content: Mapping[str, Any]) -> Message:
    return _display(content) | _count(content)


def _error(content: Mapping[str, Any]) -> Message:
    lines = content.get("traceback")
    return {
        "ename": text_of(content.get("ename", "")),
        "evalue": text_of(content.get("evalue", "")),
        "traceback": [*map(text_of, lines)] if isinstance(lines, list) else [],
    }


def _clear(content: Mapping[str, Any]) -> Message:
    return {"wait": bool(content.get("wait"))}


def _comm(content: Mapping[str, Any]) -> Message | None:
    known = isinstance(content.get("comm_id"), str) and isinstance(content.get("data"), dict)
    return dict(content) if known and isinstance(content["data"].get("state", {}), dict) else None


def _status(content: Mapping[str, Any]) -> Message | None:
    state = content.get("execution_state")
    return {"execution_state": state} if isinstance(state, str) else None


def _count(content: Mapping[str, Any]) -> Message:
    count = content.get("execution_count")
    return {"execution_count": count if isinstance(count, int) and count >= 0 else None}


def _datum(kind: str, value: object) -> Any:
    return json_of(value) if _JSON_KIND.fullmatch(kind) else text_of(value)


def _name(kind: str) -> str:
    return text_of(kind)[:_LONGEST_NAME]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


_CONTENTS: Mapping[Any, Callable[[Mapping[str, Any]], Message | None]] = {
    "stream": _stream,
    "display_data": _display,
    "update_display_data": _display,
    "execute_result": _result,
    "error": _error,
    "clear_output": _clear,
    "comm_open": _comm,
    "comm_msg": _comm,
    "status": _status,
    "execute_input": _count,
}
