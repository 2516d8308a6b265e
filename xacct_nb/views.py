"""What a value shows: described once and rendered twice, as text and as escaped HTML."""

import difflib
import json
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Union

from xacct_nb.redaction.invisible import on_one_line, printable

if TYPE_CHECKING:
    from jinja2 import Template

View = Union["Text", "Banner", "Link", "Table", "Code", "Diff", "Picture", "SideBySide", "Page"]
_CELL_WIDTH = 64  # a digest stays in one piece
# A web address, or a path of this server, with no colon that a browser would take for the end of a scheme.
_OPENS = re.compile(r"https?://[^\\\s]+|/?(?!/)[^:\\\s?#]*([?#][^\\\s]*)?")


@dataclass(frozen=True)
class Text:
    """A paragraph; `tone` is one of "", good, bad, note."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class Banner:
    """Where something acts, in words: `kind` is sandbox, aws, or the name of another endpoint."""

    text: str
    kind: str

    @property
    def word(self) -> str:
        """Return the word that says it."""
        return {"sandbox": "SANDBOX", "aws": "AWS"}.get(self.kind, f"ANOTHER ENDPOINT: {self.kind}")


@dataclass(frozen=True)
class Link:
    """A link to an address, or to a file; a browser opens `address` where that is not the target itself.

    Only a web address or a relative path becomes a link in HTML; what else a target is stays text.
    """

    text: str
    target: str
    address: str = ""

    @property
    def href(self) -> str:
        """Return what a browser may open, "" where the target cannot be opened safely."""
        wanted = self.address or ("" if self.target.startswith("/") else self.target)
        return wanted if _OPENS.fullmatch(printable(wanted)) else ""

    @property
    def is_apart(self) -> bool:
        """Return whether it opens in a tab of its own, so that the page with the link stays."""
        return self.href.startswith(("http", "/"))


@dataclass(frozen=True)
class Table:
    """Rows under headers; `tones` gives one tone a row: "", good, bad, note, add, change, destroy.

    A terminal never wraps the columns `unbroken`, so that they can be copied.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    tones: tuple[str, ...] = ()
    unbroken: tuple[int, ...] = ()


@dataclass(frozen=True)
class Code:
    """A block of code or a document, with a title above it."""

    title: str
    code: str


@dataclass(frozen=True)
class Diff:
    """The differences between two texts, line by line."""

    title: str
    before: str
    after: str

    @property
    def lines(self) -> list[str]:
        """Return unified diff lines without file headers; without line numbers where one text is empty."""
        pair = (_lines(self.before), _lines(self.after))
        return list(difflib.unified_diff(*pair, n=2, lineterm=""))[2 if all(pair) else 3 :]


@dataclass(frozen=True)
class Picture:
    """A picture, and the same in words: `alternative`, which begins with a line that sums it up.

    `svg` is markup that a template has escaped (`markupsafe.Markup`); any other text is shown as text.
    """

    title: str
    svg: str
    alternative: str


@dataclass(frozen=True)
class SideBySide:
    """Two views next to each other; in text one after the other."""

    left: View
    right: View


@dataclass(frozen=True)
class Page:
    """A heading with parts below it."""

    title: str
    parts: tuple[View, ...]


def _lines(content: str) -> list[str]:
    # Not splitlines: it splits at more than line feeds, and hides differences between those.
    return content.removesuffix("\n").split("\n") if content else []


class Shown:
    """A base class that makes text, repr and HTML from a value's `view`."""

    def view(self) -> View:
        """Return what this value shows; never a secret."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return text(self.view())

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return html(self.view())


class Snippet(str):
    """Text to be copied: shown without quotes, invisible characters as their codes."""

    def __repr__(self) -> str:
        return printable(self)

    def _repr_html_(self) -> str:
        return html(Code("", self))


def as_json(value: object) -> str:
    """Return indented JSON; non-ASCII characters stay."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def diff_tone(line: str) -> str:
    """Return the tone of a line of a diff."""
    return {"+": "add", "-": "destroy", "@": "note"}.get(line[:1], "")


def text(view: View) -> str:
    """Render the view for a terminal, without a trailing newline."""
    return _TEXT[type(view)](view)


def html(view: View) -> str:
    """Render the view as an HTML fragment in which every value is escaped."""
    return _template().render(view=view)


def _text_of_table(table: Table) -> str:
    rows = [[_cell(cell) for cell in row] for row in (table.headers, *table.rows)]
    widths = [max(len(line) for row in rows for line in row[column]) for column in range(len(table.headers))]
    head, *lines = [line for row in rows for line in _row_lines(row, widths)]
    rule = "  ".join("-" * width for width in widths)
    top = [
        *([on_one_line(table.caption)] if table.caption else []),
        *([head, rule] if any(table.headers) else []),
    ]
    return "\n".join([*top, *lines])


