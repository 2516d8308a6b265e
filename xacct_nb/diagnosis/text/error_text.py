"""Restores an error text as AWS wrote it: without colours, boxes, escapes, entities and broken lines."""

import html
import re
from collections.abc import Iterator
from itertools import pairwise
from urllib.parse import unquote

from xacct_nb.diagnosis.text.denied_actions import KNOWN_ACTIONS, OPERATION_ACTIONS
from xacct_nb.redaction.encodings import COLOURS

# Most texts are short; a longer one is a log, of which the part around the first denial is read.
LONGEST = 200_000
_MOST_LINES = 6_000
# Each repetition is bounded, so that no text takes long.
_ESCAPED_QUOTE = re.compile(r"\\{1,16}([\"'/`])")
_ESCAPED_BREAK = re.compile(r"(?<!:)\\{1,16}[nr]")
_ESCAPED_TAB = re.compile(r"(?<!:)\\{1,16}t")
_ESCAPED_CODE = re.compile(r"\\{1,16}(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))")
# A text recognized in a picture has "m" for "rn".
_ARN_OF_PICTURE = re.compile(r"\bam:(?=aws[\w-]*:)")
# The marks of HTML and of Markdown around a name; AWS's own XML has elements in capitals.
_INLINE_TAG = re.compile(r"(?<![/:])</?(?:a|b|code|em|i|kbd|mark|samp|span|strong|tt|u)(?:\s[^<>]{0,300})?>")
_BLOCK_TAG = re.compile(r"(?<![/:])</?(?:br|dd|div|dt|h[1-6]|li|p|pre|td|th|tr|ul)(?:\s[^<>]{0,300})?/?>")
_CODE_MARK = re.compile(r"`(arn:[^`\s]{1,2000}|[a-z0-9-]{2,40}:[A-Za-z*]{1,80})`")
_BOLD_MARK = re.compile(r"(?<![\w/:*])\*\*(?=\w)([^*\n]{1,2000})\*\*(?!\*)")
_TIME = re.compile(
    r"\s*\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|\s?[+-]\d\d:?\d\d)?\]?(?:\s|$)"
)
_URL_ARN = re.compile(r"arn%3[aA][\w%.+=,@-]+")
_TYPOGRAPHIC = str.maketrans(
    {
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\uff02", '"'),
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc\uff07", "'"),
        **dict.fromkeys("\u00a0\u202f\u2007\u3000", " "),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad", None),
        "\u2010": "-",
        "\u2011": "-",
        "\uff1a": ":",
    }
)
_BOX = "\u2500-\u257f"
# The frame of a box, the mark of a quoted e-mail, the bar of a table.
_BEFORE = re.compile(rf"^[ \t]*(?:[{_BOX}|>]+[ \t]?)+")
_END_OF_BOX = "|" + "".join(map(chr, range(0x2500, 0x2580)))
_RULE = re.compile(rf"^[{_BOX}\s=_*#+-]*$")
_ARN_AT_END = re.compile(r"arn:[^\s\"'<>]*$")
_PART_OF_ARN = re.compile(r"[\w+=,.@:/*-]+")
_WHOLE_PREFIX = re.compile(r"arn:[\w-]+:[\w-]+:[\w-]*:[^:]*:.*[^:/]$")
# What may follow an ARN in an error text: its end, the end of a quotation, or one of AWS's own phrases.
_AFTER_ARN = re.compile(
    r"\s*(?:$|[\"')\]},;]|because(?: no\b|$)|with(?: an\b|$)|is(?: not\b|$| in conflict)|on(?: resource|$)|"
    r"status code|\(|<|- <|cannot be assumed|, )"
)
_PHRASES = re.compile(
    r"not authorized to perform|on resource:|because no [\w -]{4,40}(?:policy|boundary) allows"
    r"|\(AccessDenied\)|with an explicit deny in|An error occurred|when calling the \w+ operation"
    r"|could not be found|error STS|failed to satisfy constraint|request id|RequestID|explicitly denies"
)
_FULL, _FEW_FULL = 40, 2
_LONGEST_WORD = 2_000
_MARKS, _ACTION = "\"'(),.:;[]{}", re.compile(r"[a-z0-9-]+:[A-Z]\w*")
_ADDRESS = re.compile(r"[\"'(\[]*https?:[^\"')\]>]*$")
# The words of AWS's messages of denial, the names of operations among them.
_WORDS = frozenset(map(str.lower, OPERATION_ACTIONS)) | frozenset(
    """
    user is not authorized to perform on resource because no identity-based resource-based policy policies
    allows allow the action with an explicit deny in a service control role trust permissions boundary session
    vpc endpoint error occurred when calling operation status code request requestid statuscode api https
    response accessdenied exception assume id message context explicitly denies
    """.split()  # noqa: SIM905
)
_KNOWN_ACTION = re.compile(r"[\"'(\[]*(?:sts|s3|kms|sqs|iam|ec2|ssm|secretsmanager|lambda|dynamodb):[A-Z]")


def plain_text(text: str) -> str:
    """Return a pasted error text in one line; every text is accepted."""
    text = COLOURS.sub("", _part_of_log(text)).translate(_TYPOGRAPHIC)
    return _in_one_line(_unescaped(_in_one_line(_without_marks(_without_times(text)))))


def _part_of_log(text: str) -> str:
    """Return a text, or the part of a long one around AWS's first phrase, else its first and last parts."""
    half = LONGEST // 2
    if len(text) <= LONGEST:
        return text
    if found := _PHRASES.search(text):
        return text[max(0, found.start() - half) : found.start() + half]
    return f"{text[:half]}\n{text[-half:]}"


