"""A fragment of a page made inert: all of it can be read, and nothing of it runs or is fetched."""

import re
from html import escape, unescape

from xacct_nb.views import printable

_PAIRED = (
    *("a", "abbr", "b", "blockquote", "caption", "code", "dd", "del", "details", "div", "dl", "dt", "em"),
    *("figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "i", "ins", "kbd", "li", "mark", "ol", "p"),
    *("pre", "q", "s", "samp", "section", "small", "span", "strong", "sub", "summary", "sup", "table"),
    *("tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul", "var"),
)
_TAGS = frozenset((*_PAIRED, "br", "hr", "img"))
_ATTRIBUTES = ("class", "colspan", "rowspan", "scope", "tabindex", "title", "alt")
# Where no known scheme stands, there is neither a colon nor an ampersand in which another one could hide.
_WITHIN = r"[\w./?=%#+-]*"
_ADDRESSES = {
    ("a", "href"): re.compile(rf"(?:https?://|mailto:)[^\s\"'<>]*|{_WITHIN}"),
    ("img", "src"): re.compile(r"data:image/(?:gif|jpeg|png|svg\+xml|webp);base64,[A-Za-z0-9+/=\s]*"),
}
_NAMES = "|".join(_PAIRED)
_KNOWN = "|".join((*_ATTRIBUTES, "border"))
# The alignment is that of a table of pandas.
_TAG = re.compile(
    rf"<(?:/({_NAMES})|({_NAMES})"
    rf'(?: (?:{_KNOWN})="[^"<>&]*"| href="(?:https?://[^"<>&]*|{_WITHIN})"| style="text-align: \w+;")*'
    r"|[bh]r ?/?)>"
)
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|nbsp|#34|#39|#x27);")
_ANY_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9A-Fa-f]+|\w+);")
# What has no end is not gone through again from each beginning in it: it stays, and becomes text.
_UNSEEN = (
    re.compile(r"<(script|style)\b(?:(?P<whole>.*?</\1\s*>)|.*)", re.IGNORECASE | re.DOTALL),
    re.compile(r"<!--(?:(?P<whole>.*?-->)|.*)", re.DOTALL),
)
_TORN = re.compile(r"""<(?!/?[A-Za-z][^<>"']*+(?:"[^"<>]*"[^<>"']*+|'[^'<>]*'[^<>"']*+)*+>)""")
_LONGEST, _DEEPEST = 300_000, 100


def inert(fragment: str) -> str:
    """The fragment without scripts, styles and comments, and with its other unknown markup as text.

    What is whole and holds only known markup, as most that a notebook shows, stays as it is.
    """
    kept = fragment
    for pattern in _UNSEEN:
        kept = pattern.sub(lambda found: "" if found["whole"] else found[0], kept)
    if _is_known(kept):
        return kept
    if len(kept) > _LONGEST or _depth(kept) > _DEEPEST:
        return as_written(kept)
    from bleach import clean  # type: ignore[import-untyped, unused-ignore]

    safe = clean(
        _TORN.sub("&lt;", kept),
        tags=_TAGS,
        attributes=_may_stay,
        protocols=("http", "https", "mailto", "data"),
    )
    return _ANY_ENTITY.sub(lambda found: escape(printable(unescape(found[0]))), safe)


def as_written(source: str) -> str:
    """Text as a block of a page."""
    return f"<pre>{escape(source)}</pre>"


def _is_known(fragment: str) -> bool:
    """Whether every tag and entity is a known one, and what is opened is closed in turn."""
    tags = _TAG.findall(fragment)
    if fragment.count("<") != len(tags) or fragment.count("&") != len(_ENTITY.findall(fragment)):
        return False
    opened: list[str] = []
    for closing, opening in tags:
        if opening:
            opened.append(opening)
        elif closing and (not opened or opened.pop() != closing):
            return False
        if len(opened) > _DEEPEST:
            return False
    return not opened


def _depth(fragment: str) -> int:
    """How deep elements stand within each other, where each that is never closed counts."""
    deepest = depth = 0
    for closing in re.findall(r"<(/?)[A-Za-z]", fragment):
        depth += -1 if closing else 1
        deepest = max(deepest, depth)
    return deepest


def _may_stay(tag: str, name: str, value: str) -> bool:
    address = _ADDRESSES.get((tag, name))
    return bool(address.fullmatch(value)) if address else name in _ATTRIBUTES
