"""A Decision: the result that AWS would return, the checks behind it, and how each statement matched."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, NamedTuple

from xacct_nb.iam import explain
from xacct_nb.iam.checks import RawCheck
from xacct_nb.iam.explain import PolicyCheck
from xacct_nb.iam.reasons import check_of, sentences
from xacct_nb.iam.statements import Request
from xacct_nb.iam.weighing import ALLOWED, EXPLICITLY_DENIED, IMPLICITLY_DENIED, UNKNOWN_RESULT
from xacct_nb.redaction.redact import mask_secrets
from xacct_nb.views import Page, Shown, Text, View

_TITLES = {
    ALLOWED: "Allowed",
    EXPLICITLY_DENIED: "Denied, explicitly",
    IMPLICITLY_DENIED: "Denied, implicitly",
    UNKNOWN_RESULT: "Unknown",
}
_TONES = {ALLOWED: "good", UNKNOWN_RESULT: "note"}


class Trace(NamedTuple):
    """What the decision was made from; becomes checks, with secrets masked, when they are first read."""

    request: Request
    given: Mapping[str, Any]
    checks: tuple[RawCheck, ...]


@dataclass(frozen=True, repr=False, eq=False)
class Decision(Shown):
    """The result that AWS would return: Allowed, ExplicitlyDenied, ImplicitlyDenied; or Unknown.

    Unknown: it hangs on the keys of `depends_on`; `possible` has each result that their values could give.
    External IDs appear as fingerprints in everything that is shown, in `checks` and in JSON.
    """

    result: str
    principal: str
    action: str
    resource: str
    made_from: Trace | tuple[Mapping[str, Any], tuple[PolicyCheck, ...], tuple[str, ...]]
    possible: tuple[str, ...]

    @property
    def allowed(self) -> bool:
        """Return whether the result is Allowed."""
        return self.result == ALLOWED

    @property
    def denied(self) -> bool:
        """Return whether the request is denied for certain, whatever the values of unknown keys."""
        return ALLOWED not in self.possible

    @property
    def depends_on(self) -> tuple[str, ...]:
        """Return the unknown keys on which the result hangs, as the policies write them."""
        unknown = (check for check in self.checks if check.effect == explain.UNKNOWN)
        keys = {key.lower(): key for check in unknown for key in check.depends_on}
        return tuple(keys.values()) if self.result == UNKNOWN_RESULT else ()

    @cached_property
    def checks(self) -> tuple[PolicyCheck, ...]:
        """Return each check, under AWS's names, with the statements of its policies."""
        if isinstance(self.made_from, Trace):
            request = self.made_from.request
            return tuple(check_of(raw, request) for raw in self.made_from.checks)
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
        if isinstance(self.made_from, Trace):
            return sentences(self.made_from.checks, self.made_from.request, self.result)
        return self.made_from[2]

    @property
    def details(self) -> "Details":
        """Return every statement with every element, as a value that shows itself."""
        return Details(self)

    def to_json(self) -> dict[str, Any]:
        """Return plain data, external IDs as fingerprints."""
        return {
            "result": self.result,
            "possible": list(self.possible),
            "depends_on": list(self.depends_on),
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
        possible = tuple(fields.get("possible", [fields["result"]]))
        made_from = (fields["context"], checks, tuple(fields["reasons"]))
        return cls(**header, made_from=made_from, possible=possible)

    def view(self) -> View:
        """Return the result, the reasons, and one line for each check."""
        caller, resource = explain.short_name(self.principal), explain.short_name(self.resource)
        reasons = (Text(sentence, _TONES.get(self.result, "bad")) for sentence in self.reasons)
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


def _plain(values: tuple[str, ...]) -> str | list[str] | None:
    return (values[0] if len(values) == 1 else list(values)) if values else None
