"""From matched policies to checks: which policies must allow a request, and the rules that override them."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from xacct_nb.iam import grammar
from xacct_nb.iam.caller import ROOT
from xacct_nb.iam.explain import (
    ALLOW,
    EXPLICIT_DENY,
    IMPLICIT_DENY,
    NO_IMPACT,
    PERMISSIONS_BOUNDARY,
    PRINCIPAL,
    RESOURCE,
    RESOURCE_CONTROL_POLICY,
    SERVICE_CONTROL_POLICY,
    SESSION,
)
from xacct_nb.iam.policy import ParsedPolicy
from xacct_nb.iam.possible_calls import why_always, why_not
from xacct_nb.iam.principals import ACCOUNT, DIRECT, NO_MATCH, ROLE
from xacct_nb.iam.statements import APPLIES, MATCH_LEVEL, STATEMENT, RawMatch, Request

# A policy with its indexes in the parameter that has it.
Indexed = tuple[tuple[int, ...], ParsedPolicy]
# For each policy of a parameter: its indexes in the parameter, and its matched statements.
Groups = list[tuple[tuple[int, ...], list[RawMatch]]]
Applies = Callable[[RawMatch], bool]
WITHIN, ACROSS, OUTSIDE = "within one account", "across accounts", "from outside every account"
_BOUNDS = frozenset({PERMISSIONS_BOUNDARY, SESSION})
_BOTH = _BOUNDS | {PRINCIPAL}
_MATCH_LEVELS = (DIRECT, ROLE, ACCOUNT, NO_MATCH)
# The checks that must allow, by where the caller is, and how the resource's own policy matches it.
# Source: reference_policies_evaluation-logic (boundaries and session policies limit what is allowed to a
# role's ARN, not to a user's or a session's), ..._cross-account.
_NEEDED = {
    WITHIN: {DIRECT: frozenset[str](), ROLE: _BOUNDS, ACCOUNT: _BOTH, NO_MATCH: _BOTH},
    ACROSS: dict.fromkeys(_MATCH_LEVELS, _BOTH | {RESOURCE}),
    OUTSIDE: dict.fromkeys(_MATCH_LEVELS, frozenset({RESOURCE})),
}
_NOTES = {
    "root may": "the root user has every permission that its account has",
    "no account": "the caller is in no account, so such policies do not apply",
    "no policy": "there is no resource-based policy",
    "grants": "no key policy allows it; a grant of the key might, and grants are not evaluated",
    "level": "on level {} no service control policy allows it; the root is level 1",
    "service-linked": "the caller is a service-linked role, to which such policies do not apply",
}


class RawCheck(NamedTuple):
    """A check as the evaluation made it; `depends_on`: unknown keys besides those of its statements."""

    type: str
    effect: str
    note: str
    groups: Groups
    depends_on: tuple[str, ...] = ()


class PoliciesMatch(NamedTuple):
    """How some policies match together: their effect, and the highest level of the statements that allow.

    `hanging` are the statements that hang on a key that is not known.
    """

    effect: str
    level: int
    groups: Groups
    hanging: tuple[RawMatch, ...] = ()

    def supposing(self, applies: Applies) -> "PoliciesMatch":
        """Return the match if those of the hanging statements apply for which `applies` says so."""
        supposed = [each for each in self.hanging if applies(each)]
        denies = any(each[STATEMENT].effect == grammar.DENY for each in supposed)
        levels = [abs(each[MATCH_LEVEL]) for each in supposed if each[STATEMENT].effect == grammar.ALLOW]
        level = max(levels, default=NO_MATCH)
        effect = _effect(denies or self.effect == EXPLICIT_DENY, max(level, self.level))
        return PoliciesMatch(effect, max(level, self.level), self.groups)


def _effect(denied: bool, level: int) -> str:
    return EXPLICIT_DENY if denied else ALLOW if level else IMPLICIT_DENY


# Each kind of policy that was given, in the order of evaluation: one match, of control policies one a level.
Matches = tuple[tuple[str, tuple[PoliciesMatch, ...]], ...]


class Rules(NamedTuple):
    """What decides besides the policies: where the caller is, and which checks must allow in any case.

    `exempt`: whether control policies do not apply to the caller, a service-linked role; None: not known.
    """

    relation: str
    required: frozenset[str]
    has_resource_policy: bool
    exempt: bool | None


def match_policies(policies: Iterable[Indexed], request: Request) -> PoliciesMatch:
    """Match each statement of the policies against the request."""
    groups: Groups = []
    hanging: list[RawMatch] = []
    level, denied = NO_MATCH, False
    for index, policy in policies:
        group = [statement.match(request) for statement in policy.statements]
        groups.append((index, group))
        for matched in group:
            applies = matched[APPLIES]
            if applies:
                if matched[STATEMENT].effect == grammar.DENY:
                    denied = True
                elif matched[MATCH_LEVEL] > level:
                    level = matched[MATCH_LEVEL]
            elif applies is None:
                hanging.append(matched)
    return PoliciesMatch(_effect(denied, level), level, groups, tuple(hanging))


def make_checks(matches: Matches, request: Request, rules: Rules) -> tuple[RawCheck, ...]:
    """Return the check of each kind of policy, in which nothing is unknown."""
    ((own,),) = (found for check_type, found in matches if check_type == RESOURCE)
    needed = _NEEDED[rules.relation][own.level] | rules.required
    checks = [
        _control_check(check_type, found, request, bool(rules.exempt))
        if check_type in (SERVICE_CONTROL_POLICY, RESOURCE_CONTROL_POLICY)
        else _resource_check(found[0], request, needed, rules)
        if check_type == RESOURCE
        else _list_check(check_type, found[0], request, needed)
        for check_type, found in matches
    ]
    return tuple(_apply_exceptions(checks, request))


def _resource_check(own: PoliciesMatch, request: Request, needed: frozenset[str], rules: Rules) -> RawCheck:
    effect, note = own.effect, "" if rules.has_resource_policy else _NOTES["no policy"]
    if effect == IMPLICIT_DENY and RESOURCE not in needed:
        effect = NO_IMPACT
    elif effect == IMPLICIT_DENY and rules.has_resource_policy and request.action_lower.startswith("kms:"):
        note = _NOTES["grants"]
    return RawCheck(RESOURCE, effect, note, own.groups)


def _list_check(check_type: str, found: PoliciesMatch, request: Request, needed: frozenset[str]) -> RawCheck:
    """Check identity policies, boundaries or session policies: a list in which one statement must allow."""
    effect, note = found.effect, ""
    if not request.caller.account:
        effect, note = NO_IMPACT, _NOTES["no account"]
    elif effect == IMPLICIT_DENY and check_type == PRINCIPAL and request.caller.kind == ROOT:
        effect, note = ALLOW, _NOTES["root may"]
    elif effect == IMPLICIT_DENY and check_type not in needed:
        effect = NO_IMPACT
    return RawCheck(check_type, effect, note, found.groups)


def _control_check(
    check_type: str, levels: tuple[PoliciesMatch, ...], request: Request, exempt: bool
) -> RawCheck:
    """Check control policies: each level must allow; RCPFullAWSAccess does on each level of an RCP.

    Source: orgs_manage_policies_scps, ..._scps_evaluation, ..._rcps, ..._rcps_evaluation.
    """
    groups = [group for each in levels for group in each.groups]
    if exempt:
        return RawCheck(check_type, NO_IMPACT, _NOTES["service-linked"], groups)
    if check_type == SERVICE_CONTROL_POLICY and not request.caller.account:
        return RawCheck(check_type, NO_IMPACT, _NOTES["no account"], groups)
    if any(each.effect == EXPLICIT_DENY for each in levels):
        return RawCheck(check_type, EXPLICIT_DENY, "", groups)
    for number, each in enumerate(levels, start=1):
        if not each.level and check_type == SERVICE_CONTROL_POLICY:
            return RawCheck(check_type, IMPLICIT_DENY, _NOTES["level"].format(number), groups)
    return RawCheck(check_type, ALLOW, "", groups)


def _apply_exceptions(checks: list[RawCheck], request: Request) -> list[RawCheck]:
    """Apply the rules that override the policies.

    Source: see `possible_calls`.
    """
    caller = request.caller
    if always := why_always(request.action_lower, caller.kind):
        return [c._replace(effect=ALLOW if c.effect == ALLOW else NO_IMPACT, note=always) for c in checks]
    failed = why_not(request.action_lower, caller.kind, caller.text, request.resource)
    if not failed:
        return checks
    check_type, note = failed
    return [
        check._replace(effect=IMPLICIT_DENY, note=note)
        if check.type == check_type and check.effect != EXPLICIT_DENY
        else check
        for check in checks
    ]
