"""One statement of a policy, read once and then matched against requests, element by element."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from xacct_nb.iam import patterns
from xacct_nb.iam.caller import Caller
from xacct_nb.iam.condition import AnyCondition, Fact, condition, is_operator
from xacct_nb.iam.grammar import ALLOW, DENY, RESOURCE_CONTROL, TRUST, Document, PolicyGrammar, layout, refuse
from xacct_nb.iam.patterns import Context, PatternSet, pattern_set
from xacct_nb.iam.principals import DIRECT, NO_MATCH, Principals, read_principals

# IAM checks the service and the one colon; an action that no service has matches nothing.
_ACTION = re.compile(r"\*|(?:\*|[A-Za-z0-9.-]+):[^:]+")
_TRUST_ACTION = re.compile(
    r"sts:(?:AssumeRole(?:With(?:SAML|WebIdentity))?|TagSession|SetSourceIdentity|SetContext|.*[*?].*)",
    re.IGNORECASE,
)
_SID = re.compile(r"[A-Za-z0-9]*")
_PARTITION = re.compile(r"aws[a-z-]*$|.*[*?]")


class Request(NamedTuple):
    """One request: caller, action, resource, condition keys; `bounded` if the caller has a boundary."""

    caller: Caller
    action: str
    action_lower: str
    resource: str
    context: Context
    bounded: bool = False


# Statements and their matches are tuples: there are many of them, and they are made often.
class Statement(NamedTuple):
    """One statement, ready to be matched against requests; `number` counts from 0 in its policy."""

    number: int
    sid: str
    effect: str
    actions: PatternSet
    not_action: bool
    resources: PatternSet | None
    not_resource: bool
    principals: Principals | None
    not_principal: bool
    conditions: tuple[AnyCondition, ...]

    @property
    def path(self) -> str:
        """Return the path of the statement in its policy."""
        return f"Statement[{self.number}]"

    def match(self, request: Request) -> "RawMatch":
        """Return how each element matches the request, and whether the whole statement applies.

        None where that hangs on a key that is not known, a negative level for the principal.
        """
        context, resources, principals = request.context, self.resources, self.principals
        action = self.actions.match(request.action_lower, context) is not self.not_action
        resource = resources is None or (
            self._not_resource(resources, request)
            if self.not_resource
            else resources.match(request.resource, context)
        )
        if principals is None:
            level = DIRECT
        elif self.not_principal:
            level = self._not_principal(principals, request)
        else:
            level = principals.match_level(request.caller, context)
        met = tuple([each.holds(context) for each in self.conditions]) if self.conditions else ()
        if not action or level == NO_MATCH or resource is False or False in met:
            applies: bool | None = False
        else:
            applies = None if resource is None or level < NO_MATCH or None in met else True
        return self, action, resource, level, met, applies

    def _not_resource(self, resources: PatternSet, request: Request) -> bool | None:
        excluded = resources.match(request.resource, request.context)
        missing = resources.lacks_variable(request.context) if resources.templates else False
        return False if excluded or missing else None if excluded is None or missing is None else True

    def _not_principal(self, principals: Principals, request: Request) -> int:
        # AWS documents that such a statement denies every caller with a permissions boundary, named or not.
        if request.bounded:
            return DIRECT
        excluded = principals.excludes(request.caller, request.context)
        return -DIRECT if excluded is None else NO_MATCH if excluded else DIRECT


# The statement; whether Action and Resource match; the match level of Principal; each condition; all.
RawMatch = tuple[Statement, bool, bool | None, int, tuple[bool | None, ...], bool | None]
STATEMENT: Final = 0
ACTION: Final = 1
MATCH_LEVEL: Final = 3
APPLIES: Final = 5


def facts_of(matched: RawMatch, context: Context) -> Iterator[Fact]:
    """Yield the facts, of which none is known, that decide whether a statement applies."""
    statement, _, resource, level, met, _ = matched
    if resource is None and statement.resources:
        yield ("resource", statement.not_resource, statement.resources.texts)
    if level < NO_MATCH and statement.principals:
        yield ("principal", statement.not_principal, statement.principals.texts)
    for each, holds in zip(statement.conditions, met, strict=True):
        if holds is None:
            yield from each.facts(context)


def applies_if(matched: RawMatch, case: Mapping[Fact, bool], context: Context) -> bool:
    """Return whether a statement applies where the facts are like this."""
    statement, _, resource, level, met, _ = matched
    conditions = zip(statement.conditions, met, strict=True)
    texts = statement.resources.texts if statement.resources else ()
    named = statement.principals.texts if statement.principals else ()
    return (
        (resource is not None or case["resource", statement.not_resource, texts])
        and (level > NO_MATCH or case["principal", statement.not_principal, named])
        and all(each.holds_if(case, context) for each, holds in conditions if holds is None)
    )


def read_statement(fields: object, number: int, grammar: PolicyGrammar, variables: bool) -> Statement:
    """Read the statement of this number in a policy; `variables`: whether `${...}` is one (2012-10-17).

    Raises Refused with the path in the statement.
    """
    if not isinstance(fields, dict):
        refuse("", "it is not an object")
    action, resource, principal = layout(tuple(fields), grammar)
    effect = fields["Effect"]
    if effect not in (ALLOW, DENY):
        refuse("Effect", f"it is {effect!r}, not Allow or Deny")
    found = Statement(
        number,
        _sid(fields["Sid"], grammar) if "Sid" in fields else "",
        effect,
        _read(_actions, fields, action, grammar),
        action == "NotAction",
        _read(_resources, fields, resource, variables) if resource else None,
        resource == "NotResource",
        _principals(fields[principal], principal, grammar, effect) if principal else None,
        principal == "NotPrincipal",
        _conditions(fields["Condition"], variables) if "Condition" in fields else (),
    )
    if grammar.name == RESOURCE_CONTROL:
        _control(fields, found)
    return found


def _sid(sid: object, grammar: PolicyGrammar) -> str:
    if not isinstance(sid, str) or not (grammar.free_sid or _SID.fullmatch(sid)):
        refuse("Sid", "only letters and digits are allowed")
    return sid


def _read(
    read: Callable[..., PatternSet], fields: Document, element: str, how: PolicyGrammar | bool
) -> PatternSet:
    texts = _texts(fields[element], element)
    if not texts:
        refuse(element, "it is empty")
    try:
        return read(texts, how)
    except ValueError as problem:
        refuse(element, str(problem))


@lru_cache(maxsize=2048)
def _actions(texts: tuple[str, ...], grammar: PolicyGrammar) -> PatternSet:
    shape, rule = (
        (_TRUST_ACTION, "a trust policy takes sts actions that assume a role")
        if grammar.name == TRUST
        else (_ACTION, "an action has the form service:Name")
    )
    for text in texts:
        if not shape.fullmatch(text):
            raise ValueError(f"{text!r} is not an action here: {rule}")
    return pattern_set(texts, patterns.ACTION)


@lru_cache(maxsize=4096)
def _resources(texts: tuple[str, ...], variables: bool) -> PatternSet:
    for text in texts:
        if text != "*" and (problem := _no_resource(text, variables)):
            raise ValueError(f"{text!r} {problem}")
    return pattern_set(texts, patterns.RESOURCE, variables)


def _no_resource(text: str, variables: bool) -> str:
    front = text.split(":", 5)
    if front[0] != "arn" or len(front) < 2:
        return 'is neither an ARN nor "*"'
    if not _PARTITION.match(front[1]):
        return f"is in the partition {front[1]!r}, which AWS does not have"
    if len(front) < 3 or not front[2] or "*" in front[2] or "?" in front[2]:
        return "does not name one service"
    if variables and "${" in ":".join(front[:5]):
        return "has a variable before the fifth colon"
    return ""


def _principals(value: object, element: str, grammar: PolicyGrammar, effect: str) -> Principals:
    if element == "NotPrincipal" and effect == ALLOW:
        refuse(element, "it is allowed with Deny only")
    try:
        found = read_principals(value)
    except ValueError as problem:
        refuse(element, str(problem))
    if grammar.name == TRUST and isinstance(value, dict) and "CanonicalUser" in value:
        refuse(f"{element}.CanonicalUser", "a trust policy cannot have it")
    if grammar.name == TRUST and any(":iam::cloudfront:" in text for text in found.texts):
        refuse(element, "only a bucket policy can have an origin access identity")
    if grammar.name == TRUST and not found.texts:
        refuse(element, "it names no principal")
    return found


def _control(fields: Document, statement: Statement) -> None:
    """Check that a resource control policy denies; only AWS's own RCPFullAWSAccess allows."""
    if fields["Principal"] != "*":
        refuse("Principal", 'it must be "*" in a resource control policy')
    everything = fields.get("Action") in ("*", ["*"]) and fields.get("Resource") in ("*", ["*"])
    if statement.effect == ALLOW and not (everything and not statement.conditions):
        refuse("Effect", "it must be Deny: only RCPFullAWSAccess allows")


