"""Credentials that have a form of their own, whatever stands beside them.

Sources: the formats that the vendors document for secret scanning.
"""

import re
from collections.abc import Iterator

KEY_ID = r"(?:A[KS]IA|ABIA|ACCA)[A-Z0-9]{12,124}"
_IS_KEY_ID = re.compile(KEY_ID)
_PEM = r"[A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?"
_LONG = r"(?:[A-Za-z0-9+/=%_-]|\\/|\\u00[0-9a-fA-F]{2}){20,}+"
# What separates words in an address's password and ends it: the last @ before a space or a quotation mark.
_IN_URL = r"[^\s\"'<>`\\]"


def _alone(start: str, within: str = "[A-Za-z0-9]") -> str:
    """Return the pattern of a text that is no part of a longer word; an escaped line break may precede it."""
    return rf"(){start}(?:(?<!{within}{start})|(?<=\\[nrt]{start}))"


# Each pattern starts with a literal, which makes its search fast; what stands before group 1 stays.
_SHAPES: tuple[re.Pattern[str], ...] = tuple(
    map(re.compile, (
        rf"()-----BEGIN {_PEM}-----(?:(?:(?!-----)[\s\S])*+-----END {_PEM}-----"
        rf"|(?:(?:[\s|]|\\{{1,32}}[nr])*+[A-Za-z0-9+/=]{{16,}}+)*+)",
        r"()Private-Lines: ?\d{1,4}(?:(?:[\s|]|\\{1,32}[nr])++[A-Za-z0-9+/=]{1,99}+(?![:-]))++",
        r"()AGE-SECRET-KEY-1[A-Z0-9]{40,}+",
        rf"()FwoGZX{_LONG}",
        rf"()IQoJb3JpZ2lu{_LONG}",
        _alone("ABSK", r"[A-Za-z0-9+/]") + r"[A-Za-z0-9+/]{100,}+={0,2}",  # API key of Bedrock
        r"()bedrock-api-key-[A-Za-z0-9+/=_-]{20,}+",
        _alone("aoa", r"[A-Za-z0-9+/_-]") + r"[A-Z][A-Za-z0-9+/=_:-]{60,}+",  # token of Identity Center
        _alone("eyJ", r"[\w-]") + r"[\w-]{8,}+\.[\w-]{8,}+\.[\w-]*+(?:\.[\w-]*+){0,2}",
        rf"://[^\s:/?#@\"'<>\\]{{0,256}}:()(?![0-9]{{2,5}}(?:[/?#,;)&|]|\Z)){_IN_URL}{{1,256}}(?=@[^\s@])",
        r"%2F%2F[^\s:/?#@\"'<>%]{0,256}(?:%3A|:)()[^\s\"'<>]{1,256}?(?=%40)",
        r"ignature(?:=|%3[Dd])()[0-9a-f]{64}",
        r"sig=(?<=[?&;]sig=)()[A-Za-z0-9%+/=]{32,}+",  # shared access signature of Azure
        r"token=[\"']()[^\"'\s]{20,}+",
        r"otpauth(?:-migration)?(?::|%3[Aa])(?://|%2[Ff]%2[Ff])()[^\s\"'<>]++",
        _alone("gh") + r"[opusr]_[A-Za-z0-9]{36,}+",
        r"()github_pat_[A-Za-z0-9_]{22,}+",
        _alone("gl") + r"(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat)-[\w.=+/-]{20,}+",
        _alone("xox") + r"[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}+",
        r"()xapp-\d-[A-Za-z0-9-]{20,}+",
        r"hooks.slack.com/[a-z]{1,20}/()[\w/-]{20,}+",
        _alone("npm_") + r"[A-Za-z0-9]{36,}+",
        r"()pypi-[\w-]{50,}+",
        _alone("sk-", r"[A-Za-z0-9-]") + r"(?=[\w-]{0,80}\d)[A-Za-z0-9][\w-]{19,}+",
        r"()k_(?<=[sr]k_)(?:live|test)_[A-Za-z0-9]{16,}+",
        _alone("hf_") + r"[A-Za-z]{30,}+",
        r"()AIza[\w-]{35}",
        r"()GOCSPX-[\w-]{20,}+",
        r"()ya29\.[\w-]{20,}+",
        r"()Q~(?<=[\w~.-]{3}\dQ~)[\w~.-]{31,34}(?![\w~-])",  # client secret of Entra ID
        _alone("hv") + r"[sbr]\.[\w-]{24,}+",
        r"()\.atlasv1\.[\w-]{60,}+",
        r"()dckr_(?:pat|oat)_[\w-]{20,}+",
        r"()dop_v1_[0-9a-f]{40,}+",
        r"()SG\.[\w-]{16,32}\.[\w-]{30,}+",
        r"()ATATT3[\w=-]{50,}+",
    ))
)  # fmt: skip
_QUOTED = r"(?:\\{0,32}(?:[\"']|&(?:amp;){0,2}(?:#(?:3[49]|x2[27])|quot|apos);)|%2[27])?"
_HEADER = rf"{_QUOTED}\s{{0,9}}(?:[:=,]|=>|%3a)(?:\s|%20|\+){{0,9}}b?{_QUOTED}"
# These are searched for in the text in lower case.
_HEADERS_AND_COMMANDS: tuple[re.Pattern[str], ...] = tuple(
    map(re.compile, (
        rf"authorization{_HEADER}(?:basic|bearer|token|negotiate|ntlm|api-?key|hawk|mac|oauth)"
        r"(?:\s|%20|\+){1,4}()[^\s\"'<>,;]{4,4096}",
        rf"authorization{_HEADER}digest\s()[^\n]{{4,4096}}",
        rf"cookie{_HEADER}()(?=[\w.-]{{1,99}}=)[^\n\"'<>]{{4,4096}}",
        r"bearer(?:\s|%20|\+){1,4}()(?=[^\s\"'<>]{0,99}\d)[\w.~+/%=-]{16,}+",
        rf"-u(?<![\w-]-u)(?:\s{{1,9}}|=){_QUOTED}(?!\d{{1,9}}:\d)[^\s:\"'/@]{{1,99}}:()"
        r"(?!//)[^\s\"']{1,256}",
        rf"-user(?:\s{{1,9}}|=){_QUOTED}[^\s:\"'/@]{{1,99}}:()(?!//)[^\s\"']{{1,256}}",
        rf"sshpass\s{{1,9}}-p\s{{0,9}}{_QUOTED}()[^\s\"']{{1,256}}",
        rf"login\b[^\n|;&]{{0,200}}?\s-p[ =]?{_QUOTED}()[^\s\"'\\-][^\s\"'\\]{{3,256}}",
        r"login\s{1,9}\S{1,99}\s{1,9}password\s{1,9}()\S{1,256}",
        rf"mysql\w{{0,9}}\b[^\n|;&]{{0,200}}?\s-p{_QUOTED}()[^\s\"']{{1,256}}",
    ))
)  # fmt: skip
# The seed of an MFA device, as IAM gives it: 64 letters and digits of base32.
_SEED = re.compile(r"[A-Z2-7]{32,}+")
_LENGTHS_OF_SEEDS = (32, 52, 64)
# A secret access key: 40 characters of base64. A git commit has 40 too, but no capitals.
_LETTER = r"(?:[A-Za-z0-9+/]|%2[BFbf]|\\/)"
_KEY = re.compile(
    rf"(?<![A-Za-z0-9+/=%])(?={_LETTER}{{40}}(?![A-Za-z0-9+/=]))"
    rf"(?=[^A-Z]{{0,39}}[A-Z])(?=[^a-z]{{0,39}}[a-z])(?=\D{{0,39}}\d){_LETTER}{{40}}"
)
_NEARBY, _LONGEST = 120, 121  # characters; an encoded one takes up to three


