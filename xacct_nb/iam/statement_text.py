"""Puts one statement into the JSON text of a policy, or takes it out; every other character stays."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from xacct_nb.iam.quotas import minify

_DECODER, _SPACE = json.JSONDecoder(), re.compile(r"[ \t\n\r]*")
Span = tuple[int, int]


def put_statement(text: str, sid: str, statement: Mapping[str, Any] | None) -> str:
    """Return the text with this statement under its Sid, in its place or as the last one; None removes it.

    A single statement outside a list gets one. Raises ValueError where the text is no policy, or where the
    only statement would be removed.
    """
    start, end = _statement_element(text)
    listed = text[start] == "["
    spans = list(_items(text, start)) if listed else [(start, end)]
    ours = [number for number, (first, last) in enumerate(spans) if _sid(text[first:last]) == sid]
    if not ours:
        return text if statement is None else _appended(text, (start, end), spans, minify(statement), listed)
    number = ours[0]
    first, last = spans[number]
    if statement is not None:
        return text[:first] + minify(statement) + text[last:]
    if len(spans) == 1:
        raise ValueError("a policy needs a statement")
    # The comma goes with it: that before the last one, else that after it.
    if number + 1 == len(spans):
        return text[: spans[number - 1][1]] + text[last:]
    return text[:first] + text[spans[number + 1][0] :]


def _appended(text: str, element: Span, spans: list[Span], added: str, listed: bool) -> str:
    start, end = element
    if not listed:
        return f"{text[:start]}[{text[start:end]},{added}]{text[end:]}"
    at = spans[-1][1] if spans else start + 1
    return f"{text[:at]}{',' if spans else ''}{added}{text[at:]}"


def _statement_element(text: str) -> Span:
    """Return the place of the value of the element Statement; of two the last, as JSON readers do."""
    found = [span for name, span in _members(text, _skip(text, 0)) if name == "Statement"]
    if not found:
        raise ValueError("there is no Statement")
    return found[-1]


def _sid(statement: str) -> str:
    fields = json.loads(statement)
    return str(fields.get("Sid", "")) if isinstance(fields, Mapping) else ""


def _members(text: str, at: int) -> Iterator[tuple[str, Span]]:
    """Yield the name and the place of each value of the object that begins here."""
    at = _skip(text, at + 1)
    while text[at] != "}":
        name, after = _DECODER.raw_decode(text, at)
        start = _skip(text, _skip(text, after) + 1)
        end = _DECODER.raw_decode(text, start)[1]
        yield name, (start, end)
        at = _next(text, end)


def _items(text: str, at: int) -> Iterator[Span]:
    """Yield the place of each value of the list that begins here."""
    at = _skip(text, at + 1)
    while text[at] != "]":
        end = _DECODER.raw_decode(text, at)[1]
        yield at, end
        at = _next(text, end)


def _next(text: str, end: int) -> int:
    """Return where the next value begins, or the bracket that ends the object or list."""
    at = _skip(text, end)
    return _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