def _conditions(element: object, variables: bool) -> tuple[AnyCondition, ...]:
    if not isinstance(element, dict):
        refuse("Condition", "it is not an object")
    found: list[AnyCondition] = []
    for operator, keys in element.items():
        if not isinstance(keys, dict):
            refuse(f"Condition.{operator}", "it is not an object of keys and values")
        if not is_operator(str(operator)):
            refuse(f"Condition.{operator}", f"there is no operator {operator!r}")
        if len(keys) > 1 and len({str(key).lower() for key in keys}) < len(keys):
            refuse(f"Condition.{operator}", "a key occurs twice; keys are the same in upper and lower case")
        for key, values in keys.items():
            found.append(_condition(str(operator), str(key), values, variables))
    return tuple(found)


def _condition(operator: str, key: str, values: object, variables: bool) -> AnyCondition:
    try:
        return condition(operator, key, _scalars(values), variables)
    except ValueError as problem:
        refuse(f"Condition.{operator}.{key}", str(problem))


def _texts(value: object, path: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
        refuse(path, "it is neither text nor a list of texts")
    return tuple(value)


def _scalars(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    listed = value if isinstance(value, (list, tuple)) else (value,)
    if not all(isinstance(each, str | int | float) for each in listed):
        raise ValueError("a value must be text, a number, or true or false")
    return tuple([str(each).lower() if isinstance(each, bool) else str(each) for each in listed])