def find_shapes(text: str, lower: str) -> Iterator[tuple[int, int]]:
    """Yield the parts of a text that have the form of a credential; `lower` is the text in lower case."""
    for searched, shapes in ((text, _SHAPES), (lower, _HEADERS_AND_COMMANDS)):
        for pattern in shapes:
            yield from ((hit.start(1), hit.end()) for hit in pattern.finditer(searched))
    yield from _near_key_ids(text)
    if any(word in lower for word in ("mfa", "seed", "otp", "base32", "secret", "authenticator")):
        yield from _seeds(text)


def _seeds(text: str) -> Iterator[tuple[int, int]]:
    """Yield what may be the seed of an MFA device, a word of base32 by itself."""
    for hit in _SEED.finditer(text):
        start, end = hit.span()
        beside = text[max(0, start - 1) : start] + text[end : end + 1]
        if (
            end - start in _LENGTHS_OF_SEEDS
            and re.search("[2-7]", hit[0])
            and not re.search(r"[\w+/]", beside)
        ):
            yield start, end


def _near_key_ids(text: str) -> Iterator[tuple[int, int]]:
    reached = 0
    for key_id in _IS_KEY_ID.finditer(text):
        yield key_id.span()
        last = key_id.end() + _NEARBY
        for hit in _KEY.finditer(text, max(reached, key_id.start() - _NEARBY), last + _LONGEST):
            if hit.start() <= last:
                yield hit.span()
                reached = hit.end()
        reached = max(reached, last + 1)
