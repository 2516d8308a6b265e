"""A view as a terminal shows it: in the width of the terminal, and in colour where it has colours."""

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, TextIO

import click

from xacct_nb.redaction.invisible import on_one_line, printable
from xacct_nb.views import Code, Diff, Page, Shown, SideBySide, Table, Text, View, diff_tone, text

_NARROWEST = 12  # characters of a column; a table that needs narrower ones is shown row by row
_LONGEST_WORD = 20  # characters; a shorter word is not broken
_GAP = "  "
_COMMAND = re.compile(r": (?=(?:xacct-nb|aws) )")
_BREAKS = re.compile(r"[^\s/:,_-]*[\s/:,_-]?")
_COLOURS: dict[str, dict[str, Any]] = {
    "good": {"fg": "green"},
    "bad": {"fg": "red"},
    "note": {"dim": True},
    "add": {"fg": "green"},
    "change": {"fg": "yellow"},
    "destroy": {"fg": "red"},
    "title": {"bold": True},
}
# Which columns of a row have its colour, as in HTML; all of them where a tone is not named here.
_PAINTED = {"good": (-1,), "add": (0,), "change": (0,), "destroy": (0,)}


@dataclass(frozen=True)
class Terminal:
    """How many columns a stream has (0: no limit), and whether it shows colours."""

    columns: int = 0
    colours: bool = False

    def paint(self, shown: str, tone: str) -> str:
        """Return the text in the colour of its tone."""
        return click.style(shown, **_COLOURS[tone]) if self.colours and tone in _COLOURS else shown

    def text(self, view: View) -> str:
        """Render the view; like its plain text where the stream is no terminal."""
        if not self.columns and not self.colours:
            return text(view)
        return _TEXT[type(view)](view, self) if type(view) in _TEXT else text(view)


def terminal(stream: TextIO) -> Terminal:
    """Return what is known of the stream: its width from $COLUMNS or the terminal; $NO_COLOR is kept."""
    is_terminal = stream.isatty()
    columns = shutil.get_terminal_size().columns if is_terminal or "COLUMNS" in os.environ else 0
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return Terminal(columns, is_terminal and not plain)


def on_terminal(value: object) -> str:
    """Return a value as standard output shows it."""
    return terminal(sys.stdout).text(value.view()) if isinstance(value, Shown) else str(value)


def _text(view: Text, on: Terminal) -> str:
    lines = printable(view.text).split("\n")
    return "\n".join(on.paint(part, view.tone) for line in lines for part in _filled(line, on.columns))


