"""What a rollback cannot restore or deletes for good, found before its plan is approved."""

from collections.abc import Iterable, Iterator
from typing import Any

from xacct_nb.aws.iam_reads import exists, policy_exists
from xacct_nb.aws.policy_versions import is_deleted
from xacct_nb.aws.reader import deleted_versions
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.access import Loss
from xacct_nb.changes.journal import Entry
from xacct_nb.changes.kept_access import lost_version
from xacct_nb.changes.plan import ROLE_PARTS, Change, Plan
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.canonical import deleted_ids, principals_in

_ON_PRINCIPAL = ("attachment", "inline-policy")


def irreversible_changes(sessions: Sessions, undo_plan: Plan, entries: Iterable[Entry]) -> tuple[Loss, ...]:
    """Return what cannot be restored: deleted principals, deleted policies and deleted policy versions.

    Also the versions that the rollback itself deletes. `entries` are those of the journal that is undone.
    Raises AwsRefused.
    """
    found = (
        *_principals(sessions, undo_plan),
        *_policies(sessions, undo_plan),
        *(text for change in undo_plan.changes for text in _versions(sessions, change)),
        *(text for entry in entries for text in _deleted(entry)),
    )
    return (*map(Loss, found), *(loss for change in undo_plan.changes for loss in _lost(sessions, change)))


def _lost(sessions: Sessions, change: Change) -> Iterator[Loss]:
    """Yield the versions that are deleted with a policy, or for the version whose text comes back."""
    if change.kind != "managed-policy" or change.before is None:
        return
    if change.after is None or is_deleted(sessions, change):
        lost = deleted_versions(sessions, change.target, replaced=change.after is not None)
        yield from (lost_version(key.target, key.name, value) for key, value in lost.items())


def _principals(sessions: Sessions, undo_plan: Plan) -> Iterator[str]:
    made = {change.target for change in undo_plan.changes if change.kind == "role" and change.sign == "+"}
    for change in undo_plan.changes:
        trust = _written(change, "trust") or {}
        if ids := deleted_ids(trust):
            yield f"{change.target} trusted {', '.join(ids)}, which was deleted: AWS refuses to write that."
        named = {arn for arn in principals_in(trust) if _is_absent(sessions, arn)}
        for arn in sorted(named - made):
            yield f"{change.target} trusted {arn}, which was deleted: AWS refuses to write that."
        restores = change.kind in _ON_PRINCIPAL and change.sign == "+" and change.target not in made
        if restores and _is_absent(sessions, change.target):
            yield f"{change.target} does not exist any more, so {change.title} cannot be restored."


def _policies(sessions: Sessions, undo_plan: Plan) -> Iterator[str]:
    """Describe the deleted managed policies that are to be attached again or are a boundary."""
    made = {change.target for change in undo_plan.changes if change.kind == "managed-policy"}
    for change in undo_plan.changes:
        is_attached = change.kind == "attachment" and change.after
        policy = change.name if is_attached else _written(change, "boundary")
        if policy and policy not in made and not policy_exists(sessions, change.account, policy):
            yield f"{policy} does not exist any more, so {change.title} cannot be restored."


def _written(change: Change, kind: str) -> Any:
    """Return the part of a role that a change writes, also with the whole role; None where it writes none."""
    if change.kind == "role" and change.after is not None:
        return ROLE_PARTS[kind](change.after)
    return change.after if change.kind == kind else None


def _is_absent(sessions: Sessions, arn: str) -> bool:
    """Return whether the principal does not exist; False for an account without a session, not read."""
    ours = {identity.account for identity in sessions.identities if identity.part != "caller"}
    named = Arn.parse(arn) if arn.startswith("arn:") else None
    if named is None or named.account not in ours or named.kind not in ("user", "role", "group"):
        return False
    return not exists(sessions, arn)


def _versions(sessions: Sessions, change: Change) -> Iterator[str]:
    if change.kind != "managed-policy" or change.after is None:
        return
    version = change.after.get("version", "")
    if change.sign == "+":
        yield f"{change.target} comes back with a new id, as version v1 (it was {version})."
    elif is_deleted(sessions, change):
        yield f"{change.target}: its version {version} was deleted. Its text comes back as a new version."


def _deleted(entry: Entry) -> Iterator[str]:
    if entry.operation == "DeletePolicyVersion" and entry.answer in ("", "made") and entry.kept:
        for version in entry.kept:
            yield f"{entry.target}: version {version} is deleted for good. Its text is in the journal."
