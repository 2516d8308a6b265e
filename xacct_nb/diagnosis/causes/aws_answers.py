"""Causes that AWS itself names: its record of the denial, its simulator without a kind of policy."""

import json
from collections.abc import Iterator

from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, LIKELY, POSSIBLE, Cause
from xacct_nb.diagnosis.snapshot import MatchedPolicy
from xacct_nb.diagnosis.unknowns import Unknown

# Names of look-ups in Snapshot.skipped.
RECORD, SIMULATOR = "AWS's record of this denial", "which kind of policy denies, by IAM's policy simulator"
_ACCOUNT_ACCESS = "account-access.amazonaws.com"
# By AWS's type of a policy: the cause in AssumeRole, and in another request of a role's session, of a caller.
_BY_TYPE = {
    "IDENTITY_BASED_POLICY": ("identity-deny", "role-deny", "caller-deny"),
    "PERMISSIONS_BOUNDARY": ("caller-boundary", "role-boundary", "boundary-of-caller"),
    "SESSION_POLICY": ("caller-session-policy", "session-policy", "session-policy"),
    "RESOURCE_BASED_POLICY": ("trust-deny", "resource-policy", "resource-policy"),
    "SERVICE_CONTROL_POLICY": ("service-control-policy",) * 3,
    "RESOURCE_CONTROL_POLICY": ("resource-control-policy",) * 3,
    "VPC_ENDPOINT_POLICY": ("vpc-endpoint-policy",) * 3,
}
# By the kind of policy without which the simulator allows the request.
_BY_KIND = {
    "scp": ("service-control-policy", "service control policies"),
    "permission-boundary": ("caller-boundary", "the permissions boundary"),
    "inline": ("identity-deny", "inline policies"),
    "user-managed": ("identity-deny", "the account's managed policies"),
    "aws-managed": ("identity-deny", "AWS's managed policies"),
}


def aws_answer_causes(case: Case) -> Iterator[Cause]:
    """Yield what AWS's record of the denial names, and what its simulator shows by leaving it out."""
    record, source = case.snapshot.authorization, case.source
    for each in record.matched if record else ():
        if codes := _BY_TYPE.get(each.type):
            yield cause(codes[case.attempt.role_was_assumed + case.is_direct], CERTAIN, _recorded(each))
    if source.denied_by in _BY_KIND and not case.attempt.role_was_assumed:
        code, kind = _BY_KIND[source.denied_by]
        unsure = f" It did not know {', '.join(source.missing_keys)}." if source.missing_keys else ""
        why = f"IAM's policy simulator returns {source.simulated}, and another result without {kind}.{unsure}"
        yield cause(code, LIKELY if source.missing_keys else CERTAIN, why)


def managed_role_causes(case: Case) -> Iterator[Cause]:
    """Yield who else decides about a role that does not trust the caller: a template, or account access."""
    role, decision = case.destination.role, case.trust_decision()
    if role is None or decision is None or decision.allowed:
        return
    if role.template:
        why = f"Role manager made the role from {role.template}: its owner decides who may assume it."
        yield cause("role-of-role-manager", POSSIBLE, why)
    if _ACCOUNT_ACCESS in json.dumps(role.trust):
        yield cause("account-access-role", POSSIBLE)


def skipped_lookups(case: Case) -> Iterator[Unknown]:
    """Yield what AWS could have been asked and was not, why, and who can ask."""
    skipped, identifier = case.snapshot.skipped, case.denial.authorization_id
    if identifier and case.snapshot.authorization is None:
        why = skipped.get(RECORD, "No session was given to look it up with.")
        command = f"aws iam-toolbox get-request-authorization-details --authorization-id {identifier}"
        yield Unknown(
            f"{RECORD} ({identifier})", why, "the organization of the caller that was denied", command
        )
    if why := skipped.get(SIMULATOR, ""):
        yield Unknown(SIMULATOR, why, "an administrator of the caller's account")


def _recorded(matched: MatchedPolicy) -> str:
    statements = f"the statement {', '.join(matched.sids)} of " if matched.sids else ""
    attached = f", attached to {', '.join(matched.attached_to)}" if matched.attached_to else ""
    return f"AWS's record of this denial: {statements}{matched.uri}{attached} denies {matched.action}."
