"""Values as HCL, Terraform's language: texts in which nothing is interpolated."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

# A policy variable; another beginning of a template; what needs an escape.
_PIECES = re.compile(r'(?P<variable>\$\{[\w:./-]+\})|[$%](?=\{)|[^ -~]|["\\]', re.ASCII)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True)
class Expression:
    """HCL that stands as it is: a reference or a call of a function."""

    text: str


def string(text: str) -> str:
    """Return a text as a quoted string.

    A $ or % before a brace begins an interpolation or a directive. The $ of a policy variable, such as
    ${aws:username}, is doubled; elsewhere the code of the character stands in its place.
    """
    return f'"{_PIECES.sub(_escaped, text)}"'


def _escaped(found: re.Match[str]) -> str:
    piece = found[0]
    if found["variable"]:
        return f"${piece}"
    return _ESCAPES.get(piece) or (f"\\u{ord(piece):04x}" if ord(piece) <= 0xFFFF else f"\\U{ord(piece):08x}")


def value(of: Any, indent: int = 0) -> str:
    """Return JSON-like data as an expression of several lines."""
    inner, outer = "  " * (indent + 1), "  " * indent
    if isinstance(of, Expression):
        return of.text
    if isinstance(of, str):
        return string(of)
    if isinstance(of, bool):
        return "true" if of else "false"
    if isinstance(of, Mapping):
        lines = list(_aligned([(string(key), value(item, indent + 1)) for key, item in of.items()]))
        return "\n".join(["{", *(f"{inner}{line}" for line in lines), f"{outer}}}"]) if lines else "{}"
    if isinstance(of, (list, tuple)):
        lines = [f"{inner}{value(item, indent + 1)},\n" for item in of]
        return f"[\n{''.join(lines)}{outer}]" if lines else "[]"
    return str(of)


def block(header: Iterable[str], attributes: Mapping[str, Any], *inner: str) -> str:
    """Return a block: its type and labels, its attributes, and the blocks in it."""
    kind, *labels = header
    lines = [f"  {line}" for line in _aligned([(name, value(item, 1)) for name, item in attributes.items()])]
    nested = ["\n".join(f"  {line}" for line in each.split("\n")) for each in inner]
    return "\n".join([" ".join([kind, *map(string, labels), "{"]), *lines, *nested, "}"])


def _aligned(pairs: list[tuple[str, str]]) -> Iterator[str]:
    """Yield names with their values, aligned as `terraform fmt` does: values of one line in a row."""
    for single, group in groupby(pairs, lambda pair: "\n" not in pair[1]):
        run = list(group)
        width = max(len(name) for name, _ in run) if single else 0
        yield from (f"{name.ljust(width)} = {text}" for name, text in run)
