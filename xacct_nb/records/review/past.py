"""What the records say of a grant: who approved its last change, and when it was proven last."""

from collections.abc import Iterable
from dataclasses import replace

from xacct_nb.changes.journal import Journal
from xacct_nb.fleets.result import PROVEN
from xacct_nb.grants.documents import DESTINATION
from xacct_nb.grants.target import ACCOUNT
from xacct_nb.records.fields import NOT_PROVEN, RecordedFleet, RecordFields
from xacct_nb.records.review.subject import GrantPast

_DONE = ("succeeded", NOT_PROVEN)
"""The statuses of a rollback that has undone its record."""


def past_of(records: Iterable[RecordFields], grant: str, fleet: str = "", account: str = "") -> GrantPast:
    """Return what the newest of these records, newest first, say of a grant in an account.

    A record that a later rollback has undone says nothing.
    """
    found, undone = GrantPast(), set[str]()
    for record in records:
        if found.is_known:
            break
        if record.id in undone:
            continue
        if record.undoes and record.status in _DONE:
            undone.add(record.undoes)
        if _is_of(record, grant, fleet):
            found = _with_approval(_with_proof(found, record, grant, account), record, grant, account)
    return found


def _is_of(record: RecordFields, grant: str, fleet: str) -> bool:
    if record.fleet:
        return record.fleet.declared.get("name") == fleet and grant in record.fleet.accounts
    return not fleet and record.parameters.get("name") == grant


def _with_approval(past: GrantPast, record: RecordFields, grant: str, account: str) -> GrantPast:
    approval = record.approval
    if past.approved or not (approval and record.left_changes) or record.undoes:
        return past
    if record.fleet and not _has_changed(record, record.fleet, grant, account):
        return past
    who = f"{approval.by} at {approval.at}"
    signed = f", signed by {approval.signer}" if approval.signer else ""
    planned = f", planned by {approval.planned_by}" if approval.planned_by else ""
    return replace(past, approved=f"by {who}{signed}{planned} (record {record.id})")


def _has_changed(record: RecordFields, fleet: RecordedFleet, grant: str, account: str) -> bool:
    """Return whether the run of a fleet changed the role of a grant in an account, or may have."""
    journal = record.journal or Journal("")
    declared = next(each for each in fleet.declared["grants"] if each["name"] == grant)
    role = f" role/{declared['role'].replace(ACCOUNT, account)}"
    touched = [(each.account, each.title) for each in journal.changes]
    touched += [(each.account, each.target) for each in journal.entries if each.operation != "AssumeRole"]
    return any(where == account and title.endswith(role) for where, title in touched)


def _with_proof(past: GrantPast, record: RecordFields, grant: str, account: str) -> GrantPast:
    if past.proof:
        return past
    if record.fleet:
        results = record.fleet.result.results if record.fleet.result else ()
        key = (grant, DESTINATION, account)
        status = next((each.status for each in results if each.key == key), "")
        text, holds = status, status == PROVEN
    else:
        text = record.proof.summary if record.proof and record.proof.outcomes else ""
        holds = bool(record.proof and record.proof.holds)
    if not text:
        return past
    return replace(past, proof=f"{record.ended}: {text} (record {record.id})", is_proven=holds)
