"""A proof: calls that test a grant (Probe), what AWS returned for each (Outcome), and all of them (Proof)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from xacct_nb.changes.sample_calls import (
    SampleCall,
    sample_call,
    sample_calls,
    unallowed_sample_call,
    why_no_call,
)
from xacct_nb.changes.verdicts import describe_verdict
from xacct_nb.grants.grant import Grant, account_of, external_id
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.patterns import matches
from xacct_nb.validation import Serializable
from xacct_nb.views import Page, Shown, Table, Text, View

ALLOWED, DENIED, NOT_ASKED, ERROR = "Allowed", "Denied", "not-asked", "Error"
REVOKED, SELF, OUTSIDE, ENDED = "revoked", "self-assume", "outside", "ended"
HOLDS, FAILS, NOT_PROVEN = "holds", "fails", "not-proven"
_TONES = {HOLDS: "good", FAILS: "bad", NOT_PROVEN: "change"}
# The kinds of probes without whose expected answer nothing is proven.
_REQUIRED = ("assume", "allowed", SELF, REVOKED, ENDED)
SESSION_NAME, _OTHER_NAME = "xacct-nb-proof", "xacct-nb-another-name"
_WRONG_ID = "xacct-nb-not-the-external-id"
_LONGEST_SECONDS = 3_600  # a session of a role may not request more than an hour (role chaining)


@dataclass(frozen=True)
class Probe:
    """One call that tests the grant, and the result that the grant promises.

    `asker`: `caller` (the source itself), `role` (a session of the role) or `stranger` (another principal of
    the source's account). The call is `variation` of AssumeRole, or `call`, which is read-only; `unaskable`
    says why no call can be made.
    """

    kind: str
    source: str
    role: str
    asker: str
    question: str
    expected: str
    variation: str = ""
    call: SampleCall | None = None
    unaskable: str = ""


@dataclass(frozen=True)
class Outcome(Serializable):
    """The result of a probe: Allowed, Denied, Error, or not-asked; with the tries and seconds it took."""

    probe: Probe
    answer: str
    who: str = ""
    detail: str = ""
    request_id: str = ""
    tries: int = 0
    seconds: float = 0.0

    @property
    def as_expected(self) -> bool:
        """Return whether the result is the one that the grant promises."""
        return self.answer == self.probe.expected

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self) | {"as_expected": self.as_expected}


@dataclass(frozen=True, repr=False)
class Proof(Shown, Serializable):
    """The outcomes of all probes of a grant."""

    outcomes: tuple[Outcome, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[Outcome, ...]:
        """Return the outcomes of the calls that were made."""
        return tuple(outcome for outcome in self.outcomes if outcome.answer != NOT_ASKED)

    @property
    def verdict(self) -> str:
        """Return `holds`, `fails` where AWS answered the opposite of the grant, else `not-proven`."""
        if any(each.answer in _OPPOSITES.get(each.probe.expected, ()) for each in self._deciding):
            return FAILS
        return NOT_PROVEN if self.open or not self.outcomes else HOLDS

    @property
    def is_of_end(self) -> bool:
        """Return whether it asks that nobody gets in any more."""
        return any(each.probe.kind == ENDED for each in self.outcomes)

    @property
    def _deciding(self) -> tuple[Outcome, ...]:
        """Return the outcomes that decide: where sessions were revoked, those of the calls afterwards."""
        return tuple(each for each in self.outcomes if each.probe.kind == REVOKED) or self.outcomes

    @property
    def holds(self) -> bool:
        """Return whether AWS gave the expected answer to each call, and each required call was made.

        Required are every AssumeRole, a call for each action of the permissions, and where sessions were
        revoked, every call of an older session.
        """
        return self.verdict == HOLDS

    @property
    def open(self) -> tuple[Outcome, ...]:
        """Return what is not proven: required calls that were not made, and calls that ended in an error."""
        return tuple(
            each
            for each in self._deciding
            if each.answer == ERROR or (each.answer == NOT_ASKED and each.probe.kind in _REQUIRED)
        )

    @property
    def open_reasons(self) -> tuple[str, ...]:
        """Return what is not proven and why, in sentences: one for each caller, role and reason."""
        grouped: dict[tuple[str, str, str], list[str]] = {}
        for each in self.open:
            about = (each.probe.source, each.probe.role, _why_open(each))
            grouped.setdefault(about, []).append(each.probe.question)
        return tuple(_open_sentence(*about, asked) for about, asked in grouped.items())

    @property
    def summary(self) -> str:
        """Return the result in one line."""
        said = describe_verdict(self.verdict, {each.probe.kind for each in self._deciding})
        return f"{self.counted} {said}"

    @property
    def counted(self) -> str:
        """Return how many calls were answered as expected, and how many were not made."""
        right, asked = sum(outcome.as_expected for outcome in self.asked), len(self.asked)
        return f"Proof: {right} of {asked} answered as expected, {len(self.outcomes) - asked} not asked."

    def to_json(self) -> dict[str, Any]:
        """Return plain data with the result; the verdict only where `holds` does not tell it."""
        notes = {"notes": list(self.notes)} if self.notes else {}
        outcomes = [outcome.to_json() for outcome in self.outcomes]
        about = {"holds": self.holds, "summary": self.summary, "outcomes": outcomes}
        open_verdict = {"verdict": NOT_PROVEN} if self.verdict == NOT_PROVEN else {}
        return {**about, **open_verdict, **notes}

    def view(self) -> View:
        """Return who called what, the expected result, and what AWS returned."""
        if not self.outcomes:
            return Text("No call was made: nothing has been applied.", "note")
        rows = tuple(_row(outcome) for outcome in self.outcomes)
        tones = tuple(map(self._tone, self.outcomes))
        table = Table(("caller", "call", "expected", "AWS returned", ""), rows, tones=tones)
        left = (Text(f"Not proven: {each}", "change") for each in self.open_reasons)
        notes = (Text(note, "note") for note in self.notes)
        return Page("Proof", (table, *left, Text(self.summary, _TONES[self.verdict]), *notes))

    def _tone(self, outcome: Outcome) -> str:
        if outcome.as_expected:
            return "good"
        if outcome in self.open:
            return "change"
        return "note" if outcome.answer == NOT_ASKED else "bad"


def expected_probes(grant: Grant, policies: Mapping[str, Any] | None = None) -> tuple[Probe, ...]:
    """Return every probe of a grant, for each source and destination.

    `policies` are the documents of its managed policies by their ARNs, as far as they could be read.
    """
    return tuple(probe for source in grant.sources for probe in _of_source(grant, source, policies or {}))


def assume_parameters(grant: Grant, role: str, variation: str = "", username: str = "") -> dict[str, Any]:
    """Return the parameters of AssumeRole that meet the grant's conditions, or miss one of them.

    `username` is the caller's, for a grant that requires it as the session name (`${aws:username}`).
    """
    when = grant.conditions
    name = (when.role_session_name or SESSION_NAME).replace("${aws:username}", username)
    name = name.replace("*", "x").replace("?", "x")
    whole = {
        "RoleArn": role,
        "RoleSessionName": name,
        "DurationSeconds": min(grant.session_minutes * 60, _LONGEST_SECONDS),
        "ExternalId": external_id(grant),
        "SourceIdentity": when.source_identity,
        "Tags": [{"Key": key, "Value": value} for key, value in when.session_tags.items()],
    }
    _, _, changed = _VARIATIONS.get(variation, ("", "", {}))
    return {key: value for key, value in (whole | changed).items() if value}


_OPPOSITES = {ALLOWED: (DENIED,), DENIED: (ALLOWED,)}
# By its name: the condition that a call misses, how it misses it, and the parameters that differ.
_VARIATIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "without-external-id": ("external_id", "without the external ID", {"ExternalId": ""}),
    "wrong-external-id": ("external_id", "with a wrong external ID", {"ExternalId": _WRONG_ID}),
    "another-session-name": (
        "role_session_name",
        "under another session name",
        {"RoleSessionName": _OTHER_NAME},
    ),
    "without-source-identity": ("source_identity", "without the source identity", {"SourceIdentity": ""}),
    "without-session-tags": ("session_tags", "without the session tags", {"Tags": []}),
}


def _of_source(grant: Grant, source: str, policies: Mapping[str, Any]) -> Iterator[Probe]:
    for role in grant.destinations:
        yield from (*_assumes(grant, source, role), *_uses(grant, source, role, policies))
    for (
        role
    ) in grant.outside_roles:  # without the external ID, which the other account's CloudTrail would log
        question = f"assume {Arn.parse(role).name} of {account_of(role)}, outside of the organization"
        yield Probe(OUTSIDE, source, role, "caller", question, DENIED, "without-external-id")


def _assumes(grant: Grant, source: str, role: str) -> Iterator[Probe]:
    name, about = Arn.parse(role).name, (source, role, "caller")
    no_code = "The grant requires MFA, and the proof has no MFA code." if grant.conditions.require_mfa else ""
    yield Probe("assume", *about, f"assume {name}", ALLOWED, unaskable=no_code)
    name_fits = matches(grant.conditions.role_session_name, _OTHER_NAME)
    other_name = f"The grant allows the session name {_OTHER_NAME} too." if name_fits else ""
    for variation, (condition, how, _) in _VARIATIONS.items():
        if _is_set(grant, condition):
            why = other_name if condition == "role_session_name" else ""
            yield Probe(variation, *about, f"assume it {how}", DENIED, variation, unaskable=why)
    if grant.conditions.require_mfa:
        yield Probe("without-mfa", *about, "assume it without MFA", DENIED)
    trusted = account_of(source) in grant.whole_accounts
    why = "The whole account is trusted: no principal in it is a stranger." if trusted else ""
    why = _OTHERS if grant.trust_only else why
    yield Probe("stranger", source, role, "stranger", f"assume {name}", DENIED, unaskable=why)


def _uses(grant: Grant, source: str, role: str, policies: Mapping[str, Any]) -> Iterator[Probe]:
    session = (source, role, "role")
    if grant.self_assume:
        yield Probe(SELF, *session, f"assume {Arn.parse(role).name} from its own session", ALLOWED)
    yield Probe("identity", *session, "GetCallerIdentity names the role", ALLOWED)
    calls = [
        (action, sample_call(action, each.resources)) for each in grant.permissions for action in each.actions
    ]
    other = None if grant.managed_policies or grant.trust_only else unallowed_sample_call(grant.permissions)
    direct = next((call for _, call in calls if call and call.about_resource), None)
    without_role = f"{direct.title if direct else 'the same'}, without the role"
    questions = [
        *(("allowed", session, call, call.title if call else action, ALLOWED) for action, call in calls),
        ("beside", session, other, other.title if other else "another call", DENIED),
        ("direct", (source, role, "caller"), direct, without_role, DENIED),
    ]
    no_call = _NO_CALL | ({"beside": _OTHERS} if grant.trust_only else {})
    for kind, about, call, question, expected in questions:
        why = "" if call else no_call.get(kind) or why_no_call(question)
        yield Probe(kind, *about, question, expected, call=call, unaskable=why)
    for policy in grant.managed_policies:
        yield _by_policy(grant, session, policy, policies.get(policy))


def _by_policy(grant: Grant, session: tuple[str, str, str], policy: str, document: Any) -> Probe:
    """Return the probe of a managed policy: one call that its document allows."""
    by = f"the policy {Arn.parse(policy).name}"
    call = next(sample_calls(document), None) if document else None
    bounded = f"The boundary may deny what {by} allows." if grant.permissions_boundary else ""
    why = bounded or ("" if call else f"No read-only call is known that needs {by}.")
    question = f"{call.title}, by {by}" if call else f"what {by} allows"
    return Probe("allowed", *session, question, ALLOWED, call=None if why else call, unaskable=why)


_OTHERS = "The role belongs to others, who may let more principals in, and allow it more."
_MARKS = {NOT_ASKED: "-", ERROR: "not proven"}
_NO_CALL = {
    "beside": "No read-only call is known here that the permissions do not allow.",
    "direct": "No permission names a resource that a call without the role could read.",
}


def _is_set(grant: Grant, condition: str) -> bool:
    return bool(external_id(grant) if condition == "external_id" else getattr(grant.conditions, condition))


def _why_open(outcome: Outcome) -> str:
    error = "AWS returned an error: " if outcome.answer == ERROR else ""
    return error + (outcome.detail or "The call was not made.")


def _open_sentence(source: str, role: str, why: str, questions: Iterable[str]) -> str:
    # A record may hold anything in place of an ARN.
    who, where = source.rpartition(":")[2], role.rpartition(":")[2]
    return f"{', '.join(dict.fromkeys(questions))}, by {who} through {where}. {why}"


def _row(outcome: Outcome) -> tuple[str, ...]:
    mark = _MARKS.get(outcome.answer) or ("ok" if outcome.as_expected else "WRONG")
    answer = f"{outcome.answer}: {outcome.detail}" if outcome.detail else outcome.answer
    return outcome.who or outcome.probe.source, outcome.probe.question, outcome.probe.expected, answer, mark
