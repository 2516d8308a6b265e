"""One statement of a policy, read once and then compared with requests, element by element."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from xacct_nb import patterns
from xacct_nb.conditions import AnyCondition, condition
from xacct_nb.grammars import ALLOW, DENY, RESOURCE_CONTROL, TRUST, Kind, refuse
from xacct_nb.patterns import Context, Words, words
from xacct_nb.principals import DIRECT, NOBODY, Caller, Principals, principals

_ELEMENTS = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)
_ACTION = re.compile(r"\*|(?:\*|[A-Za-z0-9-]+):[A-Za-z0-9*?_.-]+")
_TRUST_ACTION = re.compile(
    r"sts:(?:AssumeRole(?:With(?:SAML|WebIdentity))?|TagSession|SetSourceIdentity|SetContext|.*[*?].*)",
    re.IGNORECASE,
)
_SID = re.compile(r"[A-Za-z0-9]*")
_KEY = re.compile(r"[^\s:]+:.+")


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: by whom, what, on what, with which keys; `bounded` if the caller has a boundary."""

    caller: Caller
    action: str
    resource: str
    context: Context
    bounded: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, ready to be compared with requests."""

    place: str
    sid: str
    effect: str
    actions: Words
    not_action: bool
    resources: Words | None
    not_resource: bool
    who: Principals | None
    not_principal: bool
    conditions: tuple[AnyCondition, ...]

    def weigh(self, request: Request) -> "Weighed":
        """How each element meets the request, and whether the statement as a whole applies."""
        context = request.context
        action = self.actions.match(request.action, context) is not self.not_action
        resource = self.resources is None or self._resource(request)
        who = DIRECT if self.who is None else self._who(request)
        met = tuple([each.holds(context) for each in self.conditions])
        return self, action, resource, who, met, action and resource and who > NOBODY and False not in met

    def _resource(self, request: Request) -> bool:
        resources = self.resources
        assert resources is not None
        if self.not_resource:
            lacking = bool(resources.variable) and resources.lacks(request.context)
            return not (lacking or resources.match(request.resource, request.context))
        return resources.match(request.resource, request.context)

    def _who(self, request: Request) -> int:
        who = self.who
        assert who is not None
        if not self.not_principal:
            return who.means(request.caller, request.context)
        # AWS says that such a statement denies whoever has a permissions boundary, named or not.
        spared = not request.bounded and who.spares(request.caller, request.context)
        return NOBODY if spared else DIRECT


# The statement; whether Action and Resource match; how Principal means the caller; each condition; all.
Weighed = tuple[Statement, bool, bool, int, tuple[bool, ...], bool]


def read_statement(fields: Any, place: str, kind: Kind, variables: bool) -> Statement:
    """The statement at this place of a document; `variables` says whether `${...}` is one (2012-10-17).

    Raises Refused with the place in the statement.
    """
    if not isinstance(fields, Mapping):
        refuse("", "it is not an object")
    if fields.keys() - _ELEMENTS:
        refuse(str(min(fields.keys() - _ELEMENTS, key=str)), "there is no such element")
    if fields.keys() & kind.refused:
        refuse(min(fields.keys() & kind.refused), f"a {kind.name} policy cannot have it")
    effect, sid = fields.get("Effect"), fields.get("Sid", "")
    if effect not in (ALLOW, DENY):
        refuse("Effect", f"it is {effect!r}, not Allow or Deny" if effect is not None else "it is missing")
    if not isinstance(sid, str) or not (kind.free_sid or _SID.fullmatch(sid)):
        refuse("Sid", "it takes letters and digits only")
    not_action = _which(fields, "Action", needed=True)
    not_resource = _which(fields, "Resource", needed=kind.resource)
    not_principal = _which(fields, "Principal", needed=kind.principal)
    who = _principals(fields, not_principal, kind, str(effect)) if kind.principal else None
    resources = None
    if not_resource is not None:
        resources = _resources(fields, "NotResource" if not_resource else "Resource", variables)
    actions = _actions(fields, "NotAction" if not_action else "Action", kind)
    conditions = _conditions(fields["Condition"], variables) if "Condition" in fields else ()
    found = Statement(
        place, sid, str(effect), actions, bool(not_action), resources, bool(not_resource), who,
        bool(not_principal), conditions,
    )  # fmt: skip
    if kind.name == RESOURCE_CONTROL:
        _control(fields, found)
    return found


def _which(fields: Mapping[str, Any], element: str, needed: bool) -> bool | None:
    """False for the element itself, True for its Not form, None for neither where that may be."""
    plain, negated = element in fields, f"Not{element}" in fields
    if plain and negated:
        refuse(f"Not{element}", f"it stands beside {element}; only one of the two may")
    if not (plain or negated) and needed:
        refuse(element, "it is missing")
    return negated if plain or negated else None


def _principals(fields: Mapping[str, Any], negated: bool | None, kind: Kind, effect: str) -> Principals:
    element = "NotPrincipal" if negated else "Principal"
    if negated and effect == ALLOW:
        refuse(element, "it goes with Deny only")
    try:
        found = principals(fields[element])
    except ValueError as problem:
        refuse(element, str(problem))
    if kind.name == TRUST and "CanonicalUser" in fields[element]:
        refuse(f"{element}.CanonicalUser", "a trust policy cannot have it")
    return found


def _control(fields: Mapping[str, Any], statement: Statement) -> None:
    """A resource control policy denies; only AWS's own full access allows."""
    if statement.who is None or fields["Principal"] != "*":
        refuse("Principal", 'it is "*" in every resource control policy')
    everything = fields.get("Action") in ("*", ["*"]) and fields.get("Resource") in ("*", ["*"])
    if statement.effect == ALLOW and not (everything and not statement.conditions):
        refuse("Effect", "only RCPFullAWSAccess allows; others deny")


