"""A Decision: the result that AWS would return, the checks behind it, and how each statement matched."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, NamedTuple

from xacct_nb.iam import explain
from xacct_nb.iam.explain import EXPLICIT_DENY, IMPLICIT_DENY, ElementMatch, PolicyCheck, StatementMatch
from xacct_nb.iam.statements import RawMatch, Request
from xacct_nb.redaction.redact import mask_secrets
from xacct_nb.views import Page, Shown, Text, View

ALLOWED, EXPLICITLY_DENIED, IMPLICITLY_DENIED = "Allowed", "ExplicitlyDenied", "ImplicitlyDenied"
_TITLES = {
    ALLOWED: "Allowed",
    EXPLICITLY_DENIED: "Denied, explicitly",
    IMPLICITLY_DENIED: "Denied, implicitly",
}

# The parameter of `evaluate` that has the policies of a check.
PARAMETERS = {
    explain.SERVICE_CONTROL_POLICY: "service_control_policies",
    explain.RESOURCE_CONTROL_POLICY: "resource_control_policies",
    explain.RESOURCE: "resource_policy",
    explain.PRINCIPAL: "identity_policies",
    explain.PERMISSIONS_BOUNDARY: "permissions_boundaries",
    explain.SESSION: "session_policies",
}
# For each policy of a parameter: its indexes in the parameter, and its matched statements.
Groups = list[tuple[tuple[int, ...], list[RawMatch]]]


class RawCheck(NamedTuple):
    """A check as the evaluation made it."""

    type: str
    effect: str
    note: str
    groups: Groups


class Trace(NamedTuple):
    """What the decision was made from; becomes checks, with secrets masked, when they are first read."""

    request: Request
    given: Mapping[str, Any]
    checks: tuple[RawCheck, ...]


@dataclass(frozen=True, repr=False, eq=False)
class Decision(Shown):
    """The result that AWS would return: Allowed, ExplicitlyDenied or ImplicitlyDenied.

    External IDs appear as fingerprints in everything that is shown, in `checks` and in JSON.
    """

    result: str
    principal: str
    action: str
    resource: str
    made_from: Trace | tuple[Mapping[str, Any], tuple[PolicyCheck, ...]]

    @property
    def allowed(self) -> bool:
        """Return whether the result is Allowed."""
        return self.result == ALLOWED

    @cached_property
    def checks(self) -> tuple[PolicyCheck, ...]:
        """Return each check, under AWS's names, with the statements of its policies."""
        if isinstance(self.made_from, Trace):
            request = self.made_from.request
            return tuple(_check(raw, request) for raw in self.made_from.checks)
        return self.made_from[1]

    @cached_property
    def context(self) -> Mapping[str, Any]:
        """Return the condition keys that were given, external IDs as fingerprints."""
        if isinstance(self.made_from, Trace):
            keys = self.made_from.request.context
            return dict(mask_secrets({key: _plain(keys[key.lower()]) for key in self.made_from.given}))
        return self.made_from[0]

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """Return the reasons as sentences: first what decided, then the statements that nearly allowed it."""
        return explain.sentences(self.checks, allowed=self.allowed)

    @property
    def details(self) -> "Details":
        """Return every statement with every element, as a value that shows itself."""
        return Details(self)

    def to_json(self) -> dict[str, Any]:
        """Return plain data, external IDs as fingerprints."""
        return {
            "result": self.result,
            "principal": self.principal,
            "action": self.action,
            "resource": self.resource,
            "context": dict(self.context),
            "reasons": list(self.reasons),
            "checks": [asdict(check) for check in self.checks],
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Decision":
        """Return the Decision that `to_json` was made from."""
        from xacct_nb.validation import adapter_of  # which loads pydantic: an evaluation needs none

        checks = adapter_of(tuple[PolicyCheck, ...]).validate_python(fields["checks"])
        header = {name: fields[name] for name in ("result", "principal", "action", "resource")}
        return cls(**header, made_from=(fields["context"], checks))

    def view(self) -> View:
        """Return the result, the reasons, and one line for each check."""
        caller, resource = explain.short_name(self.principal), explain.short_name(self.resource)
        reasons = (Text(sentence, "good" if self.allowed else "bad") for sentence in self.reasons)
        details = Text("Every statement, element by element: see .details of this decision.", "note")
        title = f"{_TITLES[self.result]}: {caller} {self.action} on {resource}"
        return Page(title, (*reasons, explain.checks_table(self.checks), details))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Decision) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.result, self.principal, self.action, self.resource))

    def __reduce__(self) -> tuple[Callable[..., "Decision"], tuple[dict[str, Any]]]:
        # A copy in another process holds what may be shown, and no secret.
        return Decision.from_json, (self.to_json(),)


@dataclass(frozen=True, repr=False)
class Details(Shown):
    """Every statement of a decision, element by element."""

    decision: Decision

    def view(self) -> View:
        """Return one table for each check: every element, what it expects and what the request has."""
        tables = tuple(map(explain.elements_table, self.decision.checks))
        return Page("Every statement, element by element", tables)


def result_of(checks: tuple[RawCheck, ...]) -> str:
    """Return the result of all checks: an explicit deny overrides the rest, one implicit deny is enough.

    Source: reference_policies_evaluation-logic.
    """
    effects = [check.effect for check in checks]
    if EXPLICIT_DENY in effects:
        return EXPLICITLY_DENIED
    return IMPLICITLY_DENIED if IMPLICIT_DENY in effects else ALLOWED


def _check(raw: RawCheck, request: Request) -> PolicyCheck:
    parameter = PARAMETERS[raw.type]
    matches = tuple(
        _statement_match(f"{parameter}{''.join(f'[{index}]' for index in indexes)}", matched, request)
        for indexes, group in raw.groups
        for matched in group
    )
    return PolicyCheck(raw.type, raw.effect, raw.note, matches)


def _statement_match(policy: str, matched: RawMatch, request: Request) -> StatementMatch:
    statement, action, resource, level, met, applies = matched
    elements = (
        ("Action", statement.not_action, action, statement.actions, request.action),
        ("Resource", statement.not_resource, resource, statement.resources, request.resource),
        ("Principal", statement.not_principal, level > 0, statement.principals, request.caller.text),
    )
    compared = [
        ElementMatch(f"Not{name}" if negated else name, holds, expected.texts, (given,))
        for name, negated, holds, expected, given in elements
        if expected is not None
    ]
    for each, holds in zip(statement.conditions, met, strict=True):
        # The "true" or "false" of Null is not a secret, whatever the key.
        hidden = each.operator != "Null"
        expected = _mask_values(each.key, each.values) if hidden else each.values
        actual = request.context.get(each.name)
        shown = None if actual is None else _mask_values(each.key, actual)
        compared.append(ElementMatch("Condition", holds, expected, shown, each.operator, each.key))
    return StatementMatch(
        f"{policy}.{statement.path}", statement.sid, statement.effect, applies, tuple(compared)
    )


def _plain(values: tuple[str, ...]) -> str | list[str] | None:
    return (values[0] if len(values) == 1 else list(values)) if values else None


def _mask_values(key: str, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(mask_secrets({key: list(values)})[key])
