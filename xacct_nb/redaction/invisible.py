"""Control and invisible characters, made visible in what is shown."""

import re

# Control characters except tab and line feed, line separators, halves of surrogate pairs, and characters
# without a glyph (Unicode's Default_Ignorable_Code_Point, such as direction marks) except the two of emoji.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def printable(raw: str) -> str:
    """Return text that is safe to show: control and invisible characters appear as their codes.

    The codes are Python's escapes; those of four digits are JSON's too.
    """
    return _INVISIBLE.sub(_code_of, raw)


def on_one_line(raw: str) -> str:
    """Return text that is safe to show on one line."""
    return printable(raw).replace("\n", "\\n").replace("\t", "\\t")


def _code_of(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
