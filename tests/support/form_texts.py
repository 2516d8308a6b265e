"""What a form shows: its controls, and its text."""

import html as escaping
import re
from collections.abc import Iterator
from typing import Any


def text_of_html(fragment: str) -> str:
    """Return the text of a fragment, without its tags; a picture says the same in words beside it."""
    return escaping.unescape(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", fragment, flags=re.DOTALL))


def words(text: str) -> list[str]:
    """Return the words of a text in alphabetical order."""
    return sorted(re.findall(r"\w+", re.sub(r"[=-]{3,}", " ", text)))


def all_widgets(widget: Any) -> Iterator[Any]:
    """Yield a widget and those in it, in the order of the page."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from all_widgets(child)


def controls_of(form: Any) -> dict[str, Any]:
    """Return what can be typed in, chosen or pressed in a form, by its label."""
    return {each.description: each for each in all_widgets(form.widget) if hasattr(each, "disabled")}


def html_of(form: Any) -> str:
    """Return all HTML of a form."""
    others = (each for each in all_widgets(form.widget) if not hasattr(each, "disabled"))
    return "".join(getattr(each, "value", "") for each in others)


def text_of(form: Any) -> str:
    """Return the text around the controls of a form, without a style sheet."""
    return text_of_html(re.sub(r"<style>.*?</style>", "", html_of(form), flags=re.DOTALL))
