"""Finds the values that stand after, under or beside the name of a secret, in a text of any notation."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from xacct_nb.redaction.columns import find_column
from xacct_nb.redaction.names import is_credential_name, is_external_id_name, is_ordinary_word
from xacct_nb.redaction.values import (
    FINGERPRINT,
    has_digit,
    is_code,
    is_harmless,
    is_variable,
    looks_random,
)

_QUOTE = r"(?:\\{0,32}(?:[\"']|&(?:amp;){0,2}(?:#(?:3[49]|x2[27])|quot|apos);)|%2[27])"
# Signs and spaces, as they are and as HTML, JSON and Python escape them.
_OPEN, _CLOSE, _BAR = r"(?:<|&(?:amp;){0,2}lt;)", r"(?:>|&(?:amp;){0,2}gt;)", r"(?:[|│]|\\{1,32}u2502)"
_SPACE = r"(?:\s|\\{1,32}[nrt])"
_LINE = r"(?:\r?\n|(?:\\{1,32}r)?\\{1,32}n)"
# The end of bold text, and the element of HTML around a name or a value.
_TYPE = rf"(?:\*\*|{_OPEN}/?(?:b|code|em|i|kbd|span|strong|tt){_CLOSE})"
_FOLLOWS = r"(?=[\s\"'\\:=<>&()\]%|│,/`*?+]|\Z)"
# The last words of the names, and what may follow them. A search that starts with a literal is fast.
_LAST_WORDS = tuple(
    re.compile(rf"{word}{rest}{_FOLLOWS}")
    for words, rest in (
        ("secret pass token auth credential assertion bearer cookie plaintext", r"[a-z0-9_]{0,40}"),
        ("key", r"(?:[a-z0-9_]{0,12}|[ -]id)"),
        ("external", r"[ _-]?id"),
        ("code jwt pin wallet", r"(?: [12]|[a-z0-9_]{0,9})"),
        ("session", r"_?[a-z0-9]{0,20}"),
        ("seed otp pwd _pw string url dsn pat signature samlresponse", r"[0-9]{0,2}"),
    )
    for word in words.split()
)
# What separates a name and its value: in JSON, Python, an AWS file, a URL, XML, HTML or a table; in a pair
# such as {"name": "PASSWORD", "value": "..."}; in the options and commands of a shell.
_BETWEEN = re.compile(
    rf"(?:{_QUOTE}|[`*]{{1,3}}|{_TYPE})?\]{{0,2}}[ \t]{{0,99}}+"
    r"(?:(?:of[ \t](?:\w{1,20}[ \t]){1,4}?)?is[ \t]?(?=:))?"  # in a sentence
    rf"(?P<assign>(?:={_CLOSE}|:=|[?+]?=|:|%3[AaDd])(?:[ \t]{{0,9}}+{_TYPE}){{0,3}}+"
    rf"[ \t]{{0,99}}+(?:%20|\+|!!\w{{1,20}} )?)"
    rf"|(?P<value>\(value=|{_OPEN}/t[hd]{_CLOSE}{_SPACE}{{0,99}}+"
    rf"{_OPEN}t[hd](?:(?!{_CLOSE})[^<>]){{0,99}}+{_CLOSE}"
    rf"|{_QUOTE}?{_SPACE}{{0,9}}+(?:/?{_CLOSE}|,)?{_SPACE}{{0,99}}+(?:{_OPEN}|[{{-])?{_SPACE}{{0,9}}+{_QUOTE}?"
    rf"(?:parameter)?values?{_QUOTE}?{_SPACE}{{0,9}}+(?:[=:]|{_CLOSE}){_SPACE}{{0,9}}+)"
    rf"|(?P<element>{_QUOTE}?(?:\s(?:(?!{_CLOSE})[^<>\n]){{0,199}}+)?{_CLOSE}(?:{_OPEN}!\[CDATA\[)?\s{{0,99}}+)"
    rf"|(?P<far>{_QUOTE},{_SPACE}{{0,9}}+(?={_QUOTE})"
    rf"|(?: for \S{{1,200}}:| is| was)?(?:[ \t]|\\{{1,32}}t|{_BAR}){{1,99}}+)",
    re.IGNORECASE,
)
_OPENING = re.compile(rf"(?:@|[bBuUrRfF$]{{1,2}})?(?P<quote>{_QUOTE}|`)(?:(?P=quote){{2}})?")
_LIST = re.compile(rf"\[{_SPACE}{{0,99}}+(?=[bBuU]?{_QUOTE})")
_NEXT = re.compile(rf"{_SPACE}{{0,99}}+,{_SPACE}{{0,99}}+")
_BLOCK = re.compile(
    rf"(?:\||{_CLOSE})[+-]?\d?[ \t]{{0,9}}{_LINE}[ \t]+"
    rf"(?P<block>(?:(?!{_LINE})[^\n])++(?:{_LINE}[ \t]+(?:(?!{_LINE})[^\n])++)*+)"
)
_IN_CELL = re.compile(r"[^\s\"'<>&,;\\|│]{1,4096}")
# A sign that separates values is part of one if neither a space nor another name follows it.
_PLAIN = re.compile(
    r"(?:[^\s\"'<>&,;\\|│]|(?:[\"']|&(?:quot|apos|#\w{1,4});)(?=\w)"
    r"|[&,;|](?![\s&|;,\"'\\)\]}]|\Z|[\w.-]{0,40}[=:]|(?:quot|lt|gt|apos|#\w{1,4});)){1,4096}"
)
_CALL = re.compile(r"[A-Za-z_][\w.]{0,99}[(\[]")
_WITHOUT_CLOSING, _TO_BRACKET = re.compile(r"[)\]}.:]{1,3}\Z"), re.compile(r"[()\[\]{}].*|[.:]\Z")
_ELEMENT = re.compile(rf"(?:(?!{_OPEN}|\]\])[^\n]){{1,4096}}")
# The rest of a line of an AWS file, a dotenv file or a script, without a comment.
_REST = re.compile(rf"(?:(?!{_LINE}|[ \t][#;]|(?:[\"']|&(?:#(?:3[49]|x2[27])|quot);)(?!\w))[^\n]){{1,4096}}")
_LEFT = re.compile(r"[A-Za-z0-9_.$-]{0,64}")
_WORDS_LEFT = re.compile(r"[A-Za-z0-9_.$-]{0,40}(?: [A-Za-z0-9_-]{1,20}){1,2}")
_MARK = r"(?:\\{0,9}(?:[\"']|&(?:#(?:3[49]|x2[27])|quot);))"
_STARTS_LINE = re.compile(
    rf"(?:\A|\n|\\n|[\[({{,:=] ?(?={_MARK}))[ \t>+]*"
    rf"(?:(?:export|set|env|ENV|ARG|-e|SET|-|\$)[ \t]+|\$env:)?{_MARK}{{0,2}}\Z"
)
_OPTION = re.compile(r"(?:\A|[^\w-])(?:--?|set(?: -\w{1,3})* |setx |ENV |configure set |secrets? set )\Z")
_IN_TABLE, _IN_COLUMN = re.compile(_BAR), re.compile(r"\t|\\t|  ")
_IS_ENCODED = re.compile(r"%[0-9A-F]{2}(?=[A-Za-z])")
_CLOSES_ELEMENT = re.compile(rf"{_OPEN}/(?:[\w.-]{{1,30}}:)?\Z")
_IS_FINGERPRINT = re.compile(FINGERPRINT)
_WIDE = 16  # characters of a value in a column beside its name


@dataclass(frozen=True)
class _Name:
    """The name of a secret in a text: where it is, and what that says of its value."""

    text: str
    start: int
    end: int
    external_id: bool
    ordinary: bool

    def __str__(self) -> str:
        return self.text[self.start : self.end]

    @property
    def is_option(self) -> bool:
        """Whether it is an option or a variable of a shell, whose value follows after a space."""
        before = self.text[max(0, self.start - 32) : self.start]
        return self.text.startswith("--", self.start) or _OPTION.search(before) is not None

    @property
    def starts_line(self) -> bool:
        """Whether the line starts with it, as in an AWS file, and not with its quotation mark."""
        is_quoted = self.text[self.end : self.end + 1] in ('"', "'", "\\", "&", "%")
        before = self.text[max(0, self.start - 32) : self.start]
        return not is_quoted and _STARTS_LINE.search(before) is not None

    @property
    def is_in_query(self) -> bool:
        """Whether it is a parameter in the query of an address."""
        return self.text[self.start - 1 : self.start] in ("?", "&")

    @property
    def is_in_tag(self) -> bool:
        """Whether it is the name of an XML element that opens, or the value of an element's attribute."""
        before = self.text[max(0, self.start - 40) : self.start]
        return before[-1:] in ("<", ":", ";", '"', "'") and not _CLOSES_ELEMENT.search(before)


