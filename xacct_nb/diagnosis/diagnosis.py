"""A denial, explained: ranked causes with their mends, what could not be seen, and what to send to whom."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from xacct_nb.diagnosis.attempt import Attempt, Tried, attempt_in
from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import CATALOGUE, cause
from xacct_nb.diagnosis.cause import CERTAIN, CONFIDENCES, DESTINATION, LIKELY, POSSIBLE, SOURCE, Cause
from xacct_nb.diagnosis.client import client_causes
from xacct_nb.diagnosis.denial import NOTHING_SAID, Denial
from xacct_nb.diagnosis.fixes import with_variables
from xacct_nb.diagnosis.owner_message import owner_message
from xacct_nb.diagnosis.session import after_causes
from xacct_nb.diagnosis.snapshot import Snapshot
from xacct_nb.diagnosis.source import source_causes
from xacct_nb.diagnosis.trust import trust_causes
from xacct_nb.diagnosis.unknowns import Unseen, alike, unseen
from xacct_nb.redaction.redact import fingerprints_in, redact_all
from xacct_nb.views import Code, Page, Shown, Table, Text, View

_FRESH_SECONDS = 120
_TONES = {CERTAIN: "bad", LIKELY: "bad", POSSIBLE: "note"}
NOTHING_SEEN, NOTHING_TRIED = Snapshot(), Attempt()


@dataclass(frozen=True, repr=False)
class Diagnosis(Shown):
    """Why an attempt was denied: `causes` by rank; `alike` are the codes that cannot be told apart from here.

    `unseen` is what could not be read and who can; `message` is for the other owner. No secret is in it.
    """

    attempt: Mapping[str, Any]
    denial: Denial
    causes: tuple[Cause, ...]
    alike: tuple[str, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    message: str = ""
    answer: str = ""

    @property
    def headline(self) -> str:
        """The result in one line."""
        if not self.causes:
            return "Nothing that could be read stands against it."
        first = self.causes[0]
        if first.confidence == POSSIBLE and len(self.alike) > 1:
            return f"{len(self.alike)} causes look alike from here; who sees the rest can tell them apart."
        return f"{first.confidence.capitalize()}: {first.code} ({first.side}). {first.why}"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "headline": self.headline,
            "attempt": dict(self.attempt),
            "denial": self.denial.to_json(),
            "answer": self.answer,
            "causes": [each.to_json() for each in self.causes],
            "alike": list(self.alike),
            "unseen": [each.to_json() for each in self.unseen],
            "message": self.message,
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "Diagnosis":
        """The Diagnosis that `to_json` was made from."""
        return cls(
            given["attempt"],
            Denial.from_json(given["denial"]),
            tuple(map(Cause.from_json, given["causes"])),
            tuple(given["alike"]),
            tuple(Unseen(**each) for each in given["unseen"]),
            given["message"],
            given["answer"],
        )

    def view(self) -> View:
        """The headline, the causes, the first one's mend, what could not be seen, the message."""
        parts: list[View] = [Text(self.headline, "bad" if self.causes else "good"), *self._causes()]
        if self.answer:
            parts.insert(1, Text(f"AWS, asked now: {self.answer}", "note"))
        if self.unseen:
            rows = tuple((each.what, each.why, each.who) for each in self.unseen)
            parts.append(Table(("not seen", "why", "who can see it"), rows))
        return Page(
            "Diagnosis",
            (*parts, *((Code("To send to the other owner", self.message),) if self.message else ())),
        )

    def _causes(self) -> Iterator[View]:
        if not self.causes:
            return
        rows = tuple((each.code, each.side, each.confidence, each.why) for each in self.causes)
        yield Table(
            ("cause", "side", "confidence", "why"),
            rows,
            tones=tuple(_TONES[each.confidence] for each in self.causes),
        )
        for each in self.causes:
            if each.confidence != POSSIBLE or len(self.causes) == 1:
                yield Code(f"Mend of {each.code} ({each.side}): {each.mend}", "\n".join(each.commands))


def diagnose(
    snapshot: Snapshot = NOTHING_SEEN,
    *,
    attempt: Attempt = NOTHING_TRIED,
    denial: Denial = NOTHING_SAID,
    tried: Tried | None = None,
) -> Diagnosis:
    """Why the attempt is denied, as far as the snapshot, the error text and AWS's answer tell.

    Source: IAM user guide, troubleshoot_roles and troubleshoot_access-denied, and the catalogue.
    """
    said = tried.denial if tried and tried.denial.text and not denial.text else denial
    case = Case(snapshot, attempt_in(said, attempt), said, tried)
    found = ranked(case, _gathered(case))
    open_codes = () if _settled(case, found) else alike(case)
    listed = (
        *found,
        *(cause(code, POSSIBLE) for code in _by_suffix(case, open_codes) if code not in _codes(found)),
    )
    owner = _owner(case, listed)
    whole = Diagnosis(
        case.attempt.to_json(),
        said,
        listed,
        tuple(each.code for each in listed if each.code in open_codes),
        tuple(unseen(case)),
        owner_message(case, owner),
        _answer(tried),
    )
    return _covered(whole, snapshot.secrets | {attempt.external_id} - {""})


