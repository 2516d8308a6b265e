"""Finds causes of the denial of a resource, to a role's session or to a caller itself, on both sides."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from xacct_nb.changes.revocation import REVOKED
from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, DESTINATION, LIKELY, SOURCE, Cause
from xacct_nb.diagnosis.causes.policy_causes import (
    allow_confidence,
    at_most_likely,
    boundary_causes,
    deny_cause,
    deny_confidence,
    is_allowed_by,
    not_allowed_cause,
    together,
    unread_boundary_causes,
)
from xacct_nb.diagnosis.causes.resource_causes import resource_causes
from xacct_nb.diagnosis.causes.unmet_conditions import unmet_conditions
from xacct_nb.diagnosis.denial import EXPLICIT
from xacct_nb.diagnosis.fixes.fix import NO_FIX, repeat
from xacct_nb.diagnosis.fixes.locations import allowing, denying
from xacct_nb.diagnosis.fixes.permission_fixes import without_unmet
from xacct_nb.diagnosis.nearest import compared, nearest
from xacct_nb.diagnosis.role_session import RoleSession
from xacct_nb.iam import explain
from xacct_nb.iam.arns import same_principal
from xacct_nb.iam.canonical import statements_of
from xacct_nb.iam.decision import Decision
from xacct_nb.iam.explain import PolicyCheck
from xacct_nb.iam.weighing import UNKNOWN_RESULT

_PASSED = ("Policy", "PolicyArns")
_UNREAD_POLICY = "In one account the resource's own policy can be enough; it was not read."


@dataclass(frozen=True)
class _Codes:
    """The codes and the side of the causes that are in the policies of who was denied."""

    without_allow: str
    deny: str
    boundary: str
    side: str


_OF_ROLE = _Codes("role-without-permission", "role-deny", "role-boundary", DESTINATION)
_OF_CALLER = _Codes("caller-without-permission", "caller-deny", "boundary-of-caller", SOURCE)


def session_causes(case: Case) -> Iterator[Cause]:
    """Yield why the request of the session, or of the caller itself, is denied, as far as it was read."""
    if not case.attempt.role_was_assumed:
        return
    if case.denial.caller and case.role and not same_principal(case.denial.caller, case.role):
        why = f"The request was made by {case.denial.caller}, not by a session of {case.role}."
        yield cause("wrong-identity", LIKELY, why, fix=repeat(case.attempt))
        return
    yield from _revoked(case)
    session, decision = case.session, case.session.decision() if case.session else None
    if session is None or decision is None:
        return
    found = _by_policies(case, session, decision)
    yield from map(at_most_likely, found) if decision.result == UNKNOWN_RESULT else found


def _by_policies(case: Case, session: RoleSession, decision: Decision) -> Iterator[Cause]:
    for check in decision.checks:
        if check.effect not in (explain.ALLOW, explain.NO_IMPACT):
            yield from _causes(case, session, check)
    yield from unread_boundary_causes(_codes(session).boundary, session.holder)
    yield from resource_causes(case, session, decision)


def _codes(session: RoleSession) -> _Codes:
    return _OF_CALLER if session.is_direct else _OF_ROLE


def _revoked(case: Case) -> Iterator[Cause]:
    policies, side = case.destination.policies, DESTINATION
    if case.is_direct:
        policies, side = case.source.policies, SOURCE
    for policy in policies:
        if policy.name == REVOKED and policy.document:
            statements = [each for each in statements_of(policy.document) if isinstance(each, dict)]
            limits = [each.get("Condition", {}).get("DateLessThan", {}) for each in statements]
            times = ", ".join(str(each.get("aws:TokenIssueTime", "a certain time")) for each in limits)
            why = f"The policy {REVOKED} denies everything to sessions from before {times}."
            confidence = CERTAIN if case.denial.effect == EXPLICIT else LIKELY
            fix = NO_FIX if case.is_direct else repeat(case.attempt)
            yield cause("session-revoked", confidence, why, fix=fix, side=side)


def _causes(case: Case, session: RoleSession, check: PolicyCheck) -> Iterator[Cause]:
    holder, codes = session.holder, _codes(session)
    if check.type == explain.PRINCIPAL:
        yield from together(deny_cause(codes.deny, each, case) for each in denying(holder.policies, check))
        if not is_allowed_by(check):
            found = _not_allowed(case, session, check)
            yield from map(_unless_by_resource, found) if session.may_be_enough_elsewhere else found
    elif check.type == explain.PERMISSIONS_BOUNDARY:
        yield from boundary_causes(codes.boundary, holder, check)
    elif check.type == explain.SESSION:
        yield _session_policy(session, check)


def _not_allowed(case: Case, session: RoleSession, check: PolicyCheck) -> Iterator[Cause]:
    """Yield what keeps the policies from allowing it; nothing where the resource could decide it."""
    holder, codes = session.holder, _codes(session)
    unmet = unmet_conditions(case, holder, check)
    for each in unmet:
        yield each.cause("permission-condition", without_unmet(holder, each.statement), codes.side)
    names_action = any(each.match.compared[0].holds for each in allowing(holder.policies, check))
    if not unmet and (session.knows_resource or not names_action):
        yield not_allowed_cause(codes.without_allow, holder, check)


def _unless_by_resource(found: Cause) -> Cause:
    """Return the cause as a likely one: in one account the resource's unread policy can be enough."""
    return replace(at_most_likely(found), why=f"{found.why} {_UNREAD_POLICY}")


def _session_policy(session: RoleSession, check: PolicyCheck) -> Cause:
    """Return the cause of the session policies that the request of AssumeRole passed."""
    read = [each for each in session.policies if each.document]
    passed = {name: type(value)() for name, value in session.attempt.parameters.items() if name in _PASSED}
    fix = repeat(session.attempt, **passed)
    denies = ((deny, *deny_confidence(deny)) for deny in denying(read, check))
    found = (
        cause("session-policy", confidence, f"{deny} denies it{doubt}.", fix=fix, nearest=compared(deny))
        for deny, confidence, doubt in denies
    )
    for each in together(found):
        return each
    unread = f"Not read: {', '.join(session.unread_policies)}." if session.unread_policies else ""
    confidence, doubt = allow_confidence(check, unread)
    names = ", ".join(each.name for each in session.policies)
    why = f"The session policy of the request ({names}) does not allow {session.attempt.action}.{doubt}"
    return cause("session-policy", confidence, why, fix=fix, nearest=nearest(read, check))
