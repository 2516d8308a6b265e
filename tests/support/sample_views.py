"""A page with every kind of view, and how the text of a view is compared with its HTML."""

import html as escaping
import re
from collections import Counter

from markupsafe import Markup

from xacct_nb.views import Banner, Code, Diff, Link, Page, Picture, SideBySide, Table, Text, View, html, text

TITLES = 16
"""How often the title stands on the page of `one_of_each_view`."""


def characters_of(view: View) -> tuple[Counter[str], Counter[str]]:
    """Return the characters of a view's text and of its HTML without tags, except white space and rules.

    What a picture says in its SVG is in the text that stands beside it.
    """
    stripped = escaping.unescape(re.sub(r"<svg.*?</svg>|<[^>]*>", "", html(view), flags=re.DOTALL))
    return tuple(Counter(re.sub(r"[\s=-]", "", each)) for each in (text(view), stripped))  # type: ignore[return-value]


def one_of_each_view(title: str) -> Page:
    """Return a page with one view of each kind, with this title wherever a view holds text."""
    return Page(
        title,
        (
            Text(title),
            Banner(title, "aws"),
            Link(title, title),
            Table((title, "b"), ((title, "c"),), caption=title),
            Code(title, title),
            Diff(title, "same\nold", f"same\n{title}"),
            Picture(title, Markup("<svg></svg>"), f"one\n{title}"),
            SideBySide(Text(title), Code("", title)),
        ),
    )
