"""Questions to AWS with the answer expected (Probe), the answer given (Outcome), all of them (Proof)."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from xacct_nb.changes.plan import Plan
from xacct_nb.changes.sample_calls import SampleCall, sample_call, unallowed_sample_call
from xacct_nb.grants.grant import Grant, account_of, external_id
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.wildcards import matches
from xacct_nb.views import Page, Shown, Table, Text, View

ALLOWED, DENIED, NOT_ASKED, ERROR = "Allowed", "Denied", "not-asked", "Error"
REVOKED = "revoked"
# By whether sessions were revoked, and whether the proof holds.
_VERDICTS = (
    ("The access is not proven.", "The access is what the grant says."),
    ("That older sessions are denied is not proven.", "Older sessions are denied."),
)
SESSION_NAME, _ANOTHER_NAME = "xacct-nb-proof", "xacct-nb-another-name"
# A session of a role may not ask for more than an hour (role chaining); less than 15 minutes is refused.
_LONGEST_SECONDS, _SHORTEST_SECONDS = 3_600, 900


@dataclass(frozen=True)
class Probe:
    """One question to AWS.

    `asker`: `caller` (the source itself), `role` (a session of the role) or `stranger` (another principal of
    the source's account). `variation` of an AssumeRole call, or `call`, the read-only call to make;
    `unaskable` says why a question cannot be put to anybody.
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
class Outcome:
    """What AWS answered: Allowed, Denied, Error, or not-asked; in how many tries and seconds."""

    probe: Probe
    answer: str
    who: str = ""
    detail: str = ""
    request_id: str = ""
    tries: int = 0
    seconds: float = 0.0

    @property
    def as_expected(self) -> bool:
        """Whether AWS answered as the grant says."""
        return self.answer == self.probe.expected

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self) | {"as_expected": self.as_expected}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Outcome":
        """The Outcome that `to_json` was made from."""
        probe = fields["probe"]
        call = SampleCall(**probe["call"]) if probe["call"] else None
        rest = {key: value for key, value in fields.items() if key not in ("probe", "as_expected")}
        return cls(Probe(**{**probe, "call": call}), **rest)


