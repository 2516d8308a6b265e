"""What a form shows, as text."""

import html as escaping
import re


def text_of_html(fragment: str) -> str:
    """Return the text of a fragment, without its tags."""
    return escaping.unescape(re.sub(r"<[^>]+>", " ", fragment))


def words(text: str) -> list[str]:
    """Return the words of a text in alphabetical order."""
    return sorted(re.findall(r"\w+", re.sub(r"[=-]{3,}", " ", text)))
