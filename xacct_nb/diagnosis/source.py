"""Finds causes in the source account: from the reasons of the evaluation to statement, value and mend."""

from collections.abc import Iterator

from xacct_nb.diagnosis import fixes
from xacct_nb.diagnosis.case import EXTRA_ACTIONS, Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, LIKELY, SOURCE, Cause
from xacct_nb.diagnosis.locations import (
    MFA_KEYS,
    allowing,
    denying,
    locate,
    policy_of,
    short_arn,
    statement_number,
)
from xacct_nb.diagnosis.policy_causes import Fix, allow_fix, boundary_causes, deny_cause, not_allowed_cause
from xacct_nb.diagnosis.snapshot import SnapshotPolicy
from xacct_nb.diagnosis.unmet_conditions import (
    caller_condition_cause,
    is_old_language,
    mfa_request,
    old_language_cause,
    unmet_conditions,
)
from xacct_nb.iam import explain
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.explain import PolicyCheck, StatementMatch

_SIMULATED = {"implicitDeny": "no-identity-allow", "explicitDeny": "identity-deny"}


def source_causes(case: Case) -> Iterator[Cause]:
    """Yield why the source side denies the request, as far as it was read."""
    source = case.snapshot.source
    if (
        source is None
        or not case.has_both_arns
        or case.attempt.role_was_assumed
        or case.needs_no_source_policy
    ):
        return
    if source.organization_allows is False:
        why = "IAM's policy simulator says that the organization does not allow it."
        yield cause("service-control-policy", CERTAIN, why)
    decision = case.source_decision()
    if decision is None and source.simulated in _SIMULATED:
        why = f"IAM's policy simulator returns {source.simulated} for the source side alone."
        yield cause(_SIMULATED[source.simulated], LIKELY, why)
    for check in decision.checks if decision else ():
        yield from _causes(case, check)
    if decision and decision.allowed:
        yield from _extra_actions(case)


def _causes(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    match check.type, check.effect:
        case explain.PRINCIPAL, explain.IMPLICIT_DENY:
            yield from _not_allowed(case, check)
        case explain.PRINCIPAL, explain.EXPLICIT_DENY:
            yield from (_denied(case, match) for match in denying(check))
        case explain.PERMISSIONS_BOUNDARY, explain.IMPLICIT_DENY | explain.EXPLICIT_DENY:
            yield from boundary_causes("caller-boundary", case.caller_policies, check)


def _not_allowed(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    """Yield the statements, versions and other policies that come close; else that nothing allows it."""
    found = [
        *_similar_resources(case, check),
        *map(caller_condition_cause, unmet_conditions(case, case.caller_policies.policies, check)),
        *_newer_versions(case),
        *_unattached(case),
    ]
    code = "chained-role-without-allow" if case.is_chained else "no-identity-allow"
    yield from found or [not_allowed_cause(code, case.caller_policies, _policy_name(case))]


def _policy_name(case: Case) -> str:
    return f"assume-{Arn.parse(case.role).name}"


def _similar_resources(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    for match in allowing(check):
        if [each.element for each in match.failed] != ["Resource"]:
            continue
        policy, expected = policy_of(case.caller_policies.policies, match), match.failed[0].expected
        if is_old_language(policy, expected):
            yield old_language_cause(policy, match, expected)
        elif similar := [arn for arn in expected if is_similar(arn, case.role)]:
            yield _other_resource(case, policy, match, similar)


def is_similar(pattern: str, role: str) -> bool:
    """Return whether a resource differs from the role's ARN only before its name, or in letter case."""
    return (
        "*" not in pattern
        and pattern != role
        and pattern.rpartition("/")[2].lower() == role.rpartition("/")[2].lower()
    )


def _other_resource(case: Case, policy: SnapshotPolicy, match: StatementMatch, similar: list[str]) -> Cause:
    number = statement_number(match)
    document = fixes.with_changed_statement(policy, number, lambda each: each.update(Resource=case.role))
    why = f"{locate(policy, match)} names {', '.join(similar)}; the role is {case.role}."
    command = fixes.write_policy(policy, document)
    return cause("other-resource-arn", CERTAIN, why, f"Write {case.role} in its place.", command)


def _newer_versions(case: Case) -> Iterator[Cause]:
    for policy in case.caller_policies.policies:
        if policy.newer and case.would_be_allowed_by(policy.newer):
            version = policy.newer_version
            why = f"Version {version} of {policy.name} would allow it, but it is not the default version."
            options = {"policy-arn": policy.arn, "version-id": version}
            command = fixes.aws_command("iam set-default-policy-version", options)
            yield cause("old-policy-version", CERTAIN, why, f"Make {version} the default version.", command)


def _unattached(case: Case) -> Iterator[Cause]:
    for policy in case.source.loose:
        if policy.document and case.would_be_allowed_by(policy.document):
            name = short_arn(case.principal)
            holder = f"is attached to {short_arn(policy.holder)}" if policy.holder else "is not attached"
            why = f"The policy {policy.name} would allow it, but {holder}, not to {name}."
            yield cause("policy-not-attached", CERTAIN, why, *_attach_fix(case, policy))


def _attach_fix(case: Case, policy: SnapshotPolicy) -> Fix:
    name, caller = short_arn(case.principal), Arn.parse(case.principal)
    if ":group/" in policy.holder and caller.kind == "user":
        options = {"group-name": Arn.parse(policy.holder).name, "user-name": caller.name}
        mend = f"Add {name} to {short_arn(policy.holder)}."
        return mend, fixes.aws_command("iam add-user-to-group", options)
    if policy.arn:
        return f"Attach {policy.name} to {name}.", fixes.attach_policy(policy.arn, case.principal)
    command = fixes.put_inline_policy(case.principal, policy.name, policy.document or {})
    return f"Give {name} the same policy.", command


def _denied(case: Case, match: StatementMatch) -> Cause:
    policies = case.caller_policies.policies
    if not any(each.key.lower() in MFA_KEYS for each in match.compared):
        return deny_cause("identity-deny", policies, match)
    why = f"{locate(policy_of(policies, match), match)} denies it without MFA, and the request has none."
    return cause("deny-without-mfa", CERTAIN, why, "", mfa_request(case))


def _extra_actions(case: Case) -> Iterator[Cause]:
    """Yield the actions that session tags and a source identity need, and that no policy allows."""
    for action, code in EXTRA_ACTIONS.items():
        decision = case.source_decision(action) if action in case.attempt.actions else None
        if decision and not decision.allowed:
            why = f"No policy of {short_arn(case.principal)} allows {action} on {case.role}."
            yield cause(code, CERTAIN, why, *allow_fix(case.caller_policies, _policy_name(case)), side=SOURCE)