def _without_times(text: str) -> str:
    """Return a log without the times at the begin of its lines, if every line has one."""
    lines = [line for line in text.splitlines() if line.strip()]
    times = [_TIME.match(line) for line in lines]
    if len(lines) < 2 or not all(times):
        return text
    return "\n".join(line[found.end() :] for line, found in zip(lines, times, strict=True) if found)


def _without_marks(text: str) -> str:
    """Return a text without the marks of HTML and Markdown around its names."""
    text = _BLOCK_TAG.sub("\n", _INLINE_TAG.sub("", text))
    return _BOLD_MARK.sub(r"\1", _CODE_MARK.sub(r"\1", text))


def _in_one_line(text: str) -> str:
    """Return a text with its lines joined, in the way in which it has the most of AWS's phrases."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES // 2], *lines[-_MOST_LINES // 2 :]]
    lines = [line for line in map(_without_frame, lines) if line]
    return max(_readings(lines), key=lambda reading: len(_PHRASES.findall(reading)))


def _unescaped(text: str) -> str:
    """Return a text without the escapes of terminals, JSON, Python, URLs and HTML, however often escaped."""
    text = _ESCAPED_CODE.sub(lambda found: chr(int(found[1] or found[2], 16)), text)
    text = _ESCAPED_QUOTE.sub(r"\1", text)
    text = _ESCAPED_TAB.sub(" ", _ESCAPED_BREAK.sub("\n", text))
    text = _URL_ARN.sub(lambda found: unquote(found[0]), text)
    for _ in range(3):
        text = _without_marks(html.unescape(text)) if "&" in text else text
    text = _ARN_OF_PICTURE.sub("arn:", text)
    return COLOURS.sub("", text).translate(_TYPOGRAPHIC)


def _without_frame(line: str) -> str:
    """Return a line without the box or the marks around it; "" for a line that only separates."""
    line = line.replace("\t", " ")
    bare = _BEFORE.sub("", line)
    if (end := bare.rstrip(" ")).endswith(tuple(_END_OF_BOX)):
        bare = end.rstrip(_END_OF_BOX).rstrip(" ")
    return "" if _RULE.match(bare) else bare


def _readings(lines: list[str]) -> Iterator[str]:
    """Yield the ways to read broken lines: words were kept whole, or cut where the line was full.

    Of two equally good ones the first counts.
    """
    ends = [len(line) for line in lines[:-1]]
    width = max(ends, default=0)
    full = sum(end == width for end in ends) if width >= _FULL else 0
    cut = full > _FEW_FULL or (full == _FEW_FULL and min(ends) >= width - 1)
    ways = (True, False) if cut else (False, True)
    for each in ways:
        yield " ".join("".join(_joined(lines, width, cut_words=each)).split())


def _joined(lines: list[str], width: int, *, cut_words: bool) -> Iterator[str]:
    """Yield the lines, each with a space before it unless a word goes on in it."""
    yield from lines[:1]
    tail = lines[0][-_LONGEST_WORD:] if lines else ""
    for before, line in pairwise(lines):
        is_full = len(before) >= width - 1 and width >= _FULL  # a space at its end may be gone
        is_cut = cut_words and len(before) == width and _is_cut(before, line)
        piece = line.lstrip() if is_cut or _goes_on(tail, line, is_full) else f" {line}"
        tail = f"{tail}{piece}"[-_LONGEST_WORD:]
        yield piece


def _is_cut(before: str, line: str) -> bool:
    """Return whether a full line may have been cut within a word: a word of AWS's begins none."""
    last, first = before.rsplit(maxsplit=1)[-1], line.split(maxsplit=1)[0].strip(_MARKS).lower()
    is_whole = first in _WORDS and f"{last.strip(_MARKS).lower()}{first}" not in _WORDS
    return bool(before[-1].strip() and line[0].strip()) and not is_whole


def _goes_on(before: str, line: str, is_full: bool) -> bool:
    """Return whether a word that the end of a line broke goes on in the next line."""
    arn, first = _ARN_AT_END.search(before), line.split(maxsplit=1)[0]
    if not arn:
        return _is_one_word(before.rsplit(maxsplit=1)[-1], first, is_full)
    part = _PART_OF_ARN.match(first)
    if not part or first.startswith(("arn:", "Traceback")):
        return before.endswith("\\")
    if part[0].startswith("/"):
        return True
    if not _WHOLE_PREFIX.match(arn[0]):
        return not (arn[0].endswith("/") and part[0].endswith(":"))
    rest = line.lstrip()[part.end() :]
    return (is_full or before[-1] in "-_") and _AFTER_ARN.match(rest) is not None


def _is_one_word(last: str, first: str, is_full: bool) -> bool:
    """Return whether the last word of a line and the first of the next were one: hyphenated, or cut."""
    if last[-1] == "\\" or (last[-1] == "-" and last[-2:-1].islower() and first[0].islower()):
        return True
    whole, plain = f"{last}{first}", first.strip(_MARKS).lower()
    named = last.strip(_MARKS)
    is_part = (_ACTION.fullmatch(named) and named not in KNOWN_ACTIONS) or _ADDRESS.match(last)
    bare = whole.strip(_MARKS)
    is_word = bare.lower() in _WORDS or bare in KNOWN_ACTIONS or re.match(r"arn:aws|https?:", whole)
    is_action = _KNOWN_ACTION.match(whole) and not _KNOWN_ACTION.match(last)
    return is_full and bool(is_word or is_action or (is_part and plain not in _WORDS))
