"""Finds the values under the name of a column: in CSV, in a table of tabs, in a table of Markdown."""

import re
from collections.abc import Iterator

_SEPARATORS = ",;\t|"
_LONGEST, _MOST = 2000, 500  # characters of a line; rows
_CELL = re.compile(r"[\s\"']*(.*?)[\s\"']*")
_HEAD = re.compile(r"[\w \t.,;|()\"'/-]{3,2000}")
_RULE = re.compile(r"[\s|:+-]*")  # the line between the head and the rows of a table


def find_column(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the cells under a name that stands from `start` to `end`, if that is the head of a column."""
    first, last = text.rfind("\n", 0, start) + 1, _end_of_line(text, end)
    before, after = text[max(first, start - _LONGEST) : start].rstrip(" \"'"), text[end:last].lstrip(" \"'")
    separator = after[:1] or before[-1:]
    if not separator or separator not in _SEPARATORS or (before and before[-1] != separator):
        return
    if not _HEAD.fullmatch(text, first, last):
        return
    column, count = before.count(separator), text.count(separator, first, last)
    for _ in range(_MOST):
        first, last = last + 1, _end_of_line(text, last + 1)
        row = text[first:last]
        if _RULE.fullmatch(row) and "-" in row:
            continue
        cells = row.split(separator)
        if len(cells) != count + 1 or len(row) > _LONGEST:
            return
        cell = _CELL.fullmatch(cells[column])
        at = first + sum(len(each) + 1 for each in cells[:column])
        if cell and cell[1]:
            yield at + cell.start(1), at + cell.end(1)


def _end_of_line(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found
