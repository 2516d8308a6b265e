"""Finds the values under the name of a column: in CSV, in a table of tabs, in a table of Markdown."""

import re
from collections.abc import Iterator

_SEPARATORS = ",;\t|"
_LONGEST, _MOST = 2000, 500  # characters of a line; rows
_BREAK = re.compile(r"\n|\\{1,32}n")
_BRACKET = re.compile(r"[\[{(] ?\\{0,9}[\"']")
_SURE = re.compile(r"(?=.*[0-9])[^()\[\]{}=*]+")
_CELL = re.compile(r"[\s\"']*(.*?)[\s\"']*")
_HEAD = re.compile(r"[\w \t.,:;|()\"'/-]{3,2000}")
_RULE = re.compile(r"[\s|:+-]*")  # the line between the head and the rows of a table


def find_column(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the cells under a name that stands from `start` to `end`, if that is the head of a column."""
    found = _BREAK.search(text, end, end + _LONGEST)
    if found is None:
        return
    line, first = found[0], max(0, start - _LONGEST)
    first = max(first, *(text.rfind(each, first, start) + len(each) for each in {line, "\n"}))
    first = start - len(_BRACKET.split(text[first:start])[-1])
    before, after = text[first:start].rstrip(" \"'"), text[end : found.start()].lstrip(" \"'")
    separator = after[:1] or before[-1:]
    if not separator or separator not in _SEPARATORS or (before and before[-1] != separator):
        return
    if _HEAD.fullmatch(text, start, found.start()):
        yield from _cells(text, found.end(), line, separator, before.count(separator), after.count(separator))


def _cells(
    text: str, first: int, line: str, separator: str, before: int, after: int
) -> Iterator[tuple[int, int]]:
    """Yield the cell of each row that has so many cells after it, and no more before it.

    The head may have more before it, such as the time in a log.
    """
    for _ in range(_MOST):
        found = _BREAK.search(text, first, first + _LONGEST)
        if found and found[0] not in (line, "\n"):
            return
        last = found.start() if found else min(len(text), first + _LONGEST)
        cells = text[first:last].split(separator)
        is_rule = "-" in cells[-1] and _RULE.fullmatch(text, first, last)
        number = len(cells) - 1 - after
        if not is_rule and (len(cells) < 2 or not 0 <= number <= before):
            return
        cell = _CELL.fullmatch(cells[number]) if not is_rule else None
        at = first + sum(len(each) + 1 for each in cells[:number])
        if cell and cell[1] and (number == before or _SURE.fullmatch(cell[1])):
            yield at + cell.start(1), at + cell.end(1)
        if not found or found[0] != line:
            return
        first = found.end()
