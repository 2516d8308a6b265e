"""Strings that break out of what they are shown in, and values in which everything from outside is one."""

import copy
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from xacct_nb.handoff.answer import AnsweredProof, MadeResource
from xacct_nb.handoff.signed_file import SignedFile

STRINGS = {
    "script": "<script>alert(1)</script>",
    "image": '"><img src=x onerror=alert(1)>',
    "style": "</style><script>alert(1)</script>",
    "pre": "</pre></td></table></main><h1>forged</h1>",
    "attribute": "' onmouseover='alert(1)",
    "comment": "<!-- ",
    "plaintext": "<plaintext>",
    "template": "{{7*7}}{{ view.__class__ }}",
    "raw": "{% raw %}{# #}",
    "entity": "&lt;b&gt;&#8238;&amp",
    "ansi": "\x1b[2J\x1b[31mred\x1b[0m",
    "title": "\x1b]0;title\x07",
    "link": "\x1b]8;;https://example.com\x1b\\here\x1b]8;;\x1b\\",
    "c1": "\x9b2J\x85\x90",
    "override": "\u202egnp.exe\u202c",
    "isolate": "\u2066a\u2069\u200f\u061c",
    "return": "denied\rallowed",
    "backspace": "no\b\byes",
    "nul": "a\x00b",
    "separators": "a\u2028b\u2029c\x0bd\x0ce\x1cf",
    "width": "ad\u200bmin\u2060\ufeff\u00ad\u3164",
    "tags": "a\U000e0061\U000e007f",
    "surrogate": "a\ud800b\udfff",
    "formula": "=cmd|'/C calc'!A0",
    "path": "../../etc/passwd",
    "shell": "$(touch x) `touch x` ; touch x",
    "crlf": "a%0d%0aSet-Cookie: b\r\nc",
    "python": "!!python/object/apply:os.system [x]",
    "yaml": "&a [*a, *a]",
    "no": "NO",
    "octal": "0123",
    "exponent": "1e3",
    "date": "2026-11-26",
    "long": "x" * 300,
}
EVERYTHING = "(begin)" + "|".join(STRINGS.values()) + "(end)"

# Mappings whose names come from outside too.
_OPEN = ("tags", "context", "versions", "profiles", "unread")

_CATEGORIES = ("Cc", "Cf", "Cs", "Zl", "Zp")
_CLASSED = ("p", "table", "tr", "td", "figure", "span", "div", "section")
_LINES = ("fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-dasharray")
_ELEMENTS = {
    **dict.fromkeys(_CLASSED, ("class",)),
    **dict.fromkeys(("caption", "thead", "tbody", "figcaption", "h4"), ()),
    "th": ("scope",),
    "pre": ("tabindex",),
    "a": ("href", "target", "rel"),
    "figure": ("class",),
    "div": ("class", "tabindex", "role", "aria-label"),
    **dict.fromkeys(("strong", "details", "summary", "title", "desc"), ()),
    "svg": ("xmlns", "class", "role", "width", "height", "viewbox", "font-family", "fill", "style"),
    "g": ("class", "fill", "stroke", "stroke-width", "stroke-dasharray"),
    "path": ("d", "fill", "stroke"),
    "rect": ("x", "y", "width", "height", "rx", *_LINES),
    "text": ("class", "x", "y", "opacity", "font-family", "font-size", "font-weight"),
}
_TONES = ("", "good", "bad", "note", "add", "change", "destroy")
_KINDS = ("text", "banner", "table", "code", "diff", "beside", "page", "picture", "graph")
_PARTS = ("frame", "way", "label", "node", "kind", "name", "small", "mark")
_CLASSES = {"brief", "sandbox", "aws", "other", *_TONES, *_PARTS, *(f"xacct-{kind}" for kind in _KINDS)}


class Fragment(HTMLParser):
    """What a browser makes of a fragment: its text, and whatever is not an element or attribute of ours.

    The text in a picture is left out: the same stands beside it in words.
    """

    def __init__(self, fragment: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.strange, self.opened = "", list[str](), list[str]()
        self.feed(fragment)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        known = _ELEMENTS.get(tag)
        self.strange += [tag] if known is None else [name for name, _ in attributes if name not in known]
        classes = " ".join(value or "" for name, value in attributes if name == "class").split()
        self.strange += [name for name in classes if name not in _CLASSES]
        self.strange += [value or "" for name, value in attributes if name == "href" and _leads_out(value)]
        self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.strange += [] if self.opened and self.opened.pop() == tag else [f"/{tag}"]

    def handle_data(self, data: str) -> None:
        self.text += "" if "svg" in self.opened else data

    def handle_comment(self, data: str) -> None:
        self.strange.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def _leads_out(href: str | None) -> bool:
    """Whether a browser does more with it than to open a web address or a path of the same server."""
    parts = urlsplit((href or "javascript:").strip())
    return parts.scheme not in ("", "http", "https") or (not parts.scheme and bool(parts.netloc))


def unseen(words: str) -> list[str]:
    """The characters that control, turn the direction or are not seen, by their categories."""
    return [char for char in words if char not in "\n\t" and unicodedata.category(char) in _CATEGORIES]


def rebuilt(value: Any, change: Callable[[str, str], str], place: str = "") -> Any:
    """A copy whose every string is what `change(place, string)` makes of it; nothing is checked again."""
    if isinstance(value, str):
        return change(place, value)
    if isinstance(value, Path):
        return Path(change(place, str(value)))
    if isinstance(value, Mapping):
        return dict(_items(value, change, place))
    if isinstance(value, (list, tuple)):
        return type(value)([rebuilt(each, change, place) for each in value])
    made = copy.copy(value)
    for name in _fields_of(value):
        here = f"{type(value).__name__}.{name}"
        object.__setattr__(made, name, rebuilt(getattr(value, name), change, here))
    return made


def _fields_of(value: Any) -> list[str]:
    """The fields of a dataclass or of a file of a hand-over, none of a grant: it refuses what is hostile."""
    if isinstance(value, (SignedFile, MadeResource, AnsweredProof)):
        return list(type(value).model_fields)
    return (
        [each.name for each in fields(value)] if is_dataclass(value) and not isinstance(value, type) else []
    )


def _items(
    value: Mapping[Any, Any], change: Callable[[str, str], str], place: str
) -> Iterator[tuple[Any, Any]]:
    for key, item in value.items():
        if not isinstance(key, str):
            yield rebuilt(key, change, place), rebuilt(item, change, place)
        elif place.rpartition(".")[2] in _OPEN:
            yield change(f"{place}.*", key), rebuilt(item, change, f"{place}.*")
        else:
            yield key, rebuilt(item, change, f"{place}.{key}")


def places(value: Any) -> list[str]:
    """Where strings are in a value."""
    found = dict[str, None]()

    def note(place: str, words: str) -> str:
        found[place] = None
        return words

    rebuilt(value, note)
    return list(found)


def poisoned(value: Any, words: str = EVERYTHING) -> tuple[Any, set[str]]:
    """The value with these words at every place that bears any word, and the places that do not."""
    kept = {place for place in places(value) if not _bears(value, place, words)}
    return rebuilt(value, lambda place, old: old if place in kept else words), kept


def _bears(value: Any, place: str, words: str) -> bool:
    changed = rebuilt(value, lambda here, old: words if here == place else old)
    try:
        changed.view()
    except Exception:
        return False
    return True
