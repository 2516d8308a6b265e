"""Why a decision is what it is, in AWS's words for checks and effects, and in sentences."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from xacct_nb.errors import InvalidArn
from xacct_nb.iam.arns import Arn
from xacct_nb.views import Page, Table, Text, View

# The names that AWS's own explanation of a denial uses (iam-toolbox).
SERVICE_CONTROL_POLICY, RESOURCE_CONTROL_POLICY = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
VPC_ENDPOINT, RESOURCE, PRINCIPAL = "VPC_ENDPOINT", "RESOURCE", "PRINCIPAL"
PERMISSIONS_BOUNDARY, SESSION = "PERMISSIONS_BOUNDARY", "SESSION"
ALLOW, NO_IMPACT, IMPLICIT_DENY, EXPLICIT_DENY = "ALLOW", "NO_IMPACT", "IMPLICIT_DENY", "EXPLICIT_DENY"
_MANY = 3


@dataclass(frozen=True, slots=True)
class ElementMatch:
    """One element of a statement, or one operator and key of its Condition, against the request.

    `expected` is what the policy says, as written; `actual` what the request has, None where the key is
    missing.
    """

    element: str
    holds: bool
    expected: tuple[str, ...]
    actual: tuple[str, ...] | None
    operator: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class StatementMatch:
    """One statement (`place`, `sid`, `effect`), whether it applies to the request, and each comparison."""

    place: str
    sid: str
    effect: str
    applies: bool
    compared: tuple[ElementMatch, ...]

    @property
    def failed(self) -> tuple[ElementMatch, ...]:
        """What keeps the statement from applying."""
        return tuple(each for each in self.compared if not each.holds)


@dataclass(frozen=True, slots=True)
class PolicyCheck:
    """One kind of policy: what it does to the request, and its statements; `note` is a rule behind it."""

    type: str
    effect: str
    note: str
    statements: tuple[StatementMatch, ...]

    @property
    def matched(self) -> tuple[StatementMatch, ...]:
        """The statements that apply to the request."""
        return tuple(each for each in self.statements if each.applies)


class DecisionHeader(Protocol):
    """What a decision says of itself in its first line."""

    @property
    def result(self) -> str: ...
    @property
    def principal(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def resource(self) -> str: ...
    @property
    def allowed(self) -> bool: ...


_POLICIES = {
    SERVICE_CONTROL_POLICY: "service control policy",
    RESOURCE_CONTROL_POLICY: "resource control policy",
    VPC_ENDPOINT: "VPC endpoint policy",
    RESOURCE: "resource-based policy",
    PRINCIPAL: "identity-based policy",
    PERMISSIONS_BOUNDARY: "permissions boundary",
    SESSION: "session policy",
}
_VERDICTS = {
    ALLOW: "{article} {policy} allows it",
    IMPLICIT_DENY: "no {policy} allows it",
    EXPLICIT_DENY: "{article} {policy} denies it",
}
_NO_IMPACT = {
    RESOURCE: "within the account no resource-based policy has to allow it, and none denies it",
    PRINCIPAL: "the resource-based policy names the caller, so no identity-based policy has to allow it",
    PERMISSIONS_BOUNDARY: "a boundary does not limit what the resource-based policy gives the caller itself",
    SESSION: "a session policy does not limit what the resource-based policy gives the caller itself",
}
# What is said first: what decided.
_ORDER = {True: (ALLOW, NO_IMPACT), False: (EXPLICIT_DENY, IMPLICIT_DENY)}
_TONES = {ALLOW: "good", NO_IMPACT: "note", IMPLICIT_DENY: "bad", EXPLICIT_DENY: "bad"}
_RESULTS = {
    "Allowed": "Allowed",
    "ExplicitlyDenied": "Denied, explicitly",
    "ImplicitlyDenied": "Denied, implicitly",
}


def sentences(checks: Iterable[PolicyCheck], *, allowed: bool) -> tuple[str, ...]:
    """What decided, one sentence a check, and for an implicit deny the statements that came close."""
    listed = tuple(checks)
    return tuple(
        sentence
        for effect in _ORDER[allowed]
        for check in listed
        if check.effect == effect
        for sentence in (f"{check.type}: {_verdict(check)}.", *_near_misses(check))
    )


def summary_view(asked: DecisionHeader, checks: Iterable[PolicyCheck], why: Iterable[str]) -> View:
    """The answer, why, and a table of the checks."""
    listed = tuple(checks)
    rows = tuple((check.type, check.effect, _locations(check.matched)) for check in listed)
    tones = tuple(_TONES[check.effect] for check in listed)
    title = f"{_RESULTS[asked.result]}: {_short(asked.principal)} {asked.action} on {_short(asked.resource)}"
    tone = "good" if asked.allowed else "bad"
    return Page(
        title,
        (
            *(Text(sentence, tone) for sentence in why),
            Table(("check", "effect", "statements that matched"), rows, tones=tones),
            Text("Every statement, element by element: see .details of this decision.", "note"),
        ),
    )


def details_view(checks: Iterable[PolicyCheck]) -> View:
    """Every statement of every check, element by element."""
    return Page("Every statement, element by element", tuple(_table(check) for check in checks))


def _table(check: PolicyCheck) -> Table:
    rows = tuple(
        (
            match.place if first else "",
            f"{match.effect}{'' if match.applies else ', does not apply'}" if first else "",
            " ".join(filter(None, (each.element, each.operator, each.key))),
            "ok" if each.holds else "no",
            ", ".join(each.expected),
            "(missing)" if each.actual is None else ", ".join(each.actual),
        )
        for match in check.statements
        for first, each in ((each is match.compared[0], each) for each in match.compared)
    )
    headers = ("statement", "effect", "element", "", "expected", "actual")
    return Table(headers, rows, caption=f"{check.type}: {check.effect}. {_verdict(check)}.")


def _verdict(check: PolicyCheck) -> str:
    policy = _POLICIES[check.type]
    article = "an" if policy[0] in "aeiou" else "a"
    sentence = _NO_IMPACT.get(check.type, "") if check.effect == NO_IMPACT else _VERDICTS[check.effect]
    said = check.note or sentence.format(policy=policy, article=article)
    return f"{said} ({_locations(check.matched)})" if check.matched and not check.note else said


def _locations(matches: Iterable[StatementMatch]) -> str:
    return ", ".join(f"{each.place} {each.sid}".rstrip() for each in matches)


def _near_misses(check: PolicyCheck) -> Iterator[str]:
    """The statements that would have allowed it but for the fewest elements."""
    if check.effect != IMPLICIT_DENY:
        return
    allowing = [match for match in check.statements if match.effect == "Allow" and match.failed]
    fewest = min((len(match.failed) for match in allowing), default=0)
    for match in allowing:
        if len(match.failed) == fewest and match.compared[0].holds:
            why = "; ".join(_mismatch(each) for each in match.failed)
            yield f"{_locations((match,))} would allow it, but {why}."


def _mismatch(each: ElementMatch) -> str:
    expected = _summarize(each.expected)
    if each.element != "Condition":
        verb = "leaves out" if each.element.startswith("Not") else "names"
        return f"its {each.element} {verb} {expected}, and the request has {_summarize(each.actual or ())}"
    given = f"has {_summarize(each.actual)}" if each.actual is not None else f"has no {each.key}"
    return f"{each.operator} wants {each.key} {expected}, and the request {given}"


def _summarize(values: tuple[str, ...]) -> str:
    more = f" and {len(values) - _MANY} more" if len(values) > _MANY else ""
    return (" or ".join(values[:_MANY]) or "nothing") + more


def _short(name: str) -> str:
    try:
        return Arn.parse(name).resource
    except InvalidArn:
        return name
