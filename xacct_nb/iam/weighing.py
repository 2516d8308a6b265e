"""Decides from the checks; where keys are not known, from what the checks would be in each case."""

from itertools import repeat

from xacct_nb.iam.checks import Matches, PoliciesMatch, RawCheck, Rules, make_checks
from xacct_nb.iam.explain import CONTROL_POLICIES, EXPLICIT_DENY, IMPLICIT_DENY, RESOURCE, UNKNOWN
from xacct_nb.iam.statements import Request

ALLOWED, EXPLICITLY_DENIED, IMPLICITLY_DENIED = "Allowed", "ExplicitlyDenied", "ImplicitlyDenied"
UNKNOWN_RESULT = "Unknown"
# The cases between which all others are: (unknown Allows apply, unknown Denies apply). A further Allow never
# takes access away, and a further Deny never gives it.
_CASES = ((True, False), (False, False), (False, True))


def weigh(matches: Matches, request: Request, rules: Rules) -> tuple[tuple[str, ...], tuple[RawCheck, ...]]:
    """Return the possible results, one if it is certain, and the checks."""
    if rules.exempt is not None and not _hangs(matches):
        checks = make_checks(matches, request, rules)
        return (result_of(checks),), checks
    cases = [_suppose(matches, request, rules, *case) for case in _CASES]
    results = tuple(dict.fromkeys(map(result_of, cases)))
    return results, tuple(map(_join, zip(*cases, strict=True), matches, repeat(rules)))


def _hangs(matches: Matches) -> bool:
    for _, found in matches:
        for each in found:
            if each.maybe_denied or each.maybe_level:
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


def _suppose(
    matches: Matches, request: Request, rules: Rules, allow: bool, deny: bool
) -> tuple[RawCheck, ...]:
    supposed = tuple(
        (check_type, tuple(each.supposing(allow, deny) for each in found)) for check_type, found in matches
    )
    exempt = allow if rules.exempt is None else rules.exempt
    return make_checks(supposed, request, rules._replace(exempt=exempt))


def _join(
    checks: tuple[RawCheck, ...], matched: tuple[str, tuple[PoliciesMatch, ...]], rules: Rules
) -> RawCheck:
    """Return one check for all cases: its effect if that is the same in each, else UNKNOWN."""
    check_type, found = matched
    # How a resource's policy matches the caller decides what else must allow.
    level_known = check_type != RESOURCE or found[0].maybe_level <= found[0].level
    if len({check.effect for check in checks}) == 1 and level_known:
        return checks[-1]
    hangs = ("aws:PrincipalArn",) if rules.exempt is None and check_type in CONTROL_POLICIES else ()
    return RawCheck(check_type, UNKNOWN, "", checks[0].groups, hangs)
