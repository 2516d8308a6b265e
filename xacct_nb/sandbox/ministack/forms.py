"""Reads the form of a query-protocol call once, for the guard and for MiniStack."""

from collections.abc import Callable
from urllib.parse import unquote_plus

Form = dict[str, list[str]]
"""What `urllib.parse.parse_qs` makes of a form."""

_last_read: tuple[str, dict[str, str]] = ("", {})


def read_pairs(text: str) -> dict[str, str]:
    """Return names and values of a query or a form; of two values of a name the first, as MiniStack does."""
    parts = [part.partition("=") for part in reversed(text.split("&")) if part]
    return {
        unquote_plus(name): unquote_plus(value) if "%" in value or "+" in value else value
        for name, _, value in parts
    }


def read_form(text: str) -> dict[str, str]:
    """Return the pairs of a form, and keep them for `read_once`."""
    global _last_read  # noqa: PLW0603
    pairs = read_pairs(text)
    _last_read = text, pairs
    return pairs


def read_once(parse: Callable[[str], Form]) -> Callable[[str], Form]:
    """Return `parse_qs`, which for the form that `read_form` read last gives what was read."""

    def read(text: str) -> Form:
        last, pairs = _last_read
        return {name: [value] for name, value in pairs.items() if value} if last == text else parse(text)

    return read