def find_named(text: str, lower: str) -> Iterator[tuple[int, int]]:
    """Yield the values of the secrets that are named in a text; `lower` is the text in lower case."""
    reached = below = 0
    for start, end in sorted(hit.span() for word in _LAST_WORDS for hit in word.finditer(lower)):
        name = _name(text, start, end) if start >= reached else None
        for found in _values(name) if name else ():
            yield found
            reached = found[1]
        if name and start >= below:
            for found in find_column(text, name.start, name.end):
                below = found[1]
                if _may_be_secret(text[slice(*found)]):
                    yield found


def _name(text: str, start: int, end: int) -> _Name | None:
    """Return the name of a secret that ends here, if there is one: as one word, or as two or three."""
    if _IS_FINGERPRINT.match(text, start) or text[start - 1 : end + 1] == ":secret:":
        return None  # a fingerprint; the ARN of a secret
    before = text[max(0, start - 80) : start][::-1]
    for left in filter(None, (_LEFT.match(before), _WORDS_LEFT.match(before))):
        first = start - left.end()
        if text[first - 1 : first] == "\\" and text[first] in "nrt":
            first += 1  # the line break before the name is escaped
        elif _IS_ENCODED.match(text, first - 1):
            first += 2
        name = text[first:end]
        if (external := is_external_id_name(name)) or is_credential_name(name):
            return _Name(text, first, end, external, is_ordinary_word(name))
    return None


