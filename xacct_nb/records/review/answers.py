"""The answers of one reviewer: their file, and why a file of answers is refused."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xacct_nb.errors import InvalidGrant, InvalidParameters
from xacct_nb.grants.expiry import check_expires, moment_of
from xacct_nb.records.review.item import SOURCES, NarrowPart, ReviewItem
from xacct_nb.records.review.sheet import ReviewSheet
from xacct_nb.validation import Serializable, truncate

KEEP, NARROW, END = "keep", "narrow", "end"
DECISIONS = (KEEP, NARROW, END)
REVIEW_NAMESPACE = "xacct-nb-review"
"""The purpose that a signature of answers names."""
PAGE_ENDING, ANSWERS_ENDING = ".html", ".answers.yaml"
"""With the reviewer's name before them, the names of the files of a review."""
_FIELDS = {"review", "campaign", "reviewer", "answers"}
_OF_AN_ITEM: dict[str, type] = {"decision": str, "expires": str, "drop": list, "comment": str}
_LONGEST = 4000


@dataclass(frozen=True)
class ItemAnswer(Serializable):
    """The answer about one item: keep (until an earlier `expires`), narrow (without `drop`), or end."""

    key: str
    decision: str
    expires: str = ""
    drop: tuple[str, ...] = ()
    comment: str = ""


@dataclass(frozen=True)
class ReviewAnswers(Serializable):
    """All answers of a reviewer, with the digest of what they were shown, and who signed them.

    `signed` says whose signature it is, or that there is none; `sha256` is that of the file.
    """

    reviewer: str
    digest: str
    answers: tuple[ItemAnswer, ...]
    file: str = ""
    signed: str = ""
    sha256: str = ""


def refusal(kind: str, what: str, *, why: str, hint: str) -> InvalidParameters:
    """Return the error of answers that are refused; its code is `review-` and the kind."""
    problem = InvalidParameters(what, why=why, hint=hint)
    problem.code = f"review-{kind}"
    return problem


def campaign_of(file: str, fields: Mapping[str, Any]) -> tuple[str, str]:
    """Return the campaign and the reviewer that a file of answers names. Raises InvalidParameters."""
    texts = [fields.get(name) for name in ("review", "campaign", "reviewer")]
    answers = fields.get("answers")
    if (
        set(fields) != _FIELDS
        or not all(isinstance(each, str) for each in texts)
        or not isinstance(answers, Mapping)
    ):
        raise refusal(
            "form",
            f"{truncate(file)!r} is no file of answers.",
            why=f"It has the fields {truncate(', '.join(map(str, fields)))}, and answers have "
            f"{', '.join(sorted(_FIELDS))}.",
            hint="Take the file that the review's page saved, or the one that was written beside it.",
        )
    return str(fields["campaign"]), str(fields["reviewer"])


def parse_answers(file: str, fields: Mapping[str, Any], sheet: ReviewSheet, now: str) -> ReviewAnswers:
    """Return the answers in the fields of a file, if they are to this sheet, whole, and in time.

    Raises InvalidParameters.
    """
    if now > sheet.answer_by:
        raise refusal(
            "late",
            f"The answers of {sheet.reviewer} are late.",
            why=f"They were to be here by {sheet.answer_by}, and it is {now}. It may all be outdated.",
            hint="Begin a new review, and send its page: xacct-nb run review_access",
        )
    if fields["review"] != sheet.digest:
        raise refusal(
            "other-digest",
            f"{truncate(file)!r} answers something else than {sheet.reviewer} was asked.",
            why=f"It names the digest {str(fields['review'])[:64]!r}, and the sheet has {sheet.digest}.",
            hint="Answer on the page that this review wrote, and sign that file.",
        )
    given = fields["answers"]
    _check_keys(file, given, sheet)
    answers = tuple(_answer(each, given[each.key], now) for each in sheet.items)
    return ReviewAnswers(sheet.reviewer, sheet.digest, answers, file)


def _check_keys(file: str, given: Mapping[str, Any], sheet: ReviewSheet) -> None:
    """Check that there is a decision on each item, and on nothing else. Raises InvalidParameters."""
    asked = [each.key for each in sheet.items]
    if missing := [key for key in asked if not _decision(given.get(key))]:
        raise refusal(
            "missing-item",
            f"{truncate(file)!r} has no decision on {', '.join(missing)}.",
            why=f"A decision is one of {', '.join(DECISIONS)}; none is taken for granted.",
            hint="Decide on each, sign the file again, and hand it in.",
        )
    if wrong := [key for key in asked if _decision(given[key]) not in DECISIONS]:
        raise refusal(
            "answer",
            f"{truncate(file)!r} decides {truncate(str(_decision(given[wrong[0]])))!r} on {wrong[0]}.",
            why=f"That is no decision: it is one of {', '.join(DECISIONS)}.",
            hint="Correct it, sign the file again, and hand it in.",
        )
    if strange := [str(key) for key in given if key not in asked]:
        raise refusal(
            "unknown-item",
            f"{truncate(file)!r} has an answer about {truncate(strange[0])!r}, which was not asked.",
            why=f"{sheet.reviewer} was asked about: {', '.join(asked)}.",
            hint="Remove it, and sign the file again.",
        )


