"""Finds causes at the resource that a session or a caller was denied: its own policy, its owner, its key."""

from collections.abc import Iterator

from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import LIKELY, POSSIBLE, Cause
from xacct_nb.diagnosis.causes.policy_causes import allow_confidence, deny_cause, is_allowed_by, together
from xacct_nb.diagnosis.denied_resource import keys_behind, resource_kind
from xacct_nb.diagnosis.fixes.edits import Edit, with_statement
from xacct_nb.diagnosis.fixes.fix import Fix, trust_statement
from xacct_nb.diagnosis.fixes.locations import denying
from xacct_nb.diagnosis.nearest import nearest
from xacct_nb.diagnosis.role_session import RoleSession
from xacct_nb.diagnosis.snapshot import BUCKET, KEY, SECRET, SnapshotPolicy
from xacct_nb.grants.documents import VERSION
from xacct_nb.iam import explain
from xacct_nb.iam.canonical import as_list, statements_of
from xacct_nb.iam.decision import Decision
from xacct_nb.iam.explain import PolicyCheck, short_name
from xacct_nb.iam.grammar import Document


def resource_causes(case: Case, session: RoleSession, decision: Decision) -> Iterator[Cause]:
    """Yield why the resource's own side denies the request, as far as it was read."""
    (check,) = (each for each in decision.checks if each.type == explain.RESOURCE)
    policy, is_decided = session.own_policy, check.effect not in (explain.ALLOW, explain.NO_IMPACT)
    is_elsewhere = bool(session.owner) and session.owner != session.account
    if is_elsewhere and policy is None:
        yield _other_account(session)
    elif policy and (is_elsewhere or (policy.document and is_decided)):
        yield from together(_by_own_policy(case, session, policy, check, is_elsewhere))
    elif is_decided and policy is None and resource_kind(session.holder.resource) == KEY:
        must = f"it must allow {session.subject} or its account."
        why = f"The policy of {session.holder.resource} was not read; {must}"
        yield cause("key-policy", LIKELY, why)
    if decision.allowed:
        yield from _behind_the_bucket(session)
        yield from _not_readable(session)
        yield from _blocked(session)


def _by_own_policy(
    case: Case, session: RoleSession, policy: SnapshotPolicy, check: PolicyCheck, is_elsewhere: bool
) -> Iterator[Cause]:
    """Yield what the resource's own policy denies, and that it does not allow what it must allow."""
    code = _code(policy.arn)
    yield from (deny_cause(code, each, case) for each in denying([policy], check))
    must_allow = is_elsewhere or policy.kind == KEY
    if check.effect == explain.IMPLICIT_DENY or (must_allow and not is_allowed_by(check)):
        yield _silent_policy(session, policy, check)


def _other_account(session: RoleSession) -> Cause:
    who = session.subject
    why = (
        f"{session.holder.resource} is in account {session.owner}, {who} in {session.account}: the "
        f"resource's own policy must allow {who}, too, and it was not read."
    )
    code = _code(session.holder.resource) if session.is_direct else "other-account-resource"
    return cause(code, LIKELY, why)


def _code(resource: str) -> str:
    """Return the code of what the resource's own policy denies."""
    return "key-policy" if resource_kind(resource) == KEY else "resource-policy"


def _silent_policy(session: RoleSession, policy: SnapshotPolicy, check: PolicyCheck) -> Cause:
    """Return the cause of a policy that must allow the role, and does not."""
    confidence, doubt = allow_confidence(check)
    why = f"The policy of the {policy.kind} {policy.name} does not allow {short_name(session.role.arn)}"
    why = f"{why} {session.attempt.action}.{doubt}"
    fix = _own_statement(session, policy)
    return cause(_code(policy.arn), confidence, why, fix=fix, nearest=nearest([policy], check))


def _own_statement(session: RoleSession, policy: SnapshotPolicy) -> Fix:
    """Return the fix that appends a statement for the role to a resource's own policy."""
    resource = "*" if policy.kind in (KEY, SECRET) else session.holder.resource
    statement = trust_statement(session.role.arn, session.holder.actions, None) | {"Resource": resource}
    mend = f"Add a statement for {short_name(session.role.arn)} to the policy of the {policy.kind}."
    if policy.document is None:
        return Fix(mend, (Edit(policy, {"Version": VERSION, "Statement": [statement]}),))
    return Fix(mend, (with_statement(policy, statement),))


def _behind_the_bucket(session: RoleSession) -> Iterator[Cause]:
    """Yield that the session may not use the key that encrypts the bucket's objects."""
    read = session.destination.resource_policies
    for key, action in keys_behind(session.attempt.action, session.holder.resource, read):
        found = session.decision(action, key)
        if found and not found.allowed:
            why = (
                f"The bucket encrypts with {key}, and {session.subject} is not allowed {action} on it: "
                f"{found.reasons[0]} An object that was encrypted otherwise is not concerned."
            )
            yield cause("key-policy", LIKELY, why)


def _blocked(session: RoleSession) -> Iterator[Cause]:
    """Yield that the bucket blocks public access, where only a public statement lets the caller in."""
    policy, side = session.own_policy, session.destination
    if not (side.blocks_public and policy and session.owner not in ("", session.account)):
        return
    public = [number for number, each in enumerate(statements_of(policy.document)) if _is_public(each)]
    for number in public[:1]:
        why = (
            f"Statement[{number}] of the policy of the bucket {policy.name} lets everybody in, so the policy "
            "is public, and the bucket blocks public access: only its own account gets in."
        )
        yield cause("public-access-blocked", LIKELY, why)


def _is_public(statement: Document) -> bool:
    """Return whether a statement lets everybody in. Source: S3 user guide, The meaning of "public"."""
    principal = statement.get("Principal")
    everybody = principal == "*" or (isinstance(principal, dict) and "*" in as_list(principal.get("AWS", [])))
    return bool(everybody and statement.get("Effect") == "Allow" and not statement.get("Condition"))


def _not_readable(session: RoleSession) -> Iterator[Cause]:
    """Yield what can deny a request that all that was read allows."""
    if not session.owner and not session.is_direct:
        yield cause("other-account-resource", POSSIBLE)
    if resource_kind(session.holder.resource) == BUCKET and session.own_policy is None:
        why = "The bucket's policy was not read; a Deny in it applies to every caller."
        yield cause("resource-policy", POSSIBLE, why)
