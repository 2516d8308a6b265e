"""Finds causes in the source account: from the reasons of the evaluation to statement, value and fix."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, LIKELY, SOURCE, Cause
from xacct_nb.diagnosis.causes.policy_causes import (
    allow_confidence,
    allow_fix,
    at_most_likely,
    boundary_causes,
    deny_cause,
    deny_confidence,
    exemption,
    extra_action_causes,
    is_allowed_by,
    not_allowed_cause,
    together,
    unread_boundary_causes,
)
from xacct_nb.diagnosis.causes.unmet_conditions import (
    caller_condition_cause,
    mfa_request,
    old_language_cause,
    unmet_conditions,
)
from xacct_nb.diagnosis.fixes.edits import ATTACH, SET_DEFAULT, Edit, append
from xacct_nb.diagnosis.fixes.fix import Fix, repeat
from xacct_nb.diagnosis.fixes.locations import LocatedStatement, allowing, denying
from xacct_nb.diagnosis.fixes.losses import losses
from xacct_nb.diagnosis.near_names import difference, misspelled
from xacct_nb.diagnosis.nearest import compared
from xacct_nb.diagnosis.snapshot import INLINE, SnapshotPolicy
from xacct_nb.iam import explain
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.explain import PolicyCheck, short_name
from xacct_nb.iam.grammar import Document

_MFA_KEYS = ("aws:multifactorauthpresent", "aws:multifactorauthage")
_SIMULATED = {"implicitDeny": "no-identity-allow", "explicitDeny": "identity-deny"}


def source_causes(case: Case) -> Iterator[Cause]:
    """Yield why the source side denies the request, as far as it was read."""
    source, holder = case.source, case.caller_policies
    # Once the role was assumed, its session is who is denied.
    if source.missing and not case.attempt.is_federated and not (case.attempt.role_was_assumed and case.role):
        yield _no_caller(case)
        return
    if not (case.has_both_arns and case.names_role) or case.attempt.role_was_assumed:
        return
    if case.attempt.is_federated:
        return
    if source.organization_allows is False:
        why = "IAM's policy simulator reports that the organization does not allow it."
        yield cause("service-control-policy", CERTAIN, why)
    if case.source_decision() is None and source.simulated in _SIMULATED:
        why = f"IAM's policy simulator returns {source.simulated} for the source side."
        yield cause(_SIMULATED[source.simulated], LIKELY, why)
    decision = case.source_as_read()
    for check in decision.checks if decision else ():
        if check.effect not in (explain.ALLOW, explain.NO_IMPACT):
            yield from _causes(case, check)
    yield from unread_boundary_causes("caller-boundary", holder)
    if case.source_must_allow:
        yield from extra_action_causes(case, case.source_decision, SOURCE, allow_fix(holder))


def _no_caller(case: Case) -> Cause:
    """Return the cause of a caller that does not exist; one that AWS's text names existed at the denial."""
    missing, similar = case.source.missing, case.source.others
    why = f"No {Arn.parse(missing).kind} has the ARN {missing}"
    if similar:
        why = f"{why}, but there is {', '.join(similar)} (another {difference(missing, similar[0])})"
    if not case.caller_is_missing:
        return cause("no-such-caller", LIKELY, f"{why}. The request was made by {case.principal}.")
    if not case.denial.caller:
        return cause("no-such-caller", CERTAIN, f"{why}.")
    why = f"{why}. AWS's text names it, so it existed then: it was deleted since, or the text was mistyped."
    return cause("no-such-caller", LIKELY, why)


