"""Finds causes at the resource that a role's session was denied: its own policy, its owner, its key."""

from collections.abc import Iterator

from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import LIKELY, POSSIBLE, Cause
from xacct_nb.diagnosis.causes.policy_causes import allow_confidence, deny_cause, is_allowed_by
from xacct_nb.diagnosis.denied_resource import keys_behind, resource_kind
from xacct_nb.diagnosis.fixes.commands import option_text
from xacct_nb.diagnosis.fixes.fix import Fix, trust_statement
from xacct_nb.diagnosis.fixes.locations import denying
from xacct_nb.diagnosis.nearest import nearest
from xacct_nb.diagnosis.role_session import RoleSession
from xacct_nb.diagnosis.snapshot import BUCKET, KEY, SnapshotPolicy
from xacct_nb.iam import explain
from xacct_nb.iam.decision import Decision
from xacct_nb.iam.explain import PolicyCheck, short_name


def resource_causes(case: Case, session: RoleSession, decision: Decision) -> Iterator[Cause]:
    """Yield why the resource's own side denies the request, as far as it was read."""
    (check,) = (each for each in decision.checks if each.type == explain.RESOURCE)
    policy, is_decided = session.own_policy, check.effect not in (explain.ALLOW, explain.NO_IMPACT)
    if session.owner and session.owner != session.account:
        yield _other_account(session)
    elif policy and policy.document and is_decided:
        code = "key-policy" if policy.kind == KEY else "resource-policy"
        yield from (deny_cause(code, each, case) for each in denying([policy], check))
        if check.effect == explain.IMPLICIT_DENY or (policy.kind == KEY and _is_silent(check)):
            yield _silent_policy(session, policy, check)
    elif is_decided and policy is None and resource_kind(session.holder.resource) == KEY:
        why = f"The policy of {session.holder.resource} was not read; it must allow the role or its account."
        yield cause("key-policy", LIKELY, why)
    if decision.allowed:
        yield from _behind_the_bucket(session)
        yield from _not_readable(session)


def _is_silent(check: PolicyCheck) -> bool:
    """Return whether no statement surely allows it, and none surely denies it."""
    return not is_allowed_by(check) and check.effect != explain.EXPLICIT_DENY


def _other_account(session: RoleSession) -> Cause:
    why = (
        f"{session.holder.resource} is in account {session.owner}, the role in {session.account}: the "
        "resource's own policy must allow the role, too, and it was not read."
    )
    return cause("other-account-resource", LIKELY, why)


def _silent_policy(session: RoleSession, policy: SnapshotPolicy, check: PolicyCheck) -> Cause:
    """Return the cause of a policy that must allow the role, and does not."""
    confidence, doubt = allow_confidence(check)
    why = f"The policy of the {policy.kind} {policy.name} does not allow {short_name(session.role.arn)}"
    why = f"{why} {session.attempt.action}.{doubt}"
    statement = trust_statement(session.role.arn, session.holder.actions, None) | {"Resource": "*"}
    fix = Fix(f"Add to the policy of the {policy.kind}: {option_text(statement)}")
    code = "key-policy" if policy.kind == KEY else "resource-policy"
    return cause(code, confidence, why, fix=fix, nearest=nearest([policy], check))


def _behind_the_bucket(session: RoleSession) -> Iterator[Cause]:
    """Yield that the session may not use the key that encrypts the bucket's objects."""
    read = session.destination.resource_policies
    for key, action in keys_behind(session.attempt.action, session.holder.resource, read):
        found = session.decision(action, key)
        if found and not found.allowed:
            why = (
                f"The bucket encrypts with {key}, and the role is not allowed {action} on it: "
                f"{found.reasons[0]} An object that was encrypted otherwise is not concerned."
            )
            yield cause("key-policy", LIKELY, why)


def _not_readable(session: RoleSession) -> Iterator[Cause]:
    """Yield what can deny a request that all that was read allows."""
    if not session.owner:
        yield cause("other-account-resource", POSSIBLE)
    if resource_kind(session.holder.resource) == BUCKET and session.own_policy is None:
        why = "The bucket's policy was not read; a Deny in it applies to every caller."
        yield cause("resource-policy", POSSIBLE, why)
