"""Finds unknown secrets in a text: by their own pattern, by the name before them, or by a key id nearby."""

import re
from collections.abc import Iterator, Mapping

from xacct_nb.redaction.names import is_credential_name

REDACTED = "[redacted]"
_LEAST = 8  # characters of a variable's value that its name makes a secret
_NAMES = (
    r"secret[_-]?access[_-]?key|secret[_-]?key|(?<=aws)secret|(?<=aws[_-])secret|client[_-]?secret"
    r"|(?:session|security|access|refresh|signin)[_-]?token|token[_-]?code|pass(?:word|wd|phrase)"
)
# References and fingerprints represent a secret, and are not secret.
_REFERENCE = r"secret:[0-9a-f]{16}|env:|file:|\[redacted\]"
_QUOTE = r"(?:\\{0,8}[\"']|&#(?:3[49]|x2[27]);|&quot;|%2[27])"
# What separates a name and its value: in JSON, Python, an AWS file, a URL, XML, HTML or a table.
_BETWEEN = (
    rf"{_QUOTE}?(?:\s{{0,99}}(?:=>|[:=]|%3[AaDd])\s{{0,99}}(?:%20|\+)?|\(value=|>|&gt;"
    r"|</t[hd]>\s{0,99}<t[hd][^<>]{0,99}>)"
)
_KEY_ID = r"(?:A[KS]IA|ABIA|ACCA)[A-Z0-9]{12,124}"

# (text that must be present for the search to start, pattern): group 1 stays.
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (sign, re.compile(pattern, flags))
    for sign, pattern, flags in (
        ("PRIVATE KEY", r"()-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
         r"(?:(?:(?!-----).)*+-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
         r"|(?:(?:\s|\\[nr])*+[A-Za-z0-9+/=]{16,}+)*+)", re.DOTALL),
        ("A", rf"(){_KEY_ID}", 0),
        ("FwoGZX", r"()FwoGZX(?:[A-Za-z0-9+/=%_-]|\\/|\\u00[0-9a-fA-F]{2}){20,}+", 0),
        ("IQoJb3JpZ2lu", r"()IQoJb3JpZ2lu(?:[A-Za-z0-9+/=%_-]|\\/|\\u00[0-9a-fA-F]{2}){20,}+", 0),
        ("eyJ", r"()(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+\.[\w-]*+", 0),
        ("@", r"(://[^\s:/?#@\"'<>\\]{0,256}:)[^\s/?#\"'<>]{1,256}(?=@)", 0),
        ("uthorization", rf"([Aa]uthorization{_BETWEEN}b?{_QUOTE}?(?:Basic|Bearer|Token|Negotiate)\s)"
         r"[^\s\"'<>,;]{4,}+", 0),
        ("ignature", r"([Ss]ignature(?:=|%3[Dd]))[0-9a-f]{64}", 0),
        ("xternal", rf"([Ee]xternal_?[Ii]d{_BETWEEN}(?P<quote>{_QUOTE}))(?!{_REFERENCE}|[<${{\[])"
         r"(?:(?!(?P=quote))[^\n]){2,1224}+", 0),
        ("token=", r"(\btoken=[\"'])[^\"'\s]{20,}+", 0),
    )
)  # fmt: skip
_PLAIN = r"[^\s\"'<>&,;\\|│]"
_NAMED = re.compile(
    rf"(?P<name>(?:{_NAMES})(?:{_BETWEEN}|(?P<wide>[ \t|│]{{1,99}})))"
    rf"(?:b?(?P<quote>{_QUOTE})(?!{_REFERENCE})(?P<quoted>(?:(?!(?P=quote))[^\n]){{4,4096}}+)"
    rf"|b?(?!{_REFERENCE}|[A-Za-z_][\w.]*+[(\[])(?P<plain>{_PLAIN}{{6,}}?)"
    rf"(?=[)\]}}]{{0,3}}(?!{_PLAIN})))",
    re.IGNORECASE,
)
# How the names start. To search for these first is ten times faster than to search for the names.
_PREFIXES = ("secret", "client", "session", "security", "access", "refresh", "signin", "token", "pass")
_IS_KEY_ID = re.compile(_KEY_ID)
# A secret access key: 40 characters of base64. A git commit has 40 too, but no capitals.
_LETTER = r"(?:[A-Za-z0-9+/]|%2[BFbf]|\\/)"
_KEY = re.compile(
    rf"(?<![A-Za-z0-9+/=%])(?={_LETTER}{{40}}(?![A-Za-z0-9+/=]))"
    rf"(?=[^A-Z]{{0,39}}[A-Z])(?=[^a-z]{{0,39}}[a-z])(?=\D{{0,39}}\d){_LETTER}{{40}}"
)
_NEARBY, _LONGEST = 120, 121  # characters; an encoded one takes up to three


def credentials_in(variables: Mapping[str, str]) -> set[str]:
    """Return the values of the variables whose names mark credentials, such as PGPASSWORD."""
    return {value for name, value in variables.items() if is_credential_name(name) and len(value) >= _LEAST}


def is_secret_reference(text: str) -> bool:
    """Return whether the text is empty, a reference to a secret, or a fingerprint."""
    return not text or re.match(_REFERENCE, text) is not None


def looks_random(text: str) -> bool:
    """Return whether the text may be a credential: one word of 8 characters or more, with a digit."""
    return len(text) >= _LEAST and not re.search(r"\s", text) and re.search(r"\d", text) is not None


def find_secrets(text: str) -> list[tuple[int, int, str]]:
    """Return the parts of a text that look like secrets, in order, without overlaps."""
    found: list[tuple[int, int, str]] = []
    for start, end in sorted((*_near_key_ids(text), *_by_pattern(text), *_by_name(text))):
        if found and start < found[-1][1]:
            first, last, _ = found.pop()
            found.append((first, max(last, end), REDACTED))
        else:
            found.append((start, end, REDACTED))
    return found


def _by_pattern(text: str) -> Iterator[tuple[int, int]]:
    for sign, pattern in _PATTERNS:
        if sign in text:
            yield from ((hit.end(1), hit.end()) for hit in pattern.finditer(text))


def _by_name(text: str) -> Iterator[tuple[int, int]]:
    """Yield the values after a secret's name: quoted text, or, in a column beside it, text of 16 or more."""
    reached = 0
    lower = text.replace("\u0130", "I").lower()  # the only letter with a lower case of two characters
    for start in sorted(at for each in _PREFIXES for at in _positions(lower, each)):
        hit = _NAMED.match(text, start) if start >= reached else None
        if hit and (hit["wide"] is None or len(hit["quoted"] or hit["plain"]) >= 16):
            yield hit.span("quoted" if hit["quoted"] else "plain")
            reached = hit.end()


def _positions(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _near_key_ids(text: str) -> Iterator[tuple[int, int]]:
    reached = 0
    for key_id in _IS_KEY_ID.finditer(text):
        last = key_id.end() + _NEARBY
        for hit in _KEY.finditer(text, max(reached, key_id.start() - _NEARBY), last + _LONGEST):
            if hit.start() <= last:
                yield hit.span()
                reached = hit.end()
        reached = max(reached, last + 1)
