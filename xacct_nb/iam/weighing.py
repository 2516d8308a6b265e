"""Decides from the checks; where keys are not known, from what the checks would be in each case."""

from collections.abc import Iterator
from itertools import product

from xacct_nb.iam.checks import Applies, Matches, RawCheck, Rules, make_checks
from xacct_nb.iam.condition import Fact, facts_agree
from xacct_nb.iam.explain import CONTROL_POLICIES, EXPLICIT_DENY, IMPLICIT_DENY, RESOURCE, UNKNOWN
from xacct_nb.iam.grammar import ALLOW, DENY
from xacct_nb.iam.statements import STATEMENT, Request, applies_if, facts_of

ALLOWED, EXPLICITLY_DENIED, IMPLICITLY_DENIED = "Allowed", "ExplicitlyDenied", "ImplicitlyDenied"
UNKNOWN_RESULT = "Unknown"
_EXEMPT: Fact = ("", "exempt")
_MAX_FACTS = 8
# A case: which of the statements that hang on unknown keys apply, and whether the caller is exempt.
_Case = tuple[Applies, bool]
# The cases between which all others are, since a further Allow never takes access away, and a further Deny
# never gives it: all unknown Allows apply, no unknown statement does, all unknown Denies do.
_BOUNDS: tuple[_Case, ...] = (
    (lambda matched: matched[STATEMENT].effect == ALLOW, True),
    (lambda matched: False, False),
    (lambda matched: matched[STATEMENT].effect == DENY, False),
)
# In this order a decision lists its possible results.
_RESULTS = (ALLOWED, IMPLICITLY_DENIED, EXPLICITLY_DENIED)


def weigh(matches: Matches, request: Request, rules: Rules) -> tuple[tuple[str, ...], tuple[RawCheck, ...]]:
    """Return the possible results, one if it is certain, and the checks."""
    if rules.exempt is not None and not _hangs(matches):
        checks = make_checks(matches, request, rules)
        return (result_of(checks),), checks
    cases = [_suppose(matches, rules, *case) for case in _cases(matches, request, rules)]
    checked = [make_checks(supposed, request, known) for supposed, known in cases]
    results = set(map(result_of, checked))
    # How a resource's policy matches the caller decides what else must allow.
    levels = {found[0].level for supposed, _ in cases for kind, found in supposed if kind == RESOURCE}
    unclear = RESOURCE if len(results) > 1 and len(levels) > 1 else ""
    joined = tuple(_join(each, rules, unclear) for each in zip(*checked, strict=True))
    return tuple(result for result in _RESULTS if result in results), joined


def _hangs(matches: Matches) -> bool:
    for _, found in matches:
        for each in found:
            if each.hanging:
                return True
    return False


def result_of(checks: tuple[RawCheck, ...]) -> str:
    """Return the result of all checks: an explicit deny overrides the rest, one implicit deny is enough.

    Source: reference_policies_evaluation-logic.
    """
    effects = [check.effect for check in checks]
    if EXPLICIT_DENY in effects:
        return EXPLICITLY_DENIED
    return IMPLICITLY_DENIED if IMPLICIT_DENY in effects else ALLOWED


def _cases(matches: Matches, request: Request, rules: Rules) -> Iterator[_Case]:
    """Yield every combination of the facts that are not known; with too many of them, the bounds of all."""
    context = request.context
    hanging = [matched for _, found in matches for each in found for matched in each.hanging]
    unknown = {_EXEMPT: None} if rules.exempt is None else {}
    facts = list(unknown | dict.fromkeys(fact for matched in hanging for fact in facts_of(matched, context)))
    if len(facts) > _MAX_FACTS:
        yield from _BOUNDS
        return
    for values in product((True, False), repeat=len(facts)):
        case = dict(zip(facts, values, strict=True))
        if facts_agree(case):
            yield (
                lambda matched, case=case: applies_if(matched, case, context),  # type: ignore[misc]
                case.get(_EXEMPT, False),
            )


def _suppose(matches: Matches, rules: Rules, applies: Applies, exempt: bool) -> tuple[Matches, Rules]:
    supposed = tuple((kind, tuple(each.supposing(applies) for each in found)) for kind, found in matches)
    return supposed, rules._replace(exempt=exempt) if rules.exempt is None else rules


def _join(checks: tuple[RawCheck, ...], rules: Rules, unclear: str) -> RawCheck:
    """Return one check for all cases: its effect if that is the same in each, else UNKNOWN."""
    first = checks[0]
    if len({check.effect for check in checks}) == 1 and first.type != unclear:
        return first
    hangs = ("aws:PrincipalArn",) if rules.exempt is None and first.type in CONTROL_POLICIES else ()
    return RawCheck(first.type, UNKNOWN, "", first.groups, hangs)