def empty_answers(sheet: ReviewSheet) -> str:
    """Return the text of a file of answers for an editor, without decisions."""
    return "\n".join(_lines(sheet)) + "\n"


def _lines(sheet: ReviewSheet) -> Iterator[str]:
    yield f"# Answers of {sheet.reviewer}, by {sheet.answer_by}. decision: keep, narrow or end."
    yield "# keep: expires may be an earlier end date. narrow: drop lists what goes, as the comments name it."
    yield from (f'{name}: "{text}"' for name, text in _head(sheet))
    yield "answers:"
    for item in sheet.items:
        yield f'  "{item.key}":'
        yield '    decision: ""'
        yield '    expires: ""'
        yield "    drop: []"
        yield from (f"    # {each.key}{' (not used)' if each.is_proposed else ''}" for each in item.parts)
        yield '    comment: ""'


def _head(sheet: ReviewSheet) -> Iterator[tuple[str, str]]:
    yield "review", sheet.digest
    yield "campaign", sheet.campaign
    yield "reviewer", sheet.reviewer


def _decision(answer: Any) -> Any:
    return answer.get("decision") if isinstance(answer, Mapping) else None


def _answer(item: ReviewItem, given: Mapping[str, Any], now: str) -> ItemAnswer:
    """Return the answer about one item. Raises InvalidParameters."""
    wrong = [name for name, value in given.items() if not isinstance(value, _OF_AN_ITEM.get(name, ()))]
    drop, comment = given.get("drop") or [], given.get("comment", "")
    if wrong or not all(isinstance(each, str) for each in drop) or len(comment) > _LONGEST:
        raise _refused(
            item, f"{truncate(', '.join(map(str, wrong))) or 'Its comment or drop'} cannot be read.", _FORM
        )
    answer = ItemAnswer(
        item.key, given["decision"], given.get("expires", ""), tuple(dict.fromkeys(drop)), comment
    )
    for problem in _problems(item, answer, now):
        raise _refused(item, *problem)
    return answer


_FORM = "An answer has decision, expires, drop (a list) and comment (4,000 characters at most)."


def _problems(item: ReviewItem, answer: ItemAnswer, now: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with an answer, and what would be right."""
    if answer.drop and answer.decision != NARROW:
        yield f"It drops something, and its decision is {answer.decision}.", "Only narrow drops something."
    if answer.expires and answer.decision == END:
        yield "It has an end date, and its decision is end.", "The access ends at once: leave expires empty."
    if answer.expires:
        yield from _end_problems(item, answer.expires, now)
    if answer.decision == NARROW:
        yield from _narrow_problems(item, answer.drop)


def _end_problems(item: ReviewItem, expires: str, now: str) -> Iterator[tuple[str, str]]:
    try:
        check_expires(expires)
    except InvalidGrant as problem:
        yield problem.what, problem.why
        return
    if not item.is_whole:
        yield (
            "It has another end date for some of its accounts.",
            "A grant of a fleet has one end date for all.",
        )
    elif moment_of(expires) <= now:
        yield f"Its end date {expires} is past.", "To end the access now, decide: end."
    elif item.expires and moment_of(expires) > moment_of(item.expires):
        yield f"It ends later than the grant: {expires} and {item.expires}.", "A reviewer may only shorten."


def _narrow_problems(item: ReviewItem, drop: Sequence[str]) -> Iterator[tuple[str, str]]:
    known = {each.key: each for each in item.parts}
    strange = [each for each in drop if each not in known]
    sources = [each for each in item.parts if each.where == SOURCES]
    rights = [each for each in item.parts if each.where != SOURCES]
    if not known:
        yield (
            "It cannot be narrowed.",
            "It has nothing to drop, or one set of rights for more accounts: keep or end.",
        )
    elif strange:
        yield f"drop has {truncate(strange[0])!r}, which is no part of it.", f"Its parts: {', '.join(known)}."
    elif not drop:
        yield "It is to be narrowed, and drop is empty.", f"Name what goes: {', '.join(known)}."
    elif _all_go(sources, drop):
        yield "It drops every source.", "Nobody would have the access: decide end."
    elif _all_go(rights, drop):
        yield "It drops everything that the role may do.", "To take all of it away, decide end."


def takes_all(item: ReviewItem, drop: Collection[str]) -> bool:
    """Return whether without these parts nobody has the access, or the role may do nothing."""
    sources = [each for each in item.parts if each.where == SOURCES]
    rights = [each for each in item.parts if each.where != SOURCES]
    return _all_go(sources, drop) or _all_go(rights, drop)


def _all_go(parts: Sequence[NarrowPart], drop: Collection[str]) -> bool:
    return bool(parts) and all(each.key in drop and not each.stays for each in parts)


def _refused(item: ReviewItem, what: str, why: str) -> InvalidParameters:
    return refusal(
        "answer",
        f"The answer about {item.key} cannot be taken. {what}",
        why=why,
        hint="Correct it, sign the file again, and hand it in.",
    )