def _cell(raw: str) -> list[str]:
    return [part for line in printable(raw).split("\n") for part in _wrapped(line)]


def _wrapped(line: str) -> list[str]:
    # A line that fits is not wrapped, which is faster: a ledger has many cells.
    if len(line) <= _CELL_WIDTH and "\t" not in line and line == line.strip():
        return [line]
    return textwrap.wrap(line, _CELL_WIDTH) or [""]


def _row_lines(cells: Sequence[Sequence[str]], widths: Sequence[int]) -> Iterable[str]:
    for line in zip_longest(*cells, fillvalue=""):
        yield "  ".join(part.ljust(width) for part, width in zip(line, widths, strict=True)).rstrip()


def _text_of_page(page: Page) -> str:
    title = on_one_line(page.title)
    return "\n\n".join([f"{title}\n{'=' * len(title)}", *(text(part) for part in page.parts)])


_TEXT: dict[type, Callable[[Any], str]] = {
    Text: lambda view: printable(view.text),
    Banner: lambda view: f"== {on_one_line(view.word)} ==\n{printable(view.text)}",
    Link: lambda view: printable(f"{view.text}: {view.target}"),
    Table: _text_of_table,
    Code: lambda view: f"{on_one_line(view.title)}\n{textwrap.indent(printable(view.code), '  ')}",
    Diff: lambda view: "\n".join([on_one_line(view.title), *(f"  {printable(line)}" for line in view.lines)]),
    Picture: lambda view: f"{on_one_line(view.title)}\n{textwrap.indent(printable(view.alternative), '  ')}",
    SideBySide: lambda view: f"{text(view.left)}\n\n{text(view.right)}",
    Page: _text_of_page,
}

_HTML = """
{%- macro show(view) -%}
{%- set kind = kind_of(view) -%}
{%- if kind == "Text" %}<p class="xacct-text {{ view.tone }}">{{ view.text }}</p>
{%- elif kind == "Banner" %}
{%- set known = view.kind in ("sandbox", "aws") -%}
<p class="xacct-banner {{ view.kind if known else 'other' }}"><strong>{{ view.word|on_one_line }}</strong>
<span>{{ view.text }}</span></p>
{%- elif kind == "Link" %}<p class="xacct-text">
{%- if view.href %}<a href="{{ view.href }}"
{%- if view.is_apart %} target="_blank" rel="noopener"{% endif %}>{{ view.text }}</a>
{%- else %}{{ view.text }}{% endif -%}
: {{ view.target }}</p>
{%- elif kind == "Table" %}<table class="xacct-table">
{%- if view.caption %}<caption>{{ view.caption|on_one_line }}</caption>{% endif %}
<thead><tr>{% for name in view.headers %}<th scope="col">{{ name }}</th>{% endfor %}</tr></thead>
<tbody>{% for row in view.rows %}<tr class="{{ view.tones[loop.index0] if view.tones else '' }}">
{%- for cell in row %}<td{% if cell|length < 21 %} class="brief"{% endif %}>{{ cell }}</td>{% endfor -%}
</tr>{% endfor %}</tbody></table>
{%- elif kind == "Code" %}<figure class="xacct-code"><figcaption>{{ view.title|on_one_line }}</figcaption>
<pre tabindex="0">{{ view.code }}</pre></figure>
{%- elif kind == "Diff" %}<figure class="xacct-diff"><figcaption>{{ view.title|on_one_line }}</figcaption>
<pre tabindex="0">{% for line in view.lines %}<span class="{{ tone(line) }}">{{ line }}</span>
{% endfor %}</pre></figure>
{%- elif kind == "Picture" %}<figure class="xacct-picture">
<figcaption>{{ view.title|on_one_line }}</figcaption>
<div tabindex="0" role="group" aria-label="Picture">{{ view.svg }}</div>
{%- set first, _, rest = view.alternative.partition("\n") %}
{%- if rest %}<details><summary>{{ first }}</summary><p class="xacct-text">{{ rest }}</p></details>
{%- else %}<p class="xacct-text">{{ first }}</p>{% endif %}</figure>
{%- elif kind == "SideBySide" %}<div class="xacct-beside"><div>{{ show(view.left) }}</div>
<div>{{ show(view.right) }}</div></div>
{%- else %}<section class="xacct-page"><h4>{{ view.title|on_one_line }}</h4>
{% for part in view.parts %}{{ show(part) }}
{% endfor %}</section>
{%- endif %}
{%- endmacro -%}
{{ show(view) }}"""


@cache
def _template() -> "Template":
    from jinja2 import Environment

    environment = Environment(autoescape=True, finalize=_shown)
    environment.filters["on_one_line"] = on_one_line
    environment.globals |= {
        "kind_of": lambda view: type(view).__name__,
        "tone": diff_tone,
    }
    return environment.from_string(_HTML)


def _shown(value: Any) -> Any:
    # A macro returns markup, which is escaped already.
    return printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
