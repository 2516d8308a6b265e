"""Reads a query or a form once, for the guard and for each part of MiniStack that needs it."""

from functools import lru_cache
from urllib import parse

from xacct_nb.sandbox.ministack.xml_text import XmlText

Form = dict[str, list[str]]
"""The values of each name, as `urllib.parse.parse_qs` returns them."""

# MiniStack makes ARNs of these; `xml_text` has the ARN and the path escaped once they are stored.
_PATHS = ("Path", "NewPath")
_read = lru_cache(maxsize=16)(parse.parse_qs)


def parse_qs(text: str, keep_blank_values: bool = False) -> Form:
    """Return what `urllib.parse.parse_qs` returns."""
    return {name: [*values] for name, values in _read(text, keep_blank_values).items()} if text else {}


def first_values(text: str) -> dict[str, str]:
    """Return the names and values of a query or a form; of two values of a name the first."""
    return {name: values[0] for name, values in _read(text, True).items()} if text else {}


def parse_first(text: str) -> Form:
    """Return `first_values` that are not blank: IAM and STS serve what the guard has checked."""
    return {
        name: [value if name in _PATHS else XmlText(value)]
        for name, value in first_values(text).items()
        if value
    }