def _actions(fields: Mapping[str, Any], element: str, kind: Kind) -> Words:
    texts = _texts(fields[element], element)
    shape, rule = (
        (_TRUST_ACTION, "a trust policy takes sts actions that assume a role")
        if kind.name == TRUST
        else (_ACTION, "an action reads service:Name")
    )
    for text in texts:
        if not shape.fullmatch(text):
            refuse(element, f"{text!r} is not an action here: {rule}")
    return _action_words(texts)


@lru_cache(maxsize=2048)
def _action_words(texts: tuple[str, ...]) -> Words:
    return words(texts, patterns.ACTION)


def _resources(fields: Mapping[str, Any], element: str, variables: bool) -> Words:
    texts = _texts(fields[element], element)
    for text in texts:
        if text != "*" and (problem := _no_resource(text, variables)):
            refuse(element, f"{text!r} {problem}")
    return words(texts, patterns.RESOURCE, variables)


@lru_cache(maxsize=4096)
def _no_resource(text: str, variables: bool) -> str:
    front = text.split(":", 5)
    if front[0] != "arn" or len(front) < 2:
        return 'is neither an ARN nor "*"'
    if len(front) == 6 and re.search(r"[*?]", front[2]):
        return "has a wildcard for the service"
    if variables and "${" in ":".join(front[:5]):
        return "has a variable before the fifth colon"
    return ""


def _conditions(element: Any, variables: bool) -> tuple[AnyCondition, ...]:
    if not isinstance(element, Mapping):
        refuse("Condition", "it is not an object")
    return tuple(
        [
            each
            for operator, keys in element.items()
            for each in _of_operator(str(operator), keys, f"Condition.{operator}", variables)
        ]
    )


def _of_operator(operator: str, keys: Any, place: str, variables: bool) -> list[AnyCondition]:
    if not isinstance(keys, Mapping):
        refuse(place, "it is not an object of keys and values")
    names = [str(key).lower() for key in keys]
    if len(names) != len(set(names)):
        refuse(place, "a key stands there twice; keys are the same in any case")
    found = []
    for key, values in keys.items():
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            refuse(f"{place}.{key}", "a key reads service:name")
        try:
            found.append(condition(operator, key, _scalars(values, f"{place}.{key}"), variables))
        except ValueError as problem:
            refuse(place if "operator" in str(problem) else f"{place}.{key}", str(problem))
    return found


def _texts(value: Any, place: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
        refuse(place, "it is neither text nor a list of texts")
    return tuple(value)


def _scalars(value: Any, place: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    listed = value if isinstance(value, (list, tuple)) else (value,)
    if not all(isinstance(each, str | int | float) for each in listed):
        refuse(place, "a value is text, a number, or true or false")
    return tuple([str(each).lower() if isinstance(each, bool) else str(each) for each in listed])
