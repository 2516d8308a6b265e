"""Foreign HTML made safe to show: all of its text can be read, and nothing in it acts or is fetched."""

import re
from functools import cache
from html import escape
from typing import TYPE_CHECKING

from xacct_nb.redaction.invisible import printable

if TYPE_CHECKING:
    from justhtml import SanitizationPolicy

_PAIRED = (
    *("a", "abbr", "b", "blockquote", "caption", "code", "dd", "del", "details", "div", "dl", "dt", "em"),
    *("figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "i", "ins", "kbd", "li", "mark", "ol", "p"),
    *("pre", "q", "s", "samp", "section", "small", "span", "strong", "sub", "summary", "sup", "table"),
    *("tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul", "var"),
)
_TAGS = (*_PAIRED, "br", "hr", "img")
_ATTRIBUTES = ("class", "colspan", "rowspan", "scope", "tabindex", "title", "alt", "role", "aria-label")
# Without a known scheme, an address has neither a colon nor an ampersand that could hide another scheme.
_RELATIVE = r"[\w./?=%#+-]*"
_LINK = rf"(?:https?://|mailto:)[^\s\"'<>]*|{_RELATIVE}"
_PICTURE = r"data:image/(?:gif|jpeg|png|svg\+xml|webp);base64,[A-Za-z0-9+/=\s]*"

# The alignment is that of a table of pandas.
_KNOWN_TAG = re.compile(
    rf"<(?:/({'|'.join(_PAIRED)})|({'|'.join(_PAIRED)})"
    rf'(?: (?:{"|".join(_ATTRIBUTES)}|border)="[^"<>&]*"| href="(?:https?://[^"<>&]*|{_RELATIVE})"'
    r'| style="text-align: \w+;")*|[bh]r ?/?)>'
)
_KNOWN_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|nbsp|#34|#39|#x27);")
# One without an end stays, and becomes text: `.*` takes the rest at once, which is not searched again.
_HIDDEN = (
    re.compile(r"<(script|style|svg|math)\b(?:(?P<whole>.*?</\1\s*>)|.*)", re.IGNORECASE | re.DOTALL),
    re.compile(r"<(!--)(?:(?P<whole>.*?-->)|.*)", re.DOTALL),
)
_NO_KNOWN_TAG = re.compile(
    rf"<(?!/?(?:{'|'.join(_TAGS)})(?=[\s/>])"
    r"""[^<>"']*+(?:"[^"<>]*"[^<>"']*+|'[^'<>]*'[^<>"']*+)*+>)""",
    re.IGNORECASE,
)
_LONGEST, _DEEPEST = 300_000, 100


def sanitize_html(fragment: str) -> str:
    """Return the fragment with known elements and attributes only; other markup becomes text.

    Scripts, SVG and MathML are left out, and a short text replaces them; style sheets and comments
    are left out silently. A fragment that is long or nested deep is returned as preformatted text.
    """
    for pattern in _HIDDEN:
        fragment = pattern.sub(_marker, fragment)
    if _is_safe(fragment):
        return fragment
    if len(fragment) > _LONGEST or _depth(fragment) > _DEEPEST:
        return preformatted(fragment)
    from justhtml import JustHTML

    parsed = JustHTML(_NO_KNOWN_TAG.sub("&lt;", fragment), fragment=True, policy=_policy())
    return printable(parsed.to_html(pretty=False))


def preformatted(text: str) -> str:
    """Return text as a block of a page."""
    return f"<pre>{escape(text)}</pre>"


def _marker(found: re.Match[str]) -> str:
    if not found["whole"]:
        return found[0]
    name = found[1].lower()
    return "" if name in ("style", "!--") else f"[{name} left out]"


@cache
def _policy() -> "SanitizationPolicy":
    from justhtml import Regex, SanitizationPolicy, UrlPolicy, UrlRule

    rules = {
        ("a", "href"): UrlRule(allowed_schemes={"http", "https", "mailto"}, resolve_protocol_relative=None),
        ("img", "src"): UrlRule(allowed_schemes={"data"}, allow_relative=False),
    }
    addresses = {"a": {"href": [Regex(_LINK)]}, "img": {"src": [Regex(_PICTURE)]}}
    return SanitizationPolicy(
        allowed_tags=_TAGS,
        allowed_attributes={"*": _ATTRIBUTES, **addresses},
        url_policy=UrlPolicy(allow_rules=rules),
        # What is no known tag is text already; this is for a mistake in the pattern that makes it so.
        disallowed_tag_handling="escape",
        strip_invisible_unicode=False,
    )


def _is_safe(fragment: str) -> bool:
    """Return whether every tag and entity is a known one, and elements are closed in their order."""
    tags = _KNOWN_TAG.findall(fragment)
    if fragment.count("<") != len(tags) or fragment.count("&") != len(_KNOWN_ENTITY.findall(fragment)):
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
    """Return how deep elements are nested; one that is never closed is open to the end."""
    deepest = depth = 0
    for closing in re.findall(r"<(/?)[A-Za-z]", fragment):
        depth += -1 if closing else 1
        deepest = max(deepest, depth)
    return deepest
