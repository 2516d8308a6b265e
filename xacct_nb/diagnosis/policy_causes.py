"""Finds causes in the policies of either side: a Deny, a boundary, an action that no policy allows."""

from collections.abc import Iterator, Sequence

from xacct_nb.diagnosis import fixes
from xacct_nb.diagnosis.case import PolicyHolder
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, Cause
from xacct_nb.diagnosis.locations import denying, locate, policy_of, short_arn, statement_number
from xacct_nb.diagnosis.snapshot import SnapshotPolicy
from xacct_nb.iam.explain import PolicyCheck, StatementMatch

Fix = tuple[str, ...]
"""What to change ("" for the catalogue's text), and the commands that do it."""


def deny_cause(code: str, policies: Sequence[SnapshotPolicy], match: StatementMatch) -> Cause:
    """Return the cause of that code for a Deny statement that applies to the request."""
    policy = policy_of(policies, match)
    command = fixes.remove_statement(policy, statement_number(match))
    return cause(code, CERTAIN, f"{locate(policy, match)} denies it.", "", command)


def boundary_causes(code: str, holder: PolicyHolder, check: PolicyCheck) -> Iterator[Cause]:
    """Yield the cause of that code if the permissions boundary was read; its fix changes the boundary."""
    boundary, request = holder.boundary, f"{holder.actions[0]} on {holder.resource}"
    if boundary is None or boundary.document is None:
        return
    why = f"The boundary {boundary.name} of {short_arn(holder.arn)} does not allow {request}."
    (statement,) = fixes.smallest_policy(holder.resource, holder.actions)["Statement"]
    document = fixes.with_statement(boundary, statement)
    for match in denying(check)[:1]:
        why = f"{locate(boundary, match)}, the permissions boundary, denies it."
        document = fixes.without_statement(boundary, statement_number(match))
    yield cause(code, CERTAIN, why, "", fixes.write_policy(boundary, document))


def not_allowed_cause(code: str, holder: PolicyHolder, policy_name: str) -> Cause:
    """Return the cause of that code: none of the holder's policies allows the action."""
    request = f"{holder.actions[0]} on {holder.resource}"
    why = f"None of the {len(holder.policies)} policies of {short_arn(holder.arn)} allows {request}."
    return cause(code, CERTAIN, why, *allow_fix(holder, policy_name))


def allow_fix(holder: PolicyHolder, policy_name: str) -> Fix:
    """Return the fix that gives the holder a policy which allows its actions."""
    document = fixes.smallest_policy(holder.resource, holder.actions)
    if "/aws-reserved/" in holder.arn:
        return (f"Add to the permission set in Identity Center: {fixes.option_text(document)}",)
    actions = ", ".join(holder.actions)
    mend = f"Give {short_arn(holder.arn)} a policy that allows {actions} on {holder.resource}."
    return mend, fixes.put_inline_policy(holder.arn, policy_name, document)
