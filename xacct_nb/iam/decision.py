"""A Decision: what AWS would answer, the checks that made it so, and what each statement said."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, NamedTuple

from xacct_nb.iam import explain
from xacct_nb.iam.explain import EXPLICIT_DENY, IMPLICIT_DENY, ElementMatch, PolicyCheck, StatementMatch
from xacct_nb.iam.statements import RawMatch, Request
from xacct_nb.redaction.redact import mask_secrets
from xacct_nb.views import Shown, View

ALLOWED, EXPLICITLY_DENIED, IMPLICITLY_DENIED = "Allowed", "ExplicitlyDenied", "ImplicitlyDenied"


class RawCheck(NamedTuple):
    """A check as it was made: the parameter its policies came by, and their statements, policy by policy."""

    type: str
    effect: str
    note: str
    parameter: str
    groups: list[tuple[tuple[int, ...], list[RawMatch]]]


class Trace(NamedTuple):
    """What the decision was made from; becomes checks, secrets covered, when somebody looks."""

    request: Request
    given: Mapping[str, Any]
    checks: tuple[RawCheck, ...]


@dataclass(frozen=True, repr=False, eq=False)
class Decision(Shown):
    """What AWS would answer: `result` is Allowed, ExplicitlyDenied or ImplicitlyDenied.

    Secret values (external IDs) stand as fingerprints in all that is shown, in `checks` and in JSON.
    """

    result: str
    principal: str
    action: str
    resource: str
    made_from: Trace | tuple[Mapping[str, Any], tuple[PolicyCheck, ...]]

    @property
    def allowed(self) -> bool:
        """Whether the result is Allowed."""
        return self.result == ALLOWED

    @cached_property
    def checks(self) -> tuple[PolicyCheck, ...]:
        """Each check in AWS's words, with the statements that were looked at."""
        if isinstance(self.made_from, Trace):
            request = self.made_from.request
            return tuple(_check(raw, request) for raw in self.made_from.checks)
        return self.made_from[1]

    @cached_property
    def context(self) -> Mapping[str, Any]:
        """The condition keys that were given, secrets as fingerprints."""
        if isinstance(self.made_from, Trace):
            return dict(mask_secrets({key: self._said(key) for key in self.made_from.given}))
        return self.made_from[0]

    def _said(self, key: str) -> Any:
        assert isinstance(self.made_from, Trace)
        values = self.made_from.request.context[key.lower()]
        return (values[0] if len(values) == 1 else list(values)) if values else None

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """Why, in sentences: what decided first, then what was close to allowing."""
        return explain.sentences(self.checks, allowed=self.allowed)

    @property
    def details(self) -> "Details":
        """Every statement with every element, for whoever wants to see it all."""
        return Details(self)

    def to_json(self) -> dict[str, Any]:
        """Plain data, external IDs as fingerprints."""
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
        """The Decision that `to_json` was made from."""
        checks = tuple(map(_check_from, fields["checks"]))
        asked = {name: fields[name] for name in ("result", "principal", "action", "resource")}
        return cls(**asked, made_from=(fields["context"], checks))

    def view(self) -> View:
        """The answer, why, and one line a check."""
        return explain.summary_view(self, self.checks, self.reasons)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Decision) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.result, self.principal, self.action, self.resource))

    def __reduce__(self) -> tuple[Callable[..., "Decision"], tuple[dict[str, Any]]]:
        # A copy in another process has what may be shown, and no secret.
        return Decision.from_json, (self.to_json(),)


@dataclass(frozen=True, repr=False)
class Details(Shown):
    """Every statement that was looked at, element by element."""

    decision: Decision

    def view(self) -> View:
        """One table a check: each element with what it expects and what the request has."""
        return explain.details_view(self.decision.checks)


def result_of(checks: tuple[RawCheck, ...]) -> str:
    """What the checks come to: an explicit deny wins, one implicit deny is enough.

    Source: reference_policies_evaluation-logic.
    """
    effects = [check.effect for check in checks]
    if EXPLICIT_DENY in effects:
        return EXPLICITLY_DENIED
    return IMPLICITLY_DENIED if IMPLICIT_DENY in effects else ALLOWED


def _check(raw: RawCheck, request: Request) -> PolicyCheck:
    matches = tuple(
        _statement_match(f"{raw.parameter}{''.join(f'[{index}]' for index in indexes)}", weighed, request)
        for indexes, group in raw.groups
        for weighed in group
    )
    return PolicyCheck(raw.type, raw.effect, raw.note, matches)


def _statement_match(policy: str, weighed: RawMatch, request: Request) -> StatementMatch:
    statement, action, resource, who, met, applies = weighed
    compared = [
        ElementMatch(
            _element_name("Action", statement.not_action), action, statement.actions.texts, (request.action,)
        )
    ]
    if statement.resources is not None:
        name = _element_name("Resource", statement.not_resource)
        compared.append(ElementMatch(name, resource, statement.resources.texts, (request.resource,)))
    if statement.who is not None:
        name = _element_name("Principal", statement.not_principal)
        compared.append(ElementMatch(name, who > 0, statement.who.texts, (request.caller.text,)))
    for each, holds in zip(statement.conditions, met, strict=True):
        # "true" and "false" of Null are no secret, whatever the key.
        hidden = each.operator != "Null"
        expected = _mask_values(each.key, each.values) if hidden else each.values
        actual = request.context.get(each.name)
        shown = None if actual is None else _mask_values(each.key, actual)
        compared.append(ElementMatch("Condition", holds, expected, shown, each.operator, each.key))
    return StatementMatch(
        f"{policy}.{statement.path}", statement.sid, statement.effect, applies, tuple(compared)
    )


def _element_name(element: str, negated: bool) -> str:
    return f"Not{element}" if negated else element


def _mask_values(key: str, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(mask_secrets({key: list(values)})[key])


def _check_from(fields: Mapping[str, Any]) -> PolicyCheck:
    return PolicyCheck(**{**fields, "statements": tuple(map(_match_from, fields["statements"]))})


def _match_from(fields: Mapping[str, Any]) -> StatementMatch:
    compared = tuple(map(_comparison_from, fields["compared"]))
    return StatementMatch(**{**fields, "compared": compared})


def _comparison_from(fields: Mapping[str, Any]) -> ElementMatch:
    actual = None if fields["actual"] is None else tuple(fields["actual"])
    return ElementMatch(**{**fields, "expected": tuple(fields["expected"]), "actual": actual})
