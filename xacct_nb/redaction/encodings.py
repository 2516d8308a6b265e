"""The forms in which a known secret appears in a text: plain, escaped, encoded, coloured, wrapped."""

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus

from markupsafe import escape

# Colour codes, which a terminal's text may have between its letters, also as Python and JSON escape them.
COLOURS = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,999}(?:\x07|\x1b\\)|\\(?:x1b|u001[bB]|033)\[[0-9;]*m"
)
# Every alternative starts with a literal, which makes the search fast.
BREAKS = re.compile(rf"\n[ \t]*|\r\n[ \t]*|\\(?:r\\)?n[ \t]*|{COLOURS.pattern}")
# A short secret may be part of an ordinary word, and digits part of another number.
_SHORT, _LONG = 6, 8
_ACCOUNT = re.compile(r"\d{12}")
_MARK = "secret:[0-9a-f]{16}"  # a fingerprint, which is left as it is

Find = Callable[[str], list[tuple[int, int, str]]]
"""Returns the parts of a text to replace: (start, end, replacement)."""


def replace_found(text: str, between: re.Pattern[str], find: Find) -> str:
    """Replace what `find` finds. Matches of `between` are ignored in the search, and stay in the text."""
    thin = between.sub("", text)
    if not (found := find(thin)):
        return text
    gaps = list(between.finditer(text)) if len(thin) < len(text) else []
    return "".join(_assembled(text, gaps, found))


def replace_known(text: str, secrets: frozenset[str], mark: Callable[[str], str]) -> str:
    """Replace these secrets by what `mark` returns for each.

    A secret of twelve digits is not replaced: every account id in the text would be.
    """
    long, short = (_with_marks(find, mark) for find in _finders(secrets))
    return replace_found(replace_found(text, BREAKS, long), COLOURS, short)


def _with_marks(find: Find, mark: Callable[[str], str]) -> Find:
    return lambda text: [(start, end, mark(secret)) for start, end, secret in find(text)]


@lru_cache(maxsize=16)
def _finders(secrets: frozenset[str]) -> tuple[Find, Find]:
    """Return a finder for the long secrets, which a text may wrap, and one for the short ones."""
    known = {each for each in secrets if each and not _ACCOUNT.fullmatch(each)}
    long = {each for each in known if len(each) >= _LONG}
    return _finder(long), _finder(known - long)


def _finder(secrets: set[str]) -> Find:
    """Return a finder for the secrets in all their forms; a short form matches as a whole word only."""
    # A form that two secrets share is replaced as that of the first in order.
    forms = {form: secret for secret in sorted(secrets, reverse=True) for form in encoded_forms(secret)}

    def find(text: str) -> list[tuple[int, int, str]]:
        present = sorted((form for form in forms if form in text), key=len, reverse=True)
        if not present:
            return []
        hits = re.finditer("|".join((_MARK, *map(_bounded, present))), text)
        return [(*hit.span(), forms[hit[0]]) for hit in hits if hit[0] in forms]

    return find


def _assembled(
    text: str, gaps: Iterable[re.Match[str]], found: Iterable[tuple[int, int, str]]
) -> Iterator[str]:
    """Yield the pieces of the new text. Positions in `found` skip the gaps; a gap follows its mark."""
    left, at, thin = deque(gaps), 0, 0
    for start, end, mark in found:
        while left and thin + left[0].start() - at <= start:
            gap = left.popleft()
            yield text[at : gap.end()]
            at, thin = gap.end(), thin + gap.start() - at
        yield text[at : at + start - thin] + mark
        at, thin = at + start - thin, start
        while left and thin + left[0].start() - at < end:
            gap = left.popleft()
            yield gap[0]
            at, thin = gap.end(), thin + gap.start() - at
        at, thin = at + end - thin, end
    yield text[at:]


@lru_cache(maxsize=1024)
def encoded_forms(secret: str) -> frozenset[str]:
    """Return the forms of one secret, without line breaks: the search ignores them."""
    once = {encode(secret) for encode in _ENCODERS}
    twice = {encode(form) for form in once for encode in _ENCODERS}
    percent = {re.sub("%[0-9A-F]{2}", lambda hit: hit[0].lower(), form) for form in twice if "%" in form}
    encoded = set(_encoded(secret.encode(errors="surrogatepass"))) if len(secret) >= _LONG else set()
    return frozenset(BREAKS.sub("", form) for form in once | twice | percent | encoded) - {""}


def _encoded(data: bytes) -> Iterator[str]:
    """Yield the data in hexadecimal digits, and in base64 at each offset within an encoded text."""
    yield from (data.hex(), data.hex().upper())
    for encode in (b64encode, urlsafe_b64encode):
        yield encode(data).decode()
        for before in range(3):
            # A character of base64 holds 6 bits: those at the ends depend on the bytes beside the secret.
            whole = (before + len(data)) // 3 * 3 - before
            first = (8 * before + 5) // 6
            yield encode(bytes(before) + data[:whole]).decode()[first:]


def _bounded(form: str) -> str:
    pattern, short = re.escape(form), len(form) < (_LONG if form.isdigit() else _SHORT)
    return rf"(?<![0-9A-Za-z]){pattern}(?![0-9A-Za-z])" if short else pattern


_ENCODERS: tuple[Callable[[str], str], ...] = (
    str,
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: repr(text)[1:-1],
    lambda text: repr(text.encode(errors="surrogatepass"))[2:-1],
    lambda text: text.replace("/", r"\/"),
    lambda text: html.escape(text, quote=False),
    html.escape,
    lambda text: str(escape(text)),
    lambda text: quote(text, safe="", errors="surrogatepass"),
    lambda text: quote(text, errors="surrogatepass"),
    lambda text: quote_plus(text, errors="surrogatepass"),
)
