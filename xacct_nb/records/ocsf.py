"""The calls of a record as events of OCSF 1.1.0 (Open Cybersecurity Schema Framework): API Activity, 6003.

https://schema.ocsf.io/1.1.0/classes/api_activity?profiles=cloud
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from xacct_nb.changes.journal import NO_RESPONSE, Entry
from xacct_nb.iam.arns import is_account_id
from xacct_nb.records.fields import RecordFields
from xacct_nb.records.outcome import is_success

VERSION, CLASS = "1.1.0", 6003
_CREATE, _READ, _UPDATE, _DELETE, _OTHER = (
    (1, "Create"),
    (2, "Read"),
    (3, "Update"),
    (4, "Delete"),
    (99, "Other"),
)
# By the first word of an operation. Attaching and detaching change the principal; neither ends to exist.
_ACTIVITIES = {
    "Create": _CREATE, "Get": _READ, "List": _READ, "Put": _UPDATE, "Update": _UPDATE, "Set": _UPDATE,
    "Attach": _UPDATE, "Detach": _UPDATE, "Tag": _UPDATE, "Untag": _UPDATE, "Add": _UPDATE, "Remove": _UPDATE,
    "Delete": _DELETE,
}  # fmt: skip
_UNKNOWN, _SUCCESS, _FAILURE = (0, "Unknown"), (1, "Success"), (2, "Failure")
_ASSUME, _AS = "AssumeRole", " as "
_AWS_ACCOUNT = {"type_id": 10, "type": "AWS Account"}


def ocsf_lines(record: RecordFields) -> str:
    """Return one event a line, as JSON, for each call of the record's journal; "" where it has none."""
    return "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in ocsf_events(record))


def ocsf_events(record: RecordFields) -> Iterator[dict[str, Any]]:
    """Yield the event of each call, in the order of the journal.

    What a call destroyed (`kept`) is left out: it may be long, and the record has it.
    """
    entries = record.journal.entries if record.journal else ()
    for number, entry in enumerate(entries, start=1):
        yield _event(record, entry, number)


def _event(record: RecordFields, entry: Entry, number: int) -> dict[str, Any]:
    activity, caption = _activity(entry.operation)
    status, outcome = _status(entry)
    return {
        "activity_id": activity,
        "activity_name": entry.operation if activity == _OTHER[0] else caption,
        "category_uid": 6,
        "category_name": "Application Activity",
        "class_uid": CLASS,
        "class_name": "API Activity",
        "type_uid": CLASS * 100 + activity,
        "type_name": f"API Activity: {caption}",
        "severity_id": 1,
        "severity": "Informational",
        "time": _milliseconds(entry.at),
        "duration": round(entry.seconds * 1000),
        "status_id": status,
        "status": outcome,
        "status_detail": entry.answer or NO_RESPONSE,
        "message": f"{entry.operation} {entry.target}: {entry.answer or NO_RESPONSE}",
        "actor": _actor(record, entry),
        "api": _api(entry, status),
        "src_endpoint": {"name": record.host.name or "unknown"},
        "cloud": _cloud(record, entry),
        **({"resources": [{"name": entry.target}]} if entry.target else {}),
        "metadata": _metadata(record, entry, number),
        "unmapped": _unmapped(record, entry),
    }


def _activity(operation: str) -> tuple[int, str]:
    found = (each for word, each in _ACTIVITIES.items() if operation.startswith(word))
    return next(found, _OTHER)


def _status(entry: Entry) -> tuple[int, str]:
    if not entry.answer:
        return _UNKNOWN
    return _SUCCESS if is_success(entry) else _FAILURE


def _milliseconds(at: str) -> int:
    """Return a time (UTC, ISO 8601) as milliseconds since 1970."""
    return round(datetime.fromisoformat(at).timestamp() * 1000)


def _actor(record: RecordFields, entry: Entry) -> dict[str, Any]:
    """Return who made the call, as far as the record knows, and the program.

    A call of a caller under test names the caller itself; every other one is by the administrator of the
    account.
    """
    caller, _, role = entry.target.partition(_AS)
    known = (each.arn for each in record.who if each.account == entry.account and each.part != "caller")
    arn = caller if entry.operation == _ASSUME and role else next(known, "")
    user = {"uid": arn, "name": arn.rpartition(":")[2], **_account(entry.account)}
    return {"invoked_by": "xacct-nb", **({"user": user} if arn else {})}


def _api(entry: Entry, status: int) -> dict[str, Any]:
    service = "sts" if entry.operation == _ASSUME else "iam"
    request = {"request": {"uid": entry.request_id}} if entry.request_id else {}
    error = {"response": {"error": entry.answer}} if status == _FAILURE[0] else {}
    return {"operation": entry.operation, "service": {"name": f"{service}.amazonaws.com"}, **request, **error}


def _cloud(record: RecordFields, entry: Entry) -> dict[str, Any]:
    """Return the account, and who answered: AWS, or the sandbox, whose accounts are nobody's."""
    provider = record.where.partition(" ")[0] or "unknown"
    return {"provider": provider, **_account(entry.account)}


def _account(account: str) -> dict[str, Any]:
    """Return the attribute for an account; none where the record does not know it."""
    about = {"uid": account, **(_AWS_ACCOUNT if is_account_id(account) else {})}
    return {"account": about} if account else {}


def _metadata(record: RecordFields, entry: Entry, number: int) -> dict[str, Any]:
    product = {"name": "xacct-nb", "vendor_name": "xacct-nb"}
    version = {"version": record.versions["xacct-nb"]} if "xacct-nb" in record.versions else {}
    return {
        "version": VERSION,
        "profiles": ["cloud"],
        "product": {**product, **version},
        "uid": f"{record.id}/{number}",
        "correlation_uid": record.id,
        "original_time": entry.at,
        "log_name": "journal",
    }


def _unmapped(record: RecordFields, entry: Entry) -> dict[str, Any]:
    """Return what OCSF has no attribute for: the record, its grant, its status, the approved plan."""
    about = {
        "record": record.id,
        "record_status": record.status,
        "grant": record.parameters.get("name", ""),
        "plan_digest": record.plan.digest if record.plan else "",
        "operator": record.host.user,
        "where": record.where,
    }
    return {**{name: text for name, text in about.items() if text}, "tries": entry.tries}
