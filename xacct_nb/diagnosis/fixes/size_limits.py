"""Fits edits into IAM's quotas: a new policy becomes a managed one where inline policies are full."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.fixes.edits import CREATE, Edit
from xacct_nb.diagnosis.fixes.fix import Fix
from xacct_nb.diagnosis.snapshot import INLINE, MANAGED, TRUST, SnapshotPolicy
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.explain import short_name
from xacct_nb.iam.quotas import ATTACHED, INLINE_TOTAL, MANAGED_POLICY, TRUST_POLICY, size


def fitting(case: Case, fix: Fix) -> Fix:
    """Return the fix within IAM's quotas, as far as that is possible; else it says what is too long."""
    edits = tuple(_fitting(case, each) for each in fix.edits)
    too_long = "; ".join(each for edit in edits for each in _too_long(case, edit))
    return replace(fix, edits=edits, unsure=fix.unsure or too_long)


def _fitting(case: Case, edit: Edit) -> Edit:
    holder = edit.policy.holder
    if not (edit.is_new and edit.policy.kind == INLINE) or _inline_size(case, edit) <= _most(holder):
        return edit
    arn = Arn.parse(holder)
    managed = f"arn:{arn.partition}:iam::{arn.account}:policy/{edit.policy.name}"
    return replace(edit, policy=edit.policy.model_copy(update={"kind": MANAGED, "arn": managed}), how=CREATE)


def _too_long(case: Case, edit: Edit) -> Iterator[str]:
    """Yield what AWS does not accept of an edit, in words."""
    length, holder = size(edit.after), edit.policy.holder
    if edit.policy.kind == TRUST and length > TRUST_POLICY:
        yield f"the trust policy would have {length:,} characters, and the default quota is {TRUST_POLICY:,}"
    if edit.policy.kind == MANAGED and length > MANAGED_POLICY:
        yield f"the policy would have {length:,} characters, and AWS accepts {MANAGED_POLICY:,}"
    if edit.policy.kind == INLINE and _inline_size(case, edit) > _most(holder):
        yield f"AWS accepts {_most(holder):,} characters in all inline policies of {short_name(holder)}"
    if edit.policy.kind == MANAGED and edit.is_new:
        most = ATTACHED.get(Arn.parse(holder).kind, 0)
        if len([each for each in _policies(case) if each.kind == MANAGED and each.holder == holder]) >= most:
            yield f"{short_name(holder)} has {most} managed policies, which is the quota"


def _most(holder: str) -> int:
    return INLINE_TOTAL.get(Arn.parse(holder).kind, MANAGED_POLICY)


def _inline_size(case: Case, edit: Edit) -> int:
    """Return the characters of all inline policies of the holder after an edit."""
    holder, name = edit.policy.holder, edit.policy.name
    others = [each for each in _policies(case) if (each.kind, each.holder) == (INLINE, holder)]
    return size(edit.after) + sum(size(each.document or {}) for each in others if each.name != name)


def _policies(case: Case) -> Sequence[SnapshotPolicy]:
    return (*case.source.policies, *case.destination.policies)
