"""Finds causes in the policies of either side: a Deny, a boundary, an action that no policy allows."""

from collections.abc import Callable, Iterator

from xacct_nb.diagnosis.case import EXTRA_ACTIONS, Case, PolicyHolder
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, Cause
from xacct_nb.diagnosis.commands import option_text
from xacct_nb.diagnosis.edits import new_policy, with_statement
from xacct_nb.diagnosis.exemptions import exempt, is_aws_managed
from xacct_nb.diagnosis.fixes import Fix, smallest_policy
from xacct_nb.diagnosis.locations import LocatedStatement, denying
from xacct_nb.diagnosis.snapshot import SnapshotPolicy
from xacct_nb.iam.decision import Decision
from xacct_nb.iam.explain import PolicyCheck, short_name


def deny_cause(code: str, statement: LocatedStatement, holder: PolicyHolder) -> Cause:
    """Return the cause of that code for a Deny statement that applies to the holder's request."""
    return cause(code, CERTAIN, f"{statement} denies it.", fix=exemption(statement, holder))


def exemption(statement: LocatedStatement, holder: PolicyHolder) -> Fix:
    """Return the fix that exempts the holder from a Deny statement; AWS's own policies have none."""
    name = short_name(holder.arn)
    if is_aws_managed(statement.policy):
        return _owned_by_aws(statement.policy)
    mend = (
        f"A Deny is usually intended: agree with its author first, then exempt {name} from {statement}. "
        "It goes on to apply to everybody else."
    )
    return Fix(mend, (exempt(statement.policy, statement.number, holder.arn, holder.resource),))


def _owned_by_aws(policy: SnapshotPolicy) -> Fix:
    return Fix(f"AWS owns the policy {policy.name}, and nobody can edit it: ask who attached it.")


def boundary_causes(code: str, holder: PolicyHolder, check: PolicyCheck) -> Iterator[Cause]:
    """Yield the cause of that code if the permissions boundary was read; its fix changes the boundary."""
    boundary, request = holder.boundary, f"{holder.actions[0]} on {holder.resource}"
    if boundary is None or boundary.document is None:
        return
    why = f"The boundary {boundary.name} of {short_name(holder.arn)} does not allow {request}."
    for deny in denying([boundary], check)[:1]:
        why = f"{deny}, the permissions boundary, denies it."
        yield cause(code, CERTAIN, why, fix=exemption(deny, holder))
        return
    (statement,) = smallest_policy(holder.resource, holder.actions)["Statement"]
    is_fixed = is_aws_managed(boundary)
    fix = _owned_by_aws(boundary) if is_fixed else Fix("", (with_statement(boundary, statement),))
    yield cause(code, CERTAIN, why, fix=fix)


def not_allowed_cause(code: str, holder: PolicyHolder) -> Cause:
    """Return the cause of that code: none of the holder's policies allows the action."""
    request = f"{holder.actions[0]} on {holder.resource}"
    why = f"None of the {len(holder.policies)} policies of {short_name(holder.arn)} allows {request}."
    return cause(code, CERTAIN, why, fix=allow_fix(holder))


def allow_fix(holder: PolicyHolder) -> Fix:
    """Return the fix that gives the holder one more policy, which allows its actions and nothing else."""
    document = smallest_policy(holder.resource, holder.actions)
    if "/aws-reserved/" in holder.arn:
        return Fix(f"Add to the permission set in Identity Center: {option_text(document)}")
    actions = ", ".join(holder.actions)
    mend = f"Give {short_name(holder.arn)} a policy that allows {actions} on {holder.resource}."
    return Fix(mend, (new_policy(holder.arn, holder.new_policy, document, holder.policy_names),))


def extra_action_causes(
    case: Case, decide: Callable[[str], Decision | None], side: str, fix: Fix
) -> Iterator[Cause]:
    """Yield the actions that session tags and a source identity need, and that a side does not allow."""
    for action, code in EXTRA_ACTIONS.items():
        decision = decide(action) if action in case.attempt.actions else None
        if decision and not decision.allowed:
            why = f"The {side} side does not allow {short_name(case.principal)} {action} on {case.role}."
            yield cause(code, CERTAIN, why, fix=fix, side=side)
