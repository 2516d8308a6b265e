"""From raw matches to what a person reads: checks with every element, and sentences with what they name."""

from collections.abc import Iterator
from functools import lru_cache

from xacct_nb.iam import explain
from xacct_nb.iam.checks import RawCheck
from xacct_nb.iam.condition import AnyCondition
from xacct_nb.iam.explain import IMPLICIT_DENY, UNKNOWN, ElementMatch, PolicyCheck, StatementMatch
from xacct_nb.iam.grammar import ALLOW
from xacct_nb.iam.patterns import Context
from xacct_nb.iam.statements import ACTION, APPLIES, STATEMENT, RawMatch, Request
from xacct_nb.iam.unknown import UnknownValue
from xacct_nb.redaction.redact import mask_secrets

# The parameter of `evaluate` that has the policies of a check.
PARAMETERS = {
    explain.SERVICE_CONTROL_POLICY: "service_control_policies",
    explain.RESOURCE_CONTROL_POLICY: "resource_control_policies",
    explain.RESOURCE: "resource_policy",
    explain.PRINCIPAL: "identity_policies",
    explain.PERMISSIONS_BOUNDARY: "permissions_boundaries",
    explain.SESSION: "session_policies",
}


def sentences(checks: tuple[RawCheck, ...], request: Request, result: str) -> tuple[str, ...]:
    """Return one sentence for each check that decided, then the statements that nearly allowed it.

    Only the elements that a sentence names are made from the raw matches.
    """
    return tuple(
        [
            sentence
            for effect in explain.deciding_effects(result)
            for check in checks
            if check.effect == effect
            for sentence in _of_check(check, request)
        ]
    )


def _of_check(check: RawCheck, request: Request) -> Iterator[str]:
    applying = ", ".join(
        [
            _location(check.type, indexes, matched)
            for indexes, group in check.groups
            for matched in group
            if matched[APPLIES] and matched[STATEMENT].effect in explain.deciding_statements(check.effect)
        ]
    )
    if check.effect == UNKNOWN:
        yield f"{check.type}: {explain.verdict(check_of(check, request))}."
    else:
        yield f"{check.type}: {explain.known_verdict(check.type, check.effect, check.note, applying)}."
    if check.effect == IMPLICIT_DENY:
        yield from _near_misses(check, request)


def _near_misses(check: RawCheck, request: Request) -> Iterator[str]:
    """Yield the statements of which the fewest elements do not match."""
    allowing = [
        (_failures(matched), indexes, matched)
        for indexes, group in check.groups
        for matched in group
        if matched[STATEMENT].effect == ALLOW and matched[APPLIES] is not True
    ]
    fewest = min((failures for failures, _, _ in allowing if failures), default=0)
    for failures, indexes, matched in allowing:
        if fewest and failures == fewest and matched[ACTION]:
            found = _statement_match("", matched, request)
            yield explain.near_miss(_location(check.type, indexes, matched), found.failed)


def _failures(matched: RawMatch) -> int:
    _, action, resource, level, met, _ = matched
    return (not action) + (resource is False) + (not level) + met.count(False)


def _location(check_type: str, indexes: tuple[int, ...], matched: RawMatch) -> str:
    place, sid = _place(check_type, indexes, matched[STATEMENT].number), matched[STATEMENT].sid
    return f"{place} {sid}" if sid else place


@lru_cache(maxsize=4096)
def _place(check_type: str, indexes: tuple[int, ...], number: int) -> str:
    return f"{PARAMETERS[check_type]}{''.join(f'[{index}]' for index in indexes)}.Statement[{number}]"


def check_of(raw: RawCheck, request: Request) -> PolicyCheck:
    """Return a check with each statement of its policies, element by element, secrets as fingerprints."""
    matches = tuple(
        _statement_match(_place(raw.type, indexes, matched[STATEMENT].number), matched, request)
        for indexes, group in raw.groups
        for matched in group
    )
    hanging = (match for match in matches if match.applies is None)
    keys = dict.fromkeys(key for match in hanging for each in match.compared for key in each.depends_on)
    depends_on = raw.depends_on + tuple(keys) if raw.effect == UNKNOWN else ()
    return PolicyCheck(raw.type, raw.effect, raw.note, matches, depends_on)


def _statement_match(place: str, matched: RawMatch, request: Request) -> StatementMatch:
    statement, action, resource, level, met, applies = matched
    context, resources, principals = request.context, statement.resources, statement.principals
    variables = resources.unknown_variables(context) if resources and resource is None else ()
    principal = None if level < 0 else level > 0
    ids = principals.depends_on(context) if principals and principal is None else ()
    elements = (
        ("Action", statement.not_action, action, statement.actions, request.action, ()),
        ("Resource", statement.not_resource, resource, resources, request.resource, variables),
        ("Principal", statement.not_principal, principal, principals, request.caller.text, ids),
    )
    compared = [
        ElementMatch(f"Not{name}" if negated else name, holds, expected.texts, (given,), depends_on=unknown)
        for name, negated, holds, expected, given, unknown in elements
        if expected is not None
    ]
    compared += [
        _condition_match(each, holds, context) for each, holds in zip(statement.conditions, met, strict=True)
    ]
    return StatementMatch(place, statement.sid, statement.effect, applies, tuple(compared))


def _condition_match(each: AnyCondition, holds: bool | None, context: Context) -> ElementMatch:
    # The "true" or "false" of Null is not a secret, whatever the key.
    hidden = not each.operator.endswith("Null")
    expected = _mask_values(each.key, each.values) if hidden else each.values
    actual = context.get(each.name)
    shown = None if actual is None else _mask_values(each.key, actual)
    if isinstance(actual, UnknownValue):
        shown = (f"{actual.front}(path not known)/{actual.end}",) if actual.is_partial else None
    depends_on = each.depends_on(context) if holds is None else ()
    return ElementMatch("Condition", holds, expected, shown, each.operator, each.key, depends_on)


def _mask_values(key: str, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(mask_secrets({key: list(values)})[key])
