"""Finds causes of a denial after AssumeRole: the role's policies and boundary, the session, the resource."""

from collections.abc import Iterator

from xacct_nb.changes.revocation import REVOKED
from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, LIKELY, Cause
from xacct_nb.diagnosis.causes.policy_causes import (
    allow_confidence,
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
from xacct_nb.diagnosis.fixes.fix import repeat
from xacct_nb.diagnosis.fixes.locations import allowing, denying
from xacct_nb.diagnosis.fixes.permission_fixes import without_unmet
from xacct_nb.diagnosis.nearest import compared, nearest
from xacct_nb.diagnosis.role_session import RoleSession
from xacct_nb.iam import explain
from xacct_nb.iam.arns import same_principal
from xacct_nb.iam.canonical import statements_of
from xacct_nb.iam.explain import PolicyCheck

_PASSED = ("Policy", "PolicyArns")


def session_causes(case: Case) -> Iterator[Cause]:
    """Yield why the destination side denies the session's request, as far as it was read."""
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
    for check in decision.checks:
        if check.effect not in (explain.ALLOW, explain.NO_IMPACT):
            yield from _causes(case, session, check)
    yield from unread_boundary_causes("role-boundary", session.holder)
    yield from resource_causes(case, session, decision)


def _revoked(case: Case) -> Iterator[Cause]:
    for policy in case.destination.policies:
        if policy.name == REVOKED and policy.document:
            statements = [each for each in statements_of(policy.document) if isinstance(each, dict)]
            limits = [each.get("Condition", {}).get("DateLessThan", {}) for each in statements]
            times = ", ".join(str(each.get("aws:TokenIssueTime", "a certain time")) for each in limits)
            why = f"The policy {REVOKED} denies everything to sessions from before {times}."
            confidence = CERTAIN if case.denial.effect == EXPLICIT else LIKELY
            yield cause("session-revoked", confidence, why, fix=repeat(case.attempt))


def _causes(case: Case, session: RoleSession, check: PolicyCheck) -> Iterator[Cause]:
    holder = session.holder
    if check.type == explain.PRINCIPAL:
        yield from together(deny_cause("role-deny", each, case) for each in denying(holder.policies, check))
        if not is_allowed_by(check):
            yield from _not_allowed(case, session, check)
    elif check.type == explain.PERMISSIONS_BOUNDARY:
        yield from boundary_causes("role-boundary", holder, check)
    elif check.type == explain.SESSION:
        yield _session_policy(session, check)


def _not_allowed(case: Case, session: RoleSession, check: PolicyCheck) -> Iterator[Cause]:
    """Yield what keeps the role's policies from allowing it; nothing where the resource could decide it."""
    holder = session.holder
    unmet = unmet_conditions(case, holder, check)
    for each in unmet:
        yield each.cause("permission-condition", without_unmet(holder, each.statement))
    names_action = any(each.match.compared[0].holds for each in allowing(holder.policies, check))
    if not unmet and (session.knows_resource or not names_action):
        yield not_allowed_cause("role-without-permission", holder, check)


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