def _filled(line: str, width: int) -> list[str]:
    """Return the line, wrapped at spaces only; a command at its end stays in one piece to be copied."""
    if len(line) <= width or not width:
        return [line]
    if len(parts := _COMMAND.split(line, maxsplit=1)) > 1:
        return [*_filled(f"{parts[0]}:", width), f"{_GAP}{parts[1]}"]
    indent = " " * (len(line) - len(line.lstrip()))
    filled = textwrap.wrap(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return filled or [""]


def _page(page: Page, on: Terminal) -> str:
    title = on_one_line(page.title)
    rule = "=" * min(len(title), on.columns or len(title))
    return "\n\n".join([f"{on.paint(title, 'title')}\n{rule}", *(on.text(part) for part in page.parts)])


def _diff(view: Diff, on: Terminal) -> str:
    lines = (on.paint(f"  {printable(line)}", diff_tone(line)) for line in view.lines)
    return "\n".join([on.paint(on_one_line(view.title), "title"), *lines])


def _code(view: Code, on: Terminal) -> str:
    title = on.paint(on_one_line(view.title), "title")
    return f"{title}\n{textwrap.indent(printable(view.code), '  ')}"


def _table(table: Table, on: Terminal) -> str:
    rows = [[printable(cell).split("\n") for cell in row] for row in (table.headers, *table.rows)]
    wanted = [max(len(line) for row in rows for line in row[each]) for each in range(len(table.headers))]
    caption = [on.paint(on_one_line(table.caption), "title")] if table.caption else []
    words = [max(_longest_word(line) for row in rows for line in row[each]) for each in range(len(wanted))]
    least = [
        size if each in table.unbroken else max(word, _NARROWEST)
        for each, (size, word) in enumerate(zip(wanted, words, strict=True))
    ]
    widths = _fit(wanted, least, on.columns)
    if not widths:
        return "\n".join([*caption, *_row_by_row(table, on)])
    tones = table.tones or ("",) * len(table.rows)
    packed = ([_packed(cell, width) for cell, width in zip(row, widths, strict=True)] for row in rows)
    head, *lines = [
        line
        for cells, tone in zip(packed, ("", *tones), strict=True)
        for line in _row(cells, widths, tone, on)
    ]
    rule = _GAP.join("-" * width for width in widths)
    return "\n".join([*caption, *([head, rule] if any(table.headers) else []), *lines])


def _fit(wanted: Sequence[int], least: Sequence[int], columns: int) -> list[int]:
    """Return widths that fit into the terminal's columns, taken from the widest; none where they cannot."""
    gaps, widths = len(_GAP) * (len(wanted) - 1), list(wanted)
    while columns and sum(widths) + gaps > columns:
        wide = [at for at, width in enumerate(widths) if width > least[at]]
        if not wide:
            return []
        widths[max(wide, key=widths.__getitem__)] -= 1
    return widths


def _longest_word(line: str) -> int:
    """Return the length of the longest part of a line that is short enough to stay whole."""
    lengths = (len(part.rstrip()) for part in _BREAKS.findall(line))
    return max((length for length in lengths if length <= _LONGEST_WORD), default=0)


def _row_by_row(table: Table, on: Terminal) -> Iterator[str]:
    """Yield of each row its first cell, and below it the others: with their headers, or in one paragraph."""
    tones = table.tones or ("",) * len(table.rows)
    for (first, *rest), tone in zip(table.rows, tones, strict=True):
        yield on.paint(on_one_line(first), tone or "title")
        if table.unbroken:
            yield textwrap.indent("\n".join(_filled(_GAP.join(map(on_one_line, rest)), on.columns - 2)), _GAP)
        else:
            pairs = zip(table.headers[1:], rest, strict=True)
            yield from (line for header, cell in pairs if cell for line in _labelled(header, cell, on))


def _labelled(header: str, cell: str, on: Terminal) -> Iterator[str]:
    label = f"{_GAP}{header}: " if header else _GAP
    lines = _packed(printable(cell).split("\n"), max(on.columns - len(label), _NARROWEST))
    yield from (f"{' ' * len(label) if at else label}{line}" for at, line in enumerate(lines))


def _packed(lines: Iterable[str], width: int) -> list[str]:
    """Return the lines with none longer than `width`, broken after spaces and after the signs of an ARN."""
    found: list[str] = []
    for line in lines:
        found.append("")
        for part in _BREAKS.findall(line):
            if found[-1] and len(found[-1]) + len(part.rstrip()) > width:
                found.append("")
            found[-1] += part
            while len(found[-1].rstrip()) > width:
                found[-1:] = [found[-1][:width], found[-1][width:]]
    return [line.rstrip() for line in found]


def _row(cells: Sequence[Sequence[str]], widths: Sequence[int], tone: str, on: Terminal) -> Iterator[str]:
    painted = {at % len(widths) for at in _PAINTED.get(tone, range(len(widths)))}
    for line in zip_longest(*cells, fillvalue=""):
        padded = [part.ljust(width) for part, width in zip(line, widths, strict=True)]
        padded[-1] = padded[-1].rstrip()
        yield _GAP.join(
            on.paint(part, tone) if at in painted else part for at, part in enumerate(padded)
        ).rstrip()


_TEXT: dict[type, Callable[[Any, Terminal], str]] = {
    Text: _text,
    Table: _table,
    Code: _code,
    Diff: _diff,
    SideBySide: lambda view, on: f"{on.text(view.left)}\n\n{on.text(view.right)}",
    Page: _page,
}