def ranked(case: Case, causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """The causes, each once: AWS's own words first, then by confidence, then by the policy AWS names."""
    best: dict[str, Cause] = {}
    for each in causes:
        known = best.setdefault(each.code, each)
        if CONFIDENCES.index(each.confidence) < CONFIDENCES.index(known.confidence):
            best[each.code] = each
    exact = {CATALOGUE[each.code].policy_type for each in best.values() if each.commands} - {""}
    kept = [each for each in best.values() if each.commands or not _is_vague(case, each, exact)]
    return tuple(sorted(kept, key=lambda each: _rank(case, each)))


def _is_vague(case: Case, each: Cause, exact: set[str]) -> bool:
    """Whether only the text tells this cause, and a document shows a more exact one of its kind."""
    return CATALOGUE[each.code].policy_type in exact and each.why == CATALOGUE[each.code].why


def _rank(case: Case, each: Cause) -> tuple[bool, int, bool]:
    general, words = CATALOGUE[each.code], case.denial.text
    told = bool(words) and not case.denial.refuses and general.told_by(words) is None
    other = bool(case.denial.policy_type) and general.policy_type != case.denial.policy_type
    return told, CONFIDENCES.index(each.confidence), other


_FINDERS: tuple[Callable[[Case], Iterator[Cause]], ...] = (
    client_causes,
    source_causes,
    trust_causes,
    after_causes,
)


def _gathered(case: Case) -> Iterator[Cause]:
    for find in _FINDERS:
        yield from find(case)
    for known in CATALOGUE.values():
        if known.told_by(case.denial.text) and not (case.attempt.after and known.side == SOURCE):
            yield cause(known.code, known.sure)
    yield from _in_time(case)


def _in_time(case: Case) -> Iterator[Cause]:
    """Where nothing stands against it: IAM may be behind, or was when it was denied."""
    if case.tried and case.tried.allowed and case.denial.text and not case.attempt.after:
        yield cause("not-in-effect-yet", LIKELY, f"AWS allows it now, at {case.tried.at}.", "Call again.")
        if case.snapshot.client and case.snapshot.client.cached_sessions:
            yield cause("cached-session", POSSIBLE, commands=("rm -r ~/.aws/cli/cache",))
    near, far = case.near(), case.far()
    both = bool(near and far and near.allowed and far.allowed) and not case.attempt.after
    if both and case.denial.refuses and _is_fresh(case):
        why = "Both sides allow it, and a part of it was made within the last two minutes."
        yield cause("not-in-effect-yet", LIKELY, why)


def _is_fresh(case: Case) -> bool:
    source, destination = case.snapshot.source, case.snapshot.destination
    parts = (source.principal if source else None, destination.role if destination else None)
    return any(part and _seconds_between(part.created, case.now) < _FRESH_SECONDS for part in parts)


def _seconds_between(earlier: str, later: str) -> float:
    try:
        return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
    except ValueError:
        return float("inf")


def _settled(case: Case, found: tuple[Cause, ...]) -> bool:
    """Whether a cause is found, or there is no denial by policies to explain."""
    if case.tried and case.tried.allowed and not case.attempt.after:
        return True
    sure = any(each.confidence == CERTAIN or (each.confidence == LIKELY and each.commands) for each in found)
    return sure or not case.denial.refuses


def _by_suffix(case: Case, codes: tuple[str, ...]) -> list[str]:
    named = case.denial.policy_type
    return sorted(codes, key=lambda code: bool(named) and CATALOGUE[code].policy_type != named)


def _codes(causes: Iterable[Cause]) -> set[str]:
    return {each.code for each in causes}


def _owner(case: Case, causes: tuple[Cause, ...]) -> str:
    """Whose owner the message is for: the side that could not be read, else that of the first cause."""
    if not case.snapshot.readable(DESTINATION) and case.snapshot.readable(SOURCE):
        return DESTINATION
    if case.snapshot.readable(DESTINATION) and not case.snapshot.readable(SOURCE):
        return SOURCE
    return SOURCE if causes and causes[0].side == SOURCE else DESTINATION


def _answer(tried: Tried | None) -> str:
    if tried is None:
        return ""
    return f"allowed, as {tried.session}" if tried.allowed else tried.denial.text


def _covered(diagnosis: Diagnosis, secrets: set[str]) -> Diagnosis:
    """The diagnosis with its fingerprint for every secret in it, and a variable in what is to be run."""
    covered = Diagnosis.from_json(redact_all(diagnosis.to_json(), secrets))
    return replace(covered, causes=tuple(map(_runnable, covered.causes)))


def _runnable(each: Cause) -> Cause:
    marks = ", ".join(sorted(fingerprints_in(each.commands)))
    words = f" EXTERNAL_ID is the one whose fingerprint is {marks}." if marks else ""
    commands = tuple(map(with_variables, each.commands))
    return replace(each, commands=commands, mend=f"{each.mend}{words}")
