"""The forms in which a known secret stands in a text: as it is, escaped, encoded, coloured, broken."""

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus

from markupsafe import escape

# What a terminal's text has between its letters: codes of colour, also as Python and JSON write them.
COLOURS = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,999}(?:\x07|\x1b\\)|\\(?:x1b|u001[bB]|033)\[[0-9;]*m"
)
# Every alternative begins with a letter, so that a text is searched for these letters first.
BREAKS = re.compile(rf"\n[ \t]*|\r\n[ \t]*|\\(?:r\\)?n[ \t]*|{COLOURS.pattern}")
# A short one could be part of an ordinary word, digits could be part of another number.
_SHORT, _LONG = 6, 8
_ACCOUNT = re.compile(r"\d{12}")
_MARK = "secret:[0-9a-f]{16}"  # a fingerprint, which is not looked into

Find = Callable[[str], list[tuple[int, int, str]]]
"""Where something stands in a text that is to be replaced: (start, end, what stands there instead)."""


def replace_found(words: str, between: re.Pattern[str], find: Find) -> str:
    """The text with what `find` finds replaced; `between` does not keep it from being found, and stays."""
    thin = between.sub("", words)
    if not (found := find(thin)):
        return words
    gaps = list(between.finditer(words)) if len(thin) < len(words) else []
    return "".join(_assembled(words, gaps, found))


def replace_known(words: str, secrets: frozenset[str], mark: Callable[[str], str]) -> str:
    """The text without these secrets; `mark` gives what stands in the place of one.

    Twelve digits are left: they are an account, and accounts stand all over a text.
    """
    long, short = (_with_marks(find, mark) for find in _finders(secrets))
    return replace_found(replace_found(words, BREAKS, long), COLOURS, short)


def _with_marks(find: Find, mark: Callable[[str], str]) -> Find:
    return lambda words: [(start, end, mark(secret)) for start, end, secret in find(words)]


@lru_cache(maxsize=16)
def _finders(secrets: frozenset[str]) -> tuple[Find, Find]:
    """What finds the long ones, which a text may have broken, and what finds the others."""
    kept = {each for each in secrets if each and not _ACCOUNT.fullmatch(each)}
    long = {each for each in kept if len(each) >= _LONG}
    return _finder(long), _finder(kept - long)


def _finder(secrets: set[str]) -> Find:
    """Finds the secrets in each of their forms; a short one only as a word of its own."""
    # Where secrets share a form, it is that of the first in order.
    forms = {form: secret for secret in sorted(secrets, reverse=True) for form in encoded_forms(secret)}

    def find(words: str) -> list[tuple[int, int, str]]:
        present = sorted((form for form in forms if form in words), key=len, reverse=True)
        if not present:
            return []
        hits = re.finditer("|".join((_MARK, *map(_bounded, present))), words)
        return [(*hit.span(), forms[hit[0]]) for hit in hits if hit[0] in forms]

    return find


def _assembled(
    words: str, gaps: Iterable[re.Match[str]], found: Iterable[tuple[int, int, str]]
) -> Iterator[str]:
    """The pieces of the new text: places in `found` do not count the gaps, which come after a mark."""
    left, place, thin = deque(gaps), 0, 0
    for start, end, mark in found:
        while left and thin + left[0].start() - place <= start:
            gap = left.popleft()
            yield words[place : gap.end()]
            place, thin = gap.end(), thin + gap.start() - place
        yield words[place : place + start - thin] + mark
        place, thin = place + start - thin, start
        while left and thin + left[0].start() - place < end:
            gap = left.popleft()
            yield gap[0]
            place, thin = gap.end(), thin + gap.start() - place
        place, thin = place + end - thin, end
    yield words[place:]


@lru_cache(maxsize=1024)
def encoded_forms(secret: str) -> frozenset[str]:
    """The forms of one secret, line breaks left out of those that a text may have broken."""
    once = {write(secret) for write in _WRITINGS}
    twice = {write(form) for form in once for write in _WRITINGS}
    percent = {re.sub("%[0-9A-F]{2}", lambda hit: hit[0].lower(), form) for form in twice if "%" in form}
    encoded = set(_encoded(secret.encode(errors="surrogatepass"))) if len(secret) >= _LONG else set()
    return frozenset(BREAKS.sub("", form) for form in once | twice | percent | encoded) - {""}


def _encoded(data: bytes) -> Iterator[str]:
    """In hexadecimal digits and in base64, wherever in the encoded text it stands."""
    yield from (data.hex(), data.hex().upper())
    for encode in (b64encode, urlsafe_b64encode):
        yield encode(data).decode()
        for before in range(3):
            # A letter of base64 has 6 bits of a text's 8: those at the ends depend on what is beside them.
            whole = (before + len(data)) // 3 * 3 - before
            first = (8 * before + 5) // 6
            yield encode(bytes(before) + data[:whole]).decode()[first:]


def _bounded(form: str) -> str:
    pattern, short = re.escape(form), len(form) < (_LONG if form.isdigit() else _SHORT)
    return rf"(?<![0-9A-Za-z]){pattern}(?![0-9A-Za-z])" if short else pattern


_WRITINGS: tuple[Callable[[str], str], ...] = (
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
