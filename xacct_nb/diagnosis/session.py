"""Finds causes of a denial after AssumeRole: the role's policies and boundary, the session, the resource."""

from collections.abc import Iterator

from xacct_nb.changes.revocation import REVOKED
from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, LIKELY, POSSIBLE, Cause
from xacct_nb.diagnosis.denial import EXPLICIT
from xacct_nb.diagnosis.fixes import repeat
from xacct_nb.diagnosis.locations import denying
from xacct_nb.diagnosis.policy_causes import boundary_causes, deny_cause, not_allowed_cause
from xacct_nb.diagnosis.snapshot import BUCKET, SnapshotPolicy
from xacct_nb.diagnosis.unmet_conditions import unmet_conditions
from xacct_nb.iam import explain
from xacct_nb.iam.arns import same_principal
from xacct_nb.iam.canonical import statements_of
from xacct_nb.iam.explain import PolicyCheck


def session_causes(case: Case) -> Iterator[Cause]:
    """Yield why the destination side denies the session's request, as far as it was read."""
    if not case.attempt.role_was_assumed:
        return
    if case.denial.caller and case.role and not same_principal(case.denial.caller, case.role):
        why = f"The request was made by {case.denial.caller}, not by a session of {case.role}."
        yield cause("wrong-identity", CERTAIN, why, fix=repeat(case.attempt))
        return
    yield from _revoked(case)
    decision = case.session_decision()
    for check in decision.checks if decision else ():
        yield from _causes(case, check)
    if decision and decision.allowed:
        yield cause("other-account-resource", POSSIBLE)


def _revoked(case: Case) -> Iterator[Cause]:
    for policy in case.destination.policies:
        if policy.name == REVOKED and policy.document:
            statements = [each for each in statements_of(policy.document) if isinstance(each, dict)]
            limits = [each.get("Condition", {}).get("DateLessThan", {}) for each in statements]
            times = ", ".join(str(each.get("aws:TokenIssueTime", "a certain time")) for each in limits)
            why = f"The policy {REVOKED} denies everything to sessions from before {times}."
            confidence = CERTAIN if case.denial.effect == EXPLICIT else LIKELY
            yield cause("session-revoked", confidence, why, fix=repeat(case.attempt))


def _causes(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    match check.type, check.effect:
        case explain.PRINCIPAL, explain.IMPLICIT_DENY:
            yield from _not_allowed(case, check)
        case explain.PRINCIPAL, explain.EXPLICIT_DENY:
            yield from (
                deny_cause("role-deny", each, case) for each in denying(case.role_policies.policies, check)
            )
        case explain.PERMISSIONS_BOUNDARY, explain.IMPLICIT_DENY | explain.EXPLICIT_DENY:
            yield from boundary_causes("role-boundary", case.role_policies, check)
        case explain.SESSION, explain.IMPLICIT_DENY | explain.EXPLICIT_DENY:
            why = f"The session policy of the request does not allow {case.attempt.action}."
            yield cause("session-policy", CERTAIN, why, fix=repeat(case.attempt, Policy=""))
        case explain.RESOURCE, explain.IMPLICIT_DENY | explain.EXPLICIT_DENY:
            yield _resource_policy(case, check)


def _not_allowed(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    unmet = unmet_conditions(case, case.role_policies, check)
    yield from (each.cause("permission-condition") for each in unmet)
    if not unmet:
        yield not_allowed_cause("role-without-permission", case.role_policies, check)


def _resource_policy(case: Case, check: PolicyCheck) -> Cause:
    for arn, document in case.destination.resource_policies.items():
        policy = SnapshotPolicy(name=arn.rpartition(":")[2], kind=BUCKET, arn=arn, document=document)
        for statement in denying([policy], check) if document else ():
            return deny_cause("resource-policy", statement, case)
    return cause("resource-policy", LIKELY)