@dataclass(frozen=True, repr=False)
class Proof(Shown):
    """The answers to all questions about a grant."""

    outcomes: tuple[Outcome, ...] = field(default=())

    @property
    def asked(self) -> tuple[Outcome, ...]:
        """The questions that were put."""
        return tuple(outcome for outcome in self.outcomes if outcome.answer != NOT_ASKED)

    @property
    def holds(self) -> bool:
        """Whether every question asked was answered as expected and none of those that count was left out.

        Those are every assume itself and, where sessions were revoked, every question to an older one.
        """
        counting = [outcome for outcome in self.outcomes if outcome.probe.kind in ("assume", REVOKED)]
        answered = all(outcome.as_expected for outcome in self.asked)
        return bool(counting) and answered and all(outcome in self.asked for outcome in counting)

    @property
    def summary(self) -> str:
        """The result in one line."""
        right, asked = sum(outcome.as_expected for outcome in self.asked), len(self.asked)
        left = len(self.outcomes) - asked
        verdict = _VERDICTS[any(each.probe.kind == REVOKED for each in self.outcomes)][self.holds]
        return f"Proof: {right} of {asked} answered as expected, {left} not asked. {verdict}"

    def to_json(self) -> dict[str, Any]:
        """Plain data with the verdict."""
        return {
            "holds": self.holds,
            "summary": self.summary,
            "outcomes": [each.to_json() for each in self.outcomes],
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Proof":
        """The Proof that `to_json` was made from."""
        return cls(tuple(map(Outcome.from_json, fields["outcomes"])))

    def view(self) -> View:
        """Who asked what, what was expected, what AWS answered."""
        if not self.outcomes:
            return Text("Nothing was asked: nothing has been applied.", "note")
        rows = tuple(_row(outcome) for outcome in self.outcomes)
        tones = tuple(
            "note" if each.answer == NOT_ASKED else "good" if each.as_expected else "bad"
            for each in self.outcomes
        )
        table = Table(("asked by", "question", "expected", "AWS answered", ""), rows, tones=tones)
        return Page("Proof", (table, Text(self.summary, "good" if self.holds else "bad")))


def expected_probes(grant: Grant) -> tuple[Probe, ...]:
    """Every question that the grant answers, for each source and destination."""
    return tuple(
        probe
        for source in grant.sources
        for role in grant.destinations
        for probe in (*_assumes(grant, source, role), *_uses(grant, source, role))
    )


def assume_parameters(grant: Grant, role: str, variation: str = "", username: str = "") -> dict[str, Any]:
    """The parameters of AssumeRole as the grant's conditions want them, or with one of them varied.

    `username` is the caller's, for a grant that wants it as the session name (`${aws:username}`).
    """
    when, given = grant.conditions, external_id(grant)
    seconds = max(_SHORTEST_SECONDS, min(grant.session_minutes * 60, _LONGEST_SECONDS))
    name = (when.role_session_name or SESSION_NAME).replace("${aws:username}", username)
    name = name.replace("*", "x").replace("?", "x")
    whole = {
        "RoleArn": role,
        "RoleSessionName": name,
        "DurationSeconds": seconds,
        "ExternalId": given,
        "SourceIdentity": when.source_identity,
        "Tags": [{"Key": key, "Value": value} for key, value in when.session_tags.items()],
    }
    return {key: value for key, value in (whole | _VARIATIONS.get(variation, {})).items() if value}


def missing_sides(grant: Grant, drift: Plan) -> tuple[str, ...]:
    """Which side lacks what, from the plan that would mend it."""
    return tuple(
        f"{side} side, account {change.account}: {change.title} {_STATES[change.sign]}"
        for side, accounts in (("source", grant.source_accounts), ("destination", grant.destination_accounts))
        for change in drift.changes
        if change.account in accounts
    )


_STATES = {"+": "is missing.", "~": "is not what the grant says.", "-": "is too much."}
_VARIATIONS: dict[str, dict[str, Any]] = {
    "without-external-id": {"ExternalId": ""},
    "wrong-external-id": {"ExternalId": "xacct-nb-not-the-external-id"},
    "another-session-name": {"RoleSessionName": _ANOTHER_NAME},
    "without-source-identity": {"SourceIdentity": ""},
    "without-session-tags": {"Tags": []},
}
_NEGATIVES = (
    ("without-external-id", "external_id", "assume it without the external ID"),
    ("wrong-external-id", "external_id", "assume it with a wrong external ID"),
    ("another-session-name", "role_session_name", "assume it under another session name"),
    ("without-source-identity", "source_identity", "assume it without the source identity"),
    ("without-session-tags", "session_tags", "assume it without the session tags"),
)


def _assumes(grant: Grant, source: str, role: str) -> Iterator[Probe]:
    name = Arn.parse(role).name
    no_code = "The grant requires MFA, and there is no code to give." if grant.conditions.require_mfa else ""
    yield Probe("assume", source, role, "caller", f"assume {name}", ALLOWED, unaskable=no_code)
    for variation, condition, words in _NEGATIVES:
        if _is_set(grant, condition):
            why = _fitting(grant) if condition == "role_session_name" else ""
            yield Probe(variation, source, role, "caller", words, DENIED, variation, unaskable=why)
    if grant.conditions.require_mfa:
        yield Probe("without-mfa", source, role, "caller", "assume it without MFA", DENIED)
    whole = (
        "The whole account is trusted: nobody in it is a stranger."
        if account_of(source) in grant.whole_accounts
        else ""
    )
    yield Probe("stranger", source, role, "stranger", f"assume {name}", DENIED, unaskable=whole)


def _uses(grant: Grant, source: str, role: str) -> Iterator[Probe]:
    yield Probe("identity", source, role, "role", "GetCallerIdentity names the role", ALLOWED)
    calls = [
        (action, sample_call(action, each.resources)) for each in grant.permissions for action in each.actions
    ]
    for action, call in calls:
        why = "" if call else "No call is known that needs this action and changes nothing."
        yield Probe(
            "allowed", source, role, "role", call.words if call else action, ALLOWED, call=call, unaskable=why
        )
    other = None if grant.managed_policies else unallowed_sample_call(grant.permissions)
    why = "" if other else "What lies beside the permissions is not known."
    yield Probe(
        "beside",
        source,
        role,
        "role",
        other.words if other else "something else",
        DENIED,
        call=other,
        unaskable=why,
    )
    direct = next((call for _, call in calls if call and call.about_resource), None)
    why = "" if direct else "No permission names a resource that could be asked for directly."
    words = f"{direct.words}, without the role" if direct else "the same, without the role"
    yield Probe("direct", source, role, "caller", words, DENIED, call=direct, unaskable=why)


def _is_set(grant: Grant, condition: str) -> bool:
    return bool(external_id(grant) if condition == "external_id" else getattr(grant.conditions, condition))


def _fitting(grant: Grant) -> str:
    allowed = matches(grant.conditions.role_session_name, _ANOTHER_NAME)
    return f"The grant allows the session name {_ANOTHER_NAME} too." if allowed else ""


def _row(outcome: Outcome) -> tuple[str, ...]:
    mark = "-" if outcome.answer == NOT_ASKED else "ok" if outcome.as_expected else "WRONG"
    answer = f"{outcome.answer}: {outcome.detail}" if outcome.detail else outcome.answer
    return outcome.who or outcome.probe.source, outcome.probe.question, outcome.probe.expected, answer, mark
