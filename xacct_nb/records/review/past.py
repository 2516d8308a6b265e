"""What the records say of a grant: who approved its last change, and when it was proven last."""

from collections.abc import Iterable
from dataclasses import replace

from xacct_nb.fleets.result import PROVEN
from xacct_nb.grants.documents import DESTINATION
from xacct_nb.records.fields import RecordFields
from xacct_nb.records.review.subject import GrantPast


def past_of(records: Iterable[RecordFields], grant: str, fleet: str = "", account: str = "") -> GrantPast:
    """Return what the newest of these records, newest first, say of a grant in an account."""
    found = GrantPast()
    for record in records:
        if found.is_known:
            break
        if _is_of(record, grant, fleet):
            found = _with_approval(_with_proof(found, record, grant, account), record)
    return found


def _is_of(record: RecordFields, grant: str, fleet: str) -> bool:
    if record.fleet:
        return record.fleet.declared.get("name") == fleet and grant in record.fleet.accounts
    return not fleet and record.parameters.get("name") == grant


def _with_approval(past: GrantPast, record: RecordFields) -> GrantPast:
    approval = record.approval
    if past.approved or not (approval and record.left_changes) or record.undoes:
        return past
    who = f"{approval.by} at {approval.at}"
    signed = f", signed by {approval.signer}" if approval.signer else ""
    planned = f", planned by {approval.planned_by}" if approval.planned_by else ""
    return replace(past, approved=f"by {who}{signed}{planned} (record {record.id})")


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
