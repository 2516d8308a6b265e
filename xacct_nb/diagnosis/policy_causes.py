"""Finds causes in the policies of either side: a Deny, a boundary, an action that no policy allows."""

from collections.abc import Callable, Iterator

from xacct_nb.diagnosis import fixes
from xacct_nb.diagnosis.case import EXTRA_ACTIONS, Case, PolicyHolder
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, Cause
from xacct_nb.diagnosis.locations import LocatedStatement, denying
from xacct_nb.iam.decision import Decision
from xacct_nb.iam.explain import PolicyCheck, short_name

Fix = tuple[str, ...]
"""What to change ("" for the catalogue's text), and the commands that do it."""


def deny_cause(code: str, statement: LocatedStatement) -> Cause:
    """Return the cause of that code for a Deny statement that applies to the request."""
    command = fixes.remove_statement(statement.policy, statement.number)
    return cause(code, CERTAIN, f"{statement} denies it.", "", command)


def boundary_causes(code: str, holder: PolicyHolder, check: PolicyCheck) -> Iterator[Cause]:
    """Yield the cause of that code if the permissions boundary was read; its fix changes the boundary."""
    boundary, request = holder.boundary, f"{holder.actions[0]} on {holder.resource}"
    if boundary is None or boundary.document is None:
        return
    why = f"The boundary {boundary.name} of {short_name(holder.arn)} does not allow {request}."
    (statement,) = fixes.smallest_policy(holder.resource, holder.actions)["Statement"]
    document = fixes.with_statement(boundary, statement)
    for deny in denying([boundary], check)[:1]:
        why = f"{deny}, the permissions boundary, denies it."
        document = fixes.without_statement(boundary, deny.number)
    yield cause(code, CERTAIN, why, "", fixes.write_policy(boundary, document))


def not_allowed_cause(code: str, holder: PolicyHolder) -> Cause:
    """Return the cause of that code: none of the holder's policies allows the action."""
    request = f"{holder.actions[0]} on {holder.resource}"
    why = f"None of the {len(holder.policies)} policies of {short_name(holder.arn)} allows {request}."
    return cause(code, CERTAIN, why, *allow_fix(holder))


def allow_fix(holder: PolicyHolder) -> Fix:
    """Return the fix that gives the holder a policy which allows its actions."""
    document = fixes.smallest_policy(holder.resource, holder.actions)
    if "/aws-reserved/" in holder.arn:
        return (f"Add to the permission set in Identity Center: {fixes.option_text(document)}",)
    actions = ", ".join(holder.actions)
    mend = f"Give {short_name(holder.arn)} a policy that allows {actions} on {holder.resource}."
    return mend, fixes.put_inline_policy(holder.arn, holder.new_policy, document)


def extra_action_causes(
    case: Case, decide: Callable[[str], Decision | None], side: str, fix: Fix
) -> Iterator[Cause]:
    """Yield the actions that session tags and a source identity need, and that a side does not allow."""
    for action, code in EXTRA_ACTIONS.items():
        decision = decide(action) if action in case.attempt.actions else None
        if decision and not decision.allowed:
            why = f"The {side} side does not allow {short_name(case.principal)} {action} on {case.role}."
            yield cause(code, CERTAIN, why, *fix, side=side)