def _causes(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    holder = case.caller_policies
    if check.type == explain.PERMISSIONS_BOUNDARY:
        yield from boundary_causes("caller-boundary", holder, check)
    elif check.type == explain.PRINCIPAL:
        yield from together(_denied(case, each) for each in denying(holder.policies, check))
        if case.source_must_allow is not False and not is_allowed_by(check):
            found = _not_allowed(case, check)
            yield from map(_unless_trusted, found) if case.source_must_allow is None else found


def _unless_trusted(found: Cause) -> Cause:
    """Return the cause as a likely one: in one account the unread trust policy can be enough."""
    why = f"{found.why} In one account a trust policy that names the caller is enough; it was not read."
    return replace(at_most_likely(found), why=why)


def _not_allowed(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    """Yield the statements, versions and other policies that come close; else that nothing allows it."""
    found = [
        *_similar_resources(case, check),
        *map(caller_condition_cause, unmet_conditions(case, case.caller_policies, check)),
        *_newer_versions(case),
        *_unattached(case),
    ]
    code = "chained-role-without-allow" if case.is_chained else "no-identity-allow"
    if not found and not (case.role_is_missing and case.is_other_role_allowed):
        yield not_allowed_cause(code, case.caller_policies, check)
    is_sure = allow_confidence(check, case.caller_policies.incomplete)[0] == CERTAIN
    yield from found if is_sure else (at_most_likely(each) for each in found)


def _similar_resources(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    for statement in allowing(case.caller_policies.policies, check):
        failed = statement.unmet
        if [each.element for each in failed] != ["Resource"]:
            continue
        if found := old_language_cause(case, statement, failed[0].expected):
            yield found
        elif (similar := _misspelled(case, failed[0].expected)) and not case.role_is_missing:
            yield _other_resource(case, statement, similar[0])
            if case.snapshot.destination is None:
                yield _other_request(case, statement, similar[0])


def _misspelled(case: Case, written: Iterable[str]) -> tuple[str, ...]:
    """Return the ARNs that resemble the role's, without those of roles that exist beside it."""
    return tuple(arn for arn in misspelled(case.role, written) if arn not in case.similar_roles)


def _other_resource(case: Case, statement: LocatedStatement, named: str) -> Cause:
    """Return the cause of a statement that names a similar ARN; which of the two exists decides."""
    why = f"{statement} names {named}, the request {case.role}: another {difference(case.role, named)}."
    is_same_name = Arn.parse(named).name.lower() == Arn.parse(case.role).name.lower()
    is_sure = case.destination.role and is_same_name and not case.caller_policies.incomplete
    confidence = CERTAIN if is_sure else LIKELY
    why += " The role of the request exists." if case.destination.role else " Which role exists was not read."
    fix = _add_resource(case, statement)
    return cause("other-resource-arn", confidence, why, fix=fix, nearest=compared(statement))


def _other_request(case: Case, statement: LocatedStatement, named: str) -> Cause:
    """Return the cause of a request that names a role which may not exist, where the policy is right."""
    why = (
        f"{statement} names {named}; if that is the role, {case.role} does not exist. Neither was looked up."
    )
    fix = repeat(case.attempt, f"If {named} is the role, assume it.", RoleArn=named)
    return cause("no-such-role", LIKELY, why, fix=fix, nearest=compared(statement))


def _add_resource(case: Case, statement: LocatedStatement) -> Fix:
    """Return the fix that adds the role to a statement's resources; in a policy of others, a policy more."""
    if statement.policy.kind != INLINE or statement.policy.holder != case.principal:
        return allow_fix(case.caller_policies)
    edit = statement.changed(lambda each: append(each, "Resource", case.role))
    return Fix(f"Add {case.role} to the resources of {statement}.", (edit,))


def _newer_versions(case: Case) -> Iterator[Cause]:
    for policy in case.caller_policies.policies:
        if policy.newer and case.would_be_allowed_by(policy.newer):
            version = policy.newer_version
            why = f"Version {version} of {policy.name} would allow it, but it is not the default version."
            yield cause("old-policy-version", CERTAIN, why, fix=_version_fix(case, policy, policy.newer))


def _version_fix(case: Case, policy: SnapshotPolicy, newer: Document) -> Fix:
    """Return the fix that makes the newer version the default one, unless that takes something away."""
    if not losses(policy.document, newer):
        edit = Edit(policy, newer, SET_DEFAULT)
        return Fix(f"Make {policy.newer_version} the default version.", (edit,))
    own = allow_fix(case.caller_policies)
    why = f"{policy.newer_version} lacks a part of what the default version allows, or denies more."
    return replace(own, mend=f"{own.mend} {why}")


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
    if case.is_chained or not any(each.key.lower() in _MFA_KEYS for each in statement.match.compared):
        return deny_cause("identity-deny", statement, case)
    confidence, _ = deny_confidence(statement)
    why = f"{statement} denies it without MFA, and the request passes none."
    fix = exemption(statement, case.holder) if case.is_chained else mfa_request(case)
    return cause("deny-without-mfa", confidence, why, fix=fix, nearest=compared(statement))
