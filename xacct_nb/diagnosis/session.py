"""Finds causes of a denial after the role was assumed: its policies and boundary, session, resource."""

from collections.abc import Iterator

from xacct_nb.changes.revocation import REVOKED
from xacct_nb.diagnosis import fixes
from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, LIKELY, POSSIBLE, Cause
from xacct_nb.diagnosis.locations import failing, index_of, is_unseen, place_of, said, statement_of
from xacct_nb.diagnosis.snapshot import Policy, Snapshot
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.explain import (
    EXPLICIT_DENY,
    IMPLICIT_DENY,
    PERMISSIONS_BOUNDARY,
    PRINCIPAL,
    RESOURCE,
    SESSION,
    PolicyCheck,
    StatementMatch,
)


def after_causes(case: Case) -> Iterator[Cause]:
    """What the destination side, as far as it is readable, has against the session's call."""
    if not case.attempt.after:
        return
    if _is_somebody_else(case):
        yield _wrong_identity(case)
        return
    yield from _revoked(case)
    decision = case.inside()
    for check in decision.checks if decision else ():
        yield from _FINDERS.get((check.type, check.effect), _nothing)(case, check)
    if decision and decision.allowed:
        yield cause("other-account-resource", POSSIBLE)


def _nothing(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    yield from ()


def _is_somebody_else(case: Case) -> bool:
    if not (case.denial.caller and case.role):
        return False
    role = Arn.parse(case.role)
    return f":{role.account}:assumed-role/{role.name}/" not in case.denial.caller


def _wrong_identity(case: Case) -> Cause:
    why = f"The call was made by {case.denial.caller}, not by a session of {case.role}."
    return cause("wrong-identity", CERTAIN, why, commands=(fixes.assume(case.attempt),))


def _revoked(case: Case) -> Iterator[Cause]:
    for policy in case.policies("destination"):
        if policy.name == REVOKED:
            dates = [
                each.get("Condition", {}).get("DateLessThan", {}).get("aws:TokenIssueTime", "a moment")
                for each in fixes.statements(policy.document or {})
                if isinstance(each, dict)
            ]
            why = f"The policy {REVOKED} denies all to sessions from before {', '.join(map(str, dates))}."
            sure = CERTAIN if case.denial.effect == "explicit" else LIKELY
            yield cause("session-revoked", sure, why, commands=(fixes.assume(case.attempt),))


def _not_allowed(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    unmet = [
        (match, each)
        for match in check.statements
        if match.effect == "Allow" and {one.element for one in match.failed} == {"Condition"}
        for each in match.failed
    ]
    for match, each in unmet:
        sure = LIKELY if is_unseen(each) else CERTAIN
        yield cause(
            "permission-condition", sure, f"{place_of(_policy(case, match), match)}: {failing(each)}."
        )
    if not unmet:
        action, resource = case.attempt.action, case.attempt.resource or "*"
        document = fixes.allowing(resource, (action,))
        name = f"allow-{action.partition(':')[2].lower()}"
        count = len(case.policies("destination"))
        why = f"None of the {count} policies of {said(case.role)} allows {action} on {resource}."
        mend = f"Give {said(case.role)} a policy that allows {action} on {resource}."
        yield cause("role-without-permission", CERTAIN, why, mend, (fixes.give(case.role, name, document),))


def _denied(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    for match in check.matched:
        if match.effect == "Deny":
            policy = _policy(case, match)
            command, _ = fixes.write_without(policy, index_of(match))
            yield cause("role-deny", CERTAIN, f"{place_of(policy, match)} denies it.", commands=(command,))


def _bounded(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    boundary = _boundary(case.snapshot)
    if boundary is None or boundary.document is None:
        return
    action, resource = case.attempt.action, case.attempt.resource or "*"
    denying = [match for match in check.matched if match.effect == "Deny"]
    why = f"The boundary {boundary.name} of {said(case.role)} does not allow {action} on {resource}."
    if denying:
        document = fixes.without(boundary.document, index_of(denying[0]))
    else:
        document = fixes.added(boundary.document, fixes.allowing(resource, (action,))["Statement"][0])
    yield cause("role-boundary", CERTAIN, why, commands=(fixes.write(boundary, document),))


def _narrowed(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    why = f"The session policy of the call does not allow {case.attempt.action}."
    yield cause("session-policy", CERTAIN, why, commands=(fixes.assume(case.attempt, Policy=""),))


def _by_resource(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    side = case.snapshot.destination
    bucket, document = next(iter(side.resource_policies.items()) if side else iter(()), ("", None))
    denying = [match for match in check.matched if match.effect == "Deny"]
    if not denying or document is None:
        yield cause("resource-policy", LIKELY)
        return
    left, name = fixes.without(document, index_of(denying[0])), bucket.rpartition(":")[2]
    command = fixes.aws("s3api put-bucket-policy", bucket=name, policy=left)
    if not left["Statement"]:
        command = fixes.aws("s3api delete-bucket-policy", bucket=name)
    why = f"Statement[{index_of(denying[0])}] of the policy of the bucket {name} denies it."
    yield cause("resource-policy", CERTAIN, why, commands=(command,))


def _policy(case: Case, match: StatementMatch) -> Policy:
    return [each for each in case.policies("destination") if each.name != REVOKED][statement_of(match)]


def _boundary(snapshot: Snapshot) -> Policy | None:
    side = snapshot.destination
    return side.role.boundary if side and side.role else None


_FINDERS = {
    (PRINCIPAL, IMPLICIT_DENY): _not_allowed,
    (PRINCIPAL, EXPLICIT_DENY): _denied,
    (PERMISSIONS_BOUNDARY, IMPLICIT_DENY): _bounded,
    (PERMISSIONS_BOUNDARY, EXPLICIT_DENY): _bounded,
    (SESSION, IMPLICIT_DENY): _narrowed,
    (SESSION, EXPLICIT_DENY): _narrowed,
    (RESOURCE, IMPLICIT_DENY): _by_resource,
    (RESOURCE, EXPLICIT_DENY): _by_resource,
}
