"""Finds causes in the source account: from the reasons of the evaluation to statement, value and fix."""

from collections.abc import Iterator
from dataclasses import replace

from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, LIKELY, SOURCE, Cause
from xacct_nb.diagnosis.edits import ATTACH, SET_DEFAULT, Edit, append
from xacct_nb.diagnosis.fixes import Fix
from xacct_nb.diagnosis.locations import LocatedStatement, allowing, denying
from xacct_nb.diagnosis.policy_causes import (
    allow_fix,
    boundary_causes,
    deny_cause,
    extra_action_causes,
    not_allowed_cause,
)
from xacct_nb.diagnosis.snapshot import INLINE, SnapshotPolicy
from xacct_nb.diagnosis.unmet_conditions import (
    caller_condition_cause,
    mfa_request,
    old_language_cause,
    unmet_conditions,
)
from xacct_nb.iam import explain
from xacct_nb.iam.explain import PolicyCheck, short_name

_MFA_KEYS = ("aws:multifactorauthpresent", "aws:multifactorauthage")
_SIMULATED = {"implicitDeny": "no-identity-allow", "explicitDeny": "identity-deny"}


def source_causes(case: Case) -> Iterator[Cause]:
    """Yield why the source side denies the request, as far as it was read."""
    source = case.source
    if not case.has_both_arns or case.attempt.role_was_assumed or case.needs_no_source_policy:
        return
    if source.organization_allows is False:
        why = "IAM's policy simulator reports that the organization does not allow it."
        yield cause("service-control-policy", CERTAIN, why)
    decision = case.source_decision()
    if decision is None and source.simulated in _SIMULATED:
        why = f"IAM's policy simulator returns {source.simulated} for the source side."
        yield cause(_SIMULATED[source.simulated], LIKELY, why)
    for check in decision.checks if decision else ():
        yield from _causes(case, check)
    if decision and decision.allowed:
        fix = allow_fix(case.caller_policies)
        yield from extra_action_causes(case, case.source_decision, SOURCE, fix)


def _causes(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    match check.type, check.effect:
        case explain.PRINCIPAL, explain.IMPLICIT_DENY:
            yield from _not_allowed(case, check)
        case explain.PRINCIPAL, explain.EXPLICIT_DENY:
            yield from (_denied(case, each) for each in denying(case.caller_policies.policies, check))
        case explain.PERMISSIONS_BOUNDARY, explain.IMPLICIT_DENY | explain.EXPLICIT_DENY:
            yield from boundary_causes("caller-boundary", case.caller_policies, check)


def _not_allowed(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    """Yield the statements, versions and other policies that come close; else that nothing allows it."""
    found = [
        *_similar_resources(case, check),
        *map(caller_condition_cause, unmet_conditions(case, case.caller_policies, check)),
        *_newer_versions(case),
        *_unattached(case),
    ]
    code = "chained-role-without-allow" if case.is_chained else "no-identity-allow"
    yield from found or [not_allowed_cause(code, case.caller_policies)]


def _similar_resources(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    for statement in allowing(case.caller_policies.policies, check):
        failed = statement.match.failed
        if [each.element for each in failed] != ["Resource"]:
            continue
        if found := old_language_cause(statement, failed[0].expected):
            yield found
        elif similar := [arn for arn in failed[0].expected if is_similar(arn, case.role)]:
            why = f"{statement} names {', '.join(similar)}; the role is {case.role}."
            yield cause("other-resource-arn", CERTAIN, why, fix=_add_resource(case, statement))


def _add_resource(case: Case, statement: LocatedStatement) -> Fix:
    """Return the fix that adds the role to a statement's resources; in a policy of others, a policy more."""
    if statement.policy.kind != INLINE or statement.policy.holder != case.principal:
        return allow_fix(case.caller_policies)
    edit = statement.changed(lambda each: append(each, "Resource", case.role))
    return Fix(f"Add {case.role} to the resources of {statement}.", (edit,))


def is_similar(pattern: str, role: str) -> bool:
    """Return whether a resource differs from the role's ARN only before its name, or in letter case."""
    is_same_name = pattern.rpartition("/")[2].lower() == role.rpartition("/")[2].lower()
    return is_same_name and "*" not in pattern and pattern != role


def _newer_versions(case: Case) -> Iterator[Cause]:
    for policy in case.caller_policies.policies:
        if policy.newer and case.would_be_allowed_by(policy.newer):
            version = policy.newer_version
            why = f"Version {version} of {policy.name} would allow it, but it is not the default version."
            edit = Edit(policy, policy.newer, SET_DEFAULT)
            fix = Fix(f"Make {version} the default version.", (edit,))
            yield cause("old-policy-version", CERTAIN, why, fix=fix)


def _unattached(case: Case) -> Iterator[Cause]:
    for policy in case.source.loose:
        if policy.document and case.would_be_allowed_by(policy.document):
            name = short_name(case.principal)
            holder = f"is attached to {short_name(policy.holder)}" if policy.holder else "is not attached"
            why = f"The policy {policy.name} would allow it, but {holder}, not to {name}."
            yield cause("policy-not-attached", CERTAIN, why, fix=_attach_fix(case, policy))


def _attach_fix(case: Case, policy: SnapshotPolicy) -> Fix:
    """Return the fix that gives the caller the policy: a managed one itself, else what the request needs."""
    name, own = short_name(case.principal), allow_fix(case.caller_policies)
    if policy.arn and own.edits:
        edit = Edit(policy.model_copy(update={"holder": case.principal}), policy.document or {}, ATTACH)
        return Fix(f"Attach {policy.name} to {name}.", (edit,))
    if ":group/" in policy.holder:
        group = short_name(policy.holder)
        return replace(own, mend=f"{own.mend} As a member of {group}, {name} would get all that {group} has.")
    return own


def _denied(case: Case, statement: LocatedStatement) -> Cause:
    if not any(each.key.lower() in _MFA_KEYS for each in statement.match.compared):
        return deny_cause("identity-deny", statement, case.caller_policies)
    why = f"{statement} denies it without MFA, and the request has none."
    return cause("deny-without-mfa", CERTAIN, why, fix=mfa_request(case))
