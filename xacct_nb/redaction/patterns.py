"""What is a secret by its looks: by a shape of its own, by the name before it, or by the key id beside it."""

import re
from collections.abc import Iterator, Mapping

REDACTED = "[redacted]"
_LEAST = 8  # characters of a secret that is known by its name alone
_NAMES = (
    r"secret[_-]?access[_-]?key|secret[_-]?key|(?<=aws)secret|(?<=aws[_-])secret|client[_-]?secret"
    r"|(?:session|security|access|refresh|signin)[_-]?token|token[_-]?code|pass(?:word|wd|phrase)"
)
# References and fingerprints stand for a secret, and are none.
_STANDS_FOR = r"secret:[0-9a-f]{16}|env:|file:|\[redacted\]"
_CREDENTIAL = re.compile(rf".*(?:{_NAMES})", re.IGNORECASE | re.DOTALL)
_EXTERNAL_ID = re.compile(r"(?:.*[_.:-])?external[_-]?id", re.IGNORECASE | re.DOTALL)
_QUOTE = r"(?:\\{0,8}[\"']|&#(?:3[49]|x2[27]);|&quot;|%2[27])"
# A name and its value in JSON, Python, an AWS file, a URL, XML or HTML, and in a table of text or HTML.
_BETWEEN = (
    rf"{_QUOTE}?(?:\s{{0,99}}(?:=>|[:=]|%3[AaDd])\s{{0,99}}(?:%20|\+)?|\(value=|>|&gt;"
    r"|</t[hd]>\s{0,99}<t[hd][^<>]{0,99}>)"
)
_KEY_ID = r"(?:A[KS]IA|ABIA|ACCA)[A-Z0-9]{12,124}"

# Each is (what may not be missing in a text for it to be looked for, what is looked for): group 1 stays.
_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
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
        ("xternal", rf"([Ee]xternal_?[Ii]d{_BETWEEN}(?P<quote>{_QUOTE}))(?!{_STANDS_FOR}|[<${{\[])"
         r"(?:(?!(?P=quote))[^\n]){2,1224}+", 0),
        ("token=", r"(\btoken=[\"'])[^\"'\s]{20,}+", 0),
    )
)  # fmt: skip
_PLAIN = r"[^\s\"'<>&,;\\|│]"
_NAMED = re.compile(
    rf"(?P<name>(?:{_NAMES})(?:{_BETWEEN}|(?P<wide>[ \t|│]{{1,99}})))"
    rf"(?:b?(?P<quote>{_QUOTE})(?!{_STANDS_FOR})(?P<quoted>(?:(?!(?P=quote))[^\n]){{4,4096}}+)"
    rf"|b?(?!{_STANDS_FOR}|[A-Za-z_][\w.]*+[(\[])(?P<plain>{_PLAIN}{{6,}}?)"
    rf"(?=[)\]}}]{{0,3}}(?!{_PLAIN})))",
    re.IGNORECASE,
)
# What the names begin with. To look for these first is ten times quicker than to look for the names.
_BEGINNINGS = ("secret", "client", "session", "security", "access", "refresh", "signin", "token", "pass")
_IS_KEY_ID = re.compile(_KEY_ID)
# A secret access key: 40 letters of base64. A commit has 40 too, of fewer kinds.
_LETTER = r"(?:[A-Za-z0-9+/]|%2[BFbf]|\\/)"
_KEY = re.compile(
    rf"(?<![A-Za-z0-9+/=%])(?={_LETTER}{{40}}(?![A-Za-z0-9+/=]))"
    rf"(?=[^A-Z]{{0,39}}[A-Z])(?=[^a-z]{{0,39}}[a-z])(?=\D{{0,39}}\d){_LETTER}{{40}}"
)
_BESIDE, _LONGEST = 120, 121  # letters; a letter may be written with three


def is_credential(name: str) -> bool:
    """Whether what has this name is a credential: a key, a token, a password."""
    return _CREDENTIAL.fullmatch(name) is not None


def is_named_secret(key: str) -> bool:
    """Whether what is kept under this key is a secret: a credential or an external ID."""
    return is_credential(key) or _EXTERNAL_ID.fullmatch(key) is not None


def credentials_in(variables: Mapping[str, str]) -> set[str]:
    """The values of the variables whose names say that they are credentials, as PGPASSWORD does."""
    return {value for name, value in variables.items() if is_credential(name) and len(value) >= _LEAST}


def is_secret_reference(text: str) -> bool:
    """Whether the text is a reference to a secret or its fingerprint."""
    return not text or re.match(_STANDS_FOR, text) is not None


def find_secrets(words: str) -> list[tuple[int, int, str]]:
    """Where a text has what looks like a secret, without overlaps, in order."""
    found = sorted((*_beside_key_ids(words), *_shaped(words), *_named(words)))
    return list(_merged(found))


def _merged(found: list[tuple[int, int]]) -> Iterator[tuple[int, int, str]]:
    """Places that overlap become one."""
    if not found:
        return
    start, end = found[0]
    for other_start, other_end in found[1:]:
        if other_start >= end:
            yield start, end, REDACTED
            start, end = other_start, other_end
        end = max(end, other_end)
    yield start, end, REDACTED


def _shaped(words: str) -> Iterator[tuple[int, int]]:
    for sign, pattern in _SHAPES:
        if sign in words:
            yield from ((hit.end(1), hit.end()) for hit in pattern.finditer(words))


def _named(words: str) -> Iterator[tuple[int, int]]:
    """The value is what the quotes hold; in a column beside the name it is no ordinary word."""
    lower, reached = words.replace("\u0130", "I").lower(), 0  # that letter alone has two small ones
    for start in sorted(place for each in _BEGINNINGS for place in _places(lower, each)):
        hit = _NAMED.match(words, start) if start >= reached else None
        if hit and (hit["wide"] is None or len(hit["quoted"] or hit["plain"]) >= 16):
            yield hit.span("quoted" if hit["quoted"] else "plain")
            reached = hit.end()


def _places(words: str, part: str) -> Iterator[int]:
    place = words.find(part)
    while place >= 0:
        yield place
        place = words.find(part, place + 1)


def _beside_key_ids(words: str) -> Iterator[tuple[int, int]]:
    reached = 0
    for key_id in _IS_KEY_ID.finditer(words):
        last = key_id.end() + _BESIDE
        for hit in _KEY.finditer(words, max(reached, key_id.start() - _BESIDE), last + _LONGEST):
            if hit.start() <= last:
                yield hit.span()
                reached = hit.end()
        reached = max(reached, last + 1)
