"""The reasons of a decision: under AWS's names for checks and effects, and as sentences."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from xacct_nb.iam.arns import Arn, is_arn
from xacct_nb.views import Table

# The names that AWS's own explanation of a denial uses (iam-toolbox).
SERVICE_CONTROL_POLICY, RESOURCE_CONTROL_POLICY = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
VPC_ENDPOINT, RESOURCE, PRINCIPAL = "VPC_ENDPOINT", "RESOURCE", "PRINCIPAL"
PERMISSIONS_BOUNDARY, SESSION = "PERMISSIONS_BOUNDARY", "SESSION"
ALLOW, NO_IMPACT, IMPLICIT_DENY, EXPLICIT_DENY = "ALLOW", "NO_IMPACT", "IMPLICIT_DENY", "EXPLICIT_DENY"
# Ours: the effect hangs on a condition key whose value is not known.
UNKNOWN = "UNKNOWN"
CONTROL_POLICIES = (SERVICE_CONTROL_POLICY, RESOURCE_CONTROL_POLICY)
_MAX_LISTED = 3


@dataclass(frozen=True, slots=True)
class ElementMatch:
    """One element of a statement, or one operator and key of its Condition, matched against the request.

    `expected` are the values of the policy, as written; `actual` those of the request, None where the key is
    missing or not known. `holds` is None where that hangs on the unknown keys of `depends_on`.
    """

    element: str
    holds: bool | None
    expected: tuple[str, ...]
    actual: tuple[str, ...] | None
    operator: str = ""
    key: str = ""
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StatementMatch:
    """One statement (`place` is its path), whether it applies to the request, and each element's match.

    `applies` is None where that hangs on a key that is not known.
    """

    place: str
    sid: str
    effect: str
    applies: bool | None
    compared: tuple[ElementMatch, ...]

    @property
    def failed(self) -> tuple[ElementMatch, ...]:
        """Return the elements that do not match."""
        return tuple(each for each in self.compared if each.holds is False)


@dataclass(frozen=True, slots=True)
class PolicyCheck:
    """One kind of policy: its effect on the request and its statements; `note` is a rule that decided.

    The effect is UNKNOWN where it hangs on the keys of `depends_on`.
    """

    type: str
    effect: str
    note: str
    statements: tuple[StatementMatch, ...]
    depends_on: tuple[str, ...] = ()

    @property
    def matched(self) -> tuple[StatementMatch, ...]:
        """Return the statements that apply to the request."""
        return tuple(each for each in self.statements if each.applies)


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
    RESOURCE: "within the account no resource-based policy is required to allow it, and none denies it",
    PRINCIPAL: "the resource-based policy names the caller, so no identity-based policy is required",
    PERMISSIONS_BOUNDARY: "a boundary does not limit what the resource-based policy allows the caller itself",
    SESSION: "a session policy does not limit what the resource-based policy allows the caller itself",
}
# The effects that decided, in the order in which they are explained, by result.
_ORDER = {"Allowed": (ALLOW, NO_IMPACT), "Unknown": (UNKNOWN,)}
_DENIED = (EXPLICIT_DENY, IMPLICIT_DENY)
_TONES = {ALLOW: "good", NO_IMPACT: "note", UNKNOWN: "note", IMPLICIT_DENY: "bad", EXPLICIT_DENY: "bad"}
_MARKS = {True: "ok", False: "no", None: "?"}
_APPLIES = {True: "", False: ", does not apply", None: ", not known whether it applies"}


def deciding_effects(result: str) -> tuple[str, ...]:
    """Return the effects of the checks that decided, in the order in which they are explained."""
    return _ORDER.get(result, _DENIED)


def checks_table(checks: tuple[PolicyCheck, ...]) -> Table:
    """Return one line for each check."""
    rows = tuple((check.type, check.effect, _locations(check.matched)) for check in checks)
    tones = tuple(_TONES[check.effect] for check in checks)
    return Table(("check", "effect", "statements that matched"), rows, tones=tones)


def elements_table(check: PolicyCheck) -> Table:
    """Return every statement of a check, element by element."""
    rows = tuple(
        (
            match.place if first else "",
            f"{match.effect}{_APPLIES[match.applies]}" if first else "",
            " ".join(filter(None, (each.element, each.operator, each.key))),
            _MARKS[each.holds],
            ", ".join(each.expected),
            _given(each),
        )
        for match in check.statements
        for first, each in ((each is match.compared[0], each) for each in match.compared)
    )
    headers = ("statement", "effect", "element", "", "expected", "actual")
    return Table(headers, rows, caption=f"{check.type}: {check.effect}. {verdict(check)}.")


def _given(each: ElementMatch) -> str:
    if each.actual is None:
        return "(not known)" if each.key in each.depends_on else "(missing)"
    return ", ".join(each.actual)


def verdict(check: PolicyCheck) -> str:
    """Return what a check says of the request, with the statements that apply or may."""
    if check.effect == UNKNOWN:
        return _unknown_verdict(check)
    deciding = deciding_statements(check.effect)
    applying = _locations(each for each in check.matched if each.effect in deciding)
    return known_verdict(check.type, check.effect, check.note, applying)


def deciding_statements(effect: str) -> tuple[str, ...]:
    """Return the effects of the statements that decide a check: only a Deny denies."""
    return ("Deny",) if effect == EXPLICIT_DENY else ("Allow", "Deny")


def known_verdict(check_type: str, effect: str, note: str, applying: str) -> str:
    """Return what a check without unknown keys says: its note, or its effect with the applying statements."""
    if note:
        return note
    sentence = _sentence(check_type, effect)
    return f"{sentence} ({applying})" if applying else sentence


@lru_cache(maxsize=64)
def _sentence(check_type: str, effect: str) -> str:
    sentence = _NO_IMPACT.get(check_type, "") if effect == NO_IMPACT else _VERDICTS[effect]
    return sentence.format(policy=_POLICIES[check_type], article=_article(_POLICIES[check_type]))


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"


def _unknown_verdict(check: PolicyCheck) -> str:
    policy = f"{_article(_POLICIES[check.type])} {_POLICIES[check.type]}"
    if not check.depends_on:
        return f"it is not known whether {policy} is required"
    keys = " and ".join(check.depends_on)
    hanging = _locations(each for each in check.statements if each.applies is None)
    found = f"whether {policy} allows or denies it depends on {keys}, whose value is not known"
    return f"{found} ({hanging})" if hanging else found


def _locations(matches: Iterable[StatementMatch]) -> str:
    return ", ".join(f"{each.place} {each.sid}".rstrip() for each in matches)


def near_miss(location: str, failed: Iterable[ElementMatch]) -> str:
    """Return why a statement that would allow the request does not."""
    return f"{location} would allow it, but {'; '.join(map(_mismatch, failed))}."


def _mismatch(each: ElementMatch) -> str:
    expected = summarize(each.expected, " or ")
    if each.element != "Condition":
        verb = "excludes" if each.element.startswith("Not") else "names"
        given = summarize(each.actual or (), " or ")
        return f"its {each.element} {verb} {expected}, and the request has {given}"
    given = f"has {summarize(each.actual, ' or ')}" if each.actual is not None else f"has no {each.key}"
    return f"{each.operator} requires {each.key} {expected}, and the request {given}"


def summarize(values: Sequence[str], joiner: str = ", ") -> str:
    """Return the first three values, and the number of the others."""
    more = f" and {len(values) - _MAX_LISTED} more" if len(values) > _MAX_LISTED else ""
    return (joiner.join(values[:_MAX_LISTED]) or "nothing") + more


def short_name(name: str) -> str:
    """Return the resource part of an ARN; other text as it is."""
    return Arn.parse(name).resource if is_arn(name) else name
