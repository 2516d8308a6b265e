"""A denial, explained: ranked causes with their fixes, what could not be read, the message to send."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import Field

from xacct_nb.diagnosis.attempt import Attempt, AttemptResult, attempt_from_denial
from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import CATALOGUE, cause
from xacct_nb.diagnosis.cause import CERTAIN, DESTINATION, LIKELY, POSSIBLE, SOURCE, Cause
from xacct_nb.diagnosis.causes.aws_answers import aws_answer_causes, managed_role_causes, skipped_lookups
from xacct_nb.diagnosis.causes.client import client_causes
from xacct_nb.diagnosis.causes.policy_causes import unread_extra_causes
from xacct_nb.diagnosis.causes.session import session_causes
from xacct_nb.diagnosis.causes.sign_in import sign_in_causes
from xacct_nb.diagnosis.causes.source import source_causes
from xacct_nb.diagnosis.causes.text_causes import is_known, text_causes
from xacct_nb.diagnosis.causes.trust import trust_causes
from xacct_nb.diagnosis.conflicts import Conflict, as_aws_says_now, conflicts_view, find_conflicts
from xacct_nb.diagnosis.denial import NO_DENIAL, Denial
from xacct_nb.diagnosis.doubts import doubts
from xacct_nb.diagnosis.fixes.commands import with_variables
from xacct_nb.diagnosis.hops import Hop, hops_view
from xacct_nb.diagnosis.looked_in import ABOUT_SANDBOX, SANDBOX, LookedIn
from xacct_nb.diagnosis.mends import evaluated
from xacct_nb.diagnosis.owner_message import owner_message
from xacct_nb.diagnosis.ranking import rank_causes
from xacct_nb.diagnosis.snapshot import Snapshot
from xacct_nb.diagnosis.unknowns import Unknown, indistinguishable_causes, unknowns
from xacct_nb.iam.arns import is_arn
from xacct_nb.iam.operators import parse_date
from xacct_nb.redaction.redact import redact_all
from xacct_nb.validation import Serializable, adapter_of
from xacct_nb.views import Code, Page, Shown, Table, Text, View

_FRESH_SECONDS = 120
_UNKNOWN_TEXT = "This error text is not known here, so nothing is said of its cause."
_WITHOUT_ROLE = "To have the policies read, name who calls and the role: -p caller ARN -p role ARN."
_FINDERS = (
    sign_in_causes,
    client_causes,
    source_causes,
    trust_causes,
    session_causes,
    unread_extra_causes,
    aws_answer_causes,
    managed_role_causes,
)
_TONES = {CERTAIN: "bad", LIKELY: "bad", POSSIBLE: "note"}
_MATCHES = {True: "yes", False: "no", None: "not known"}
EMPTY_SNAPSHOT, EMPTY_ATTEMPT = Snapshot(), Attempt()


@dataclass(frozen=True, repr=False)
class Diagnosis(Shown, Serializable):
    """Why an attempt was denied: `causes` by rank, and the codes of those that cannot be distinguished.

    `unknowns` is what could not be read and who can read it. `message` is for the other owner. `answer` is
    what AWS returned when the attempt was repeated. If AWS allows it now, there are no causes, and `notes`
    says what is in doubt. `conflicts` are contradictions between AWS's words and what was given. `together`
    is what several mends do together. `looked_in` is where the sides were looked up, None where that is not
    known. Of a chain of roles, `hops` are all hops, and `failing_hop` is the number of the one that the
    causes are of. No field holds a secret.
    """

    attempt: Mapping[str, Any]
    denial: Denial
    causes: tuple[Cause, ...]
    indistinguishable_causes: Annotated[tuple[str, ...], Field(alias="alike")] = ()
    unknowns: Annotated[tuple[Unknown, ...], Field(alias="unseen")] = ()
    message: str = ""
    answer: str = ""
    conflicts: tuple[Conflict, ...] = ()
    notes: tuple[str, ...] = ()
    is_allowed_now: bool = False
    together: str = ""
    looked_in: LookedIn | None = None
    hops: tuple[Hop, ...] = ()
    failing_hop: int = 0

    @property
    def headline(self) -> str:
        """The result in one line: of a text that was looked up in the sandbox, of a hop, it says so."""
        hop = (
            f"Hop {self.failing_hop} of {len(self.hops)}, {self.hops[self.failing_hop - 1]}. "
            if self.hops
            else ""
        )
        result = f"{'' if self.is_allowed_now else hop}{self._result}"
        if self.looked_in is None or self.looked_in.note != ABOUT_SANDBOX:
            return result
        return f"In the sandbox: {'it is allowed now.' if self.is_allowed_now else result}"

    @property
    def _who(self) -> str:
        """Who answered the request that was repeated."""
        return "The sandbox" if self.looked_in and self.looked_in.place == SANDBOX else "AWS"

    @property
    def _result(self) -> str:
        if self.is_allowed_now:
            return f"{self._who} allows it now."
        unknown = f"{_UNKNOWN_TEXT} " if self.has_unknown_text else ""
        if not self.causes:
            more = "" if is_arn(str(self.attempt.get("role", ""))) else _WITHOUT_ROLE
            return f"{unknown}{more}".strip() if unknown else "No cause was found in what could be read."
        first, count = self.causes[0], len(self.indistinguishable_causes)
        if first.confidence == POSSIBLE and count > 1:
            return f"{count} causes have the same error; someone who can read the rest can distinguish them."
        return f"{unknown}{first.confidence.capitalize()}: {first.code} ({first.side}). {first.why}"

    @property
    def has_unknown_text(self) -> bool:
        """Whether an error text was given from which nothing is known."""
        return bool(self.denial.text) and not is_known(self.denial, str(self.attempt.get("role", "")))

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "headline": self.headline,
            **adapter_of(Diagnosis).dump_python(self, mode="json", by_alias=True),
        }

    def view(self) -> View:
        """Show the headline, the causes with their fixes, what could not be read, the message."""
        parts: list[View] = [Text(self.headline, self._tone)]
        if self.looked_in:
            parts += self.looked_in.parts()
        if self.hops:
            parts.append(hops_view(self.hops))
        if self.answer:
            parts.append(Text(f"{self._who} returned now: {self.answer}", "note"))
        if self.conflicts:
            parts.append(conflicts_view(self.conflicts))
        parts += [*self._causes_view(), *(Text(each, "note") for each in self.notes)]
        if self.unknowns:
            rows = tuple((each.what, each.why, each.who) for each in self.unknowns)
            parts.append(Table(("not read", "why", "who can read it"), rows))
        if self.message:
            parts.append(Code("To send to the other owner", self.message))
        return Page("Diagnosis", tuple(parts))

    @property
    def _tone(self) -> str:
        if self.causes:
            return "bad"
        return "good" if self.is_allowed_now or not self.denial.text else "note"

    def _causes_view(self) -> Iterator[View]:
        if self.causes:
            rows = tuple((each.code, each.side, each.confidence, each.why) for each in self.causes)
            tones = tuple(_TONES[each.confidence] for each in self.causes)
            yield Table(("cause", "side", "confidence", "why"), rows, tones=tones)
        for each in self.causes:
            yield from _nearest_tables(each)
            if each.confidence != POSSIBLE or len(self.causes) == 1:
                yield Code(f"Fix for {each.code} ({each.side}): {each.mend}", "\n".join(each.commands))
                if each.effect:
                    yield Text(each.effect, "good" if each.works else "note")
        if self.together:
            yield Text(self.together, "note")


def _nearest_tables(of: Cause) -> Iterator[Table]:
    """Show each statement element by element: what it wants, and what the request has."""
    for statement in dict.fromkeys(each.statement for each in of.nearest):
        elements = [each for each in of.nearest if each.statement == statement]
        rows = tuple((each.element, _MATCHES[each.holds], each.wanted, each.got) for each in elements)
        tones = tuple("bad" if each.holds is False else "note" for each in elements)
        caption = f"{statement}, the statement behind {of.code}"
        yield Table(("element", "matches", "wanted", "got"), rows, tones=tones, caption=caption)


def diagnose(
    snapshot: Snapshot = EMPTY_SNAPSHOT,
    *,
    attempt: Attempt = EMPTY_ATTEMPT,
    denial: Denial = NO_DENIAL,
    result: AttemptResult | None = None,
    looked_in: LookedIn | None = None,
) -> Diagnosis:
    """Explain why an attempt is denied, from a snapshot, an error text and AWS's result of the attempt.

    Source: IAM user guide, troubleshoot_roles and troubleshoot_access-denied, and the catalogue.
    """
    denial = denial if denial.text or result is None else result.denial
    given = {attempt.external_id} - {""}
    believed = attempt_from_denial(denial, attempt)
    case = Case(snapshot.with_secrets(given), believed, as_aws_says_now(denial, result), result, attempt)
    found = rank_causes(case, _possible(case, _find_causes(case)))
    causes, open_codes = ((), ()) if case.is_allowed_now else _with_open_causes(case, found)
    causes, together = evaluated(case, causes)
    diagnosis = Diagnosis(
        case.attempt.to_json(),
        denial,
        causes,
        tuple(each.code for each in causes if each.code in open_codes),
        () if case.is_allowed_now else (*unknowns(case), *skipped_lookups(case)),
        "" if case.is_allowed_now else owner_message(case, _owner(case, causes)),
        _answer(result),
        tuple(find_conflicts(attempt, denial, snapshot.caller, result)),
        tuple(doubts(case, found)) if case.is_allowed_now else (),
        case.is_allowed_now,
        together,
        looked_in,
    )
    return _redacted(diagnosis, snapshot.secrets | given)


def _possible(case: Case, causes: Iterable[Cause]) -> Iterator[Cause]:
    """Yield the causes that the denied action can have, and those that the error text shows."""
    for each in causes:
        known = CATALOGUE[each.code]
        if known.holds_for(case.attempt.action) or known.matches(case.denial.text):
            yield each


def _with_open_causes(case: Case, found: tuple[Cause, ...]) -> tuple[tuple[Cause, ...], tuple[str, ...]]:
    """Return the causes with those that could not be excluded, and the codes of the latter."""
    known = {each.code for each in found}
    codes = () if _is_explained(case, found) else _named_type_first(case, _open_codes(case))
    return (*found, *(cause(code, POSSIBLE) for code in codes if code not in known)), codes


def _find_causes(case: Case) -> Iterator[Cause]:
    found = [each for find in _FINDERS for each in find(case)]
    yield from found
    yield from text_causes(case, found)
    yield from _delay_causes(case)


def _delay_causes(case: Case) -> Iterator[Cause]:
    """Yield that IAM is not consistent yet, where both sides allow the request and a part of them is new."""
    if case.attempt.role_was_assumed or not case.denial.is_by_policy:
        return
    source, trust = case.source_decision(), case.trust_decision()
    if source and trust and source.allowed and trust.allowed and _is_fresh(case):
        why = "Both sides allow the request, and a part of them was created in the last two minutes."
        yield cause("not-in-effect-yet", LIKELY, why)


def _is_fresh(case: Case) -> bool:
    """Return whether the caller or the role was created shortly before the denial."""
    now = parse_date(case.now)
    created = [parse_date(each.created) for each in (case.source.principal, case.destination.role) if each]
    return any(now is not None and each is not None and now - each < _FRESH_SECONDS for each in created)


def _is_explained(case: Case, found: tuple[Cause, ...]) -> bool:
    """Return whether a cause is found, or no policy denied the request."""
    sure = any(each.confidence == CERTAIN or (each.confidence == LIKELY and each.commands) for each in found)
    return sure or not case.denial.is_by_policy


def _open_codes(case: Case) -> Iterator[str]:
    for code in indistinguishable_causes(case):
        if CATALOGUE[code].holds_for(case.attempt.action):
            yield code


def _named_type_first(case: Case, codes: Iterable[str]) -> tuple[str, ...]:
    named = case.denial.policy_type
    return tuple(sorted(codes, key=lambda code: bool(named) and CATALOGUE[code].policy_type != named))


def _owner(case: Case, causes: tuple[Cause, ...]) -> str:
    """Return the side whose owner gets the message: the unread one, else that of the first cause."""
    if case.snapshot.readable(DESTINATION) != case.snapshot.readable(SOURCE):
        return SOURCE if case.snapshot.readable(DESTINATION) else DESTINATION
    return SOURCE if causes and causes[0].side == SOURCE else DESTINATION


def _answer(result: AttemptResult | None) -> str:
    if result is None:
        return ""
    return f"allowed, as {result.session}" if result.allowed else result.denial.text


def _redacted(diagnosis: Diagnosis, secrets: set[str]) -> Diagnosis:
    """Return the diagnosis with a fingerprint for each secret, and a shell variable in each command."""
    redacted = Diagnosis.from_json(redact_all(diagnosis.to_json(), secrets))
    return replace(redacted, causes=tuple(map(_runnable, redacted.causes)))


def _runnable(each: Cause) -> Cause:
    commands, note = with_variables(each.commands)
    return replace(each, commands=commands, mend=f"{each.mend} {note}".rstrip())