def _values(name: _Name) -> Iterator[tuple[int, int]]:
    between = _BETWEEN.match(name.text, name.end)
    if between is None or (between["element"] and not name.is_in_tag):
        return
    start = between.end()
    if between["element"]:
        yield from _unquoted(name, between)
    elif block := _BLOCK.match(name.text, start):
        if not is_harmless(block["block"]):
            yield block.span("block")
    elif found := _LIST.match(name.text, start):
        yield from _quoted_items(name, found.end())
    elif opening := _OPENING.match(name.text, start):
        span = _quoted(name.text, opening)
        if _is_secret(name, name.text[slice(*span)], 4, between, quoted=True):
            yield span
    else:
        yield from _unquoted(name, between)


def _quoted_items(name: _Name, start: int) -> Iterator[tuple[int, int]]:
    """Yield the items of a list of quoted texts."""
    opening = _OPENING.match(name.text, start)
    while opening:
        span = _quoted(name.text, opening)
        if _is_secret(name, name.text[slice(*span)], 4, None, quoted=True):
            yield span
        following = _NEXT.match(name.text, span[1] + len(opening["quote"]))
        opening = _OPENING.match(name.text, following.end()) if following else None


def _quoted(text: str, opening: re.Match[str]) -> tuple[int, int]:
    """Return the span of a quoted text; without a closing quote it ends with its line."""
    quote, start = opening["quote"], opening.end()
    escaped = r"\\[^\n]|" if quote in "\"'`" else ""
    hit = re.compile(rf"(?:{escaped}(?!{re.escape(quote)})[^\n]){{0,4096}}").match(text, start)
    return start, hit.end() if hit else start


def _unquoted(name: _Name, between: re.Match[str]) -> Iterator[tuple[int, int]]:
    start = between.end()
    if _CALL.match(name.text, start):
        return
    whole = between["assign"] and name.starts_line
    plain = _IN_CELL if between["far"] else _PLAIN
    pattern = _ELEMENT if between["element"] else _REST if whole else plain
    for each in dict.fromkeys((pattern, plain)):
        hit = each.match(name.text, start)
        found = hit[0].rstrip(" \t\r,;" if each is _REST else None) if hit else ""
        value = _without_closing(name, found) if each is plain else found
        if not value or is_code(found, str(name)) or (value != found and is_code(value, str(name))):
            return
        least = 4 if value.isdigit() or whole else 6
        prose = each is _REST and _is_prose(value, between["assign"])
        if prose and name.external_id and is_variable(value.partition(" ")[0]):
            return
        if not prose and _is_secret(name, value, least, between):
            yield start, start + len(value)
            return


def _without_closing(name: _Name, value: str) -> str:
    """Return a value without the brackets and the full stop after it."""
    return (_TO_BRACKET if name.ordinary else _WITHOUT_CLOSING).sub("", value)


def _may_be_secret(value: str) -> bool:
    return not is_harmless(value) and looks_random(value) and not is_variable(value)


def _is_prose(value: str, assign: str) -> bool:
    """Return whether the rest of a line is a sentence, or code, rather than a value with spaces."""
    return " " in value and (
        ":" in assign or re.search(r"[()\[\]]| (?:if|or|and|for|in|==|\+) |, \w+=", value) is not None
    )


def _is_secret(
    name: _Name, value: str, least: int, between: re.Match[str] | None, *, quoted: bool = False
) -> bool:
    """Return whether a value under this name is a secret, rather than a placeholder or an ordinary word."""
    if is_harmless(value):
        return False
    if between and between["far"] and not name.is_option:
        return _is_secret_beside(name, value, between["far"], quoted)
    if len(value) < (2 if name.external_id else least):
        return False
    sure = quoted or bool(between and (between["element"] or between["value"]))
    if name.external_id:
        return sure or name.starts_line or name.is_option or name.is_in_query or not is_variable(value)
    return not name.ordinary or (looks_random(value) and (sure or not is_variable(value)))


def _is_secret_beside(name: _Name, value: str, between: str, quoted: bool) -> bool:
    """Return whether a value in a column of its own, or in a pair with the name, is a secret."""
    if value.isdigit():
        return 6 <= len(value) <= 8 and not name.external_id  # a code of an MFA device
    if quoted:
        is_name = is_credential_name(value) or is_external_id_name(value)
        is_sure = not (name.external_id or name.ordinary or is_name or is_variable(value)) or has_digit(value)
        return looks_random(value) and is_sure
    if _IN_TABLE.search(between) or (not name.ordinary and _IN_COLUMN.search(between)):
        return looks_random(value) and not is_variable(value)
    return len(value) >= _WIDE and looks_random(value) and has_digit(value)
