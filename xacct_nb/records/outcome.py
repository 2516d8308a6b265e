"""How a change is closed, as a reviewer asks: in which words, where it ended, what is left."""

from collections.abc import Iterable, Iterator
from typing import Any

from xacct_nb.changes.journal import NO_RESPONSE, Entry, Journal
from xacct_nb.changes.plan import Change, Plan
from xacct_nb.records.fields import SUCCESSFUL, RecordFields
from xacct_nb.views import Page, Table, View

# How a change is closed, in the words of ITIL and of change tickets.
CLOSURES = {
    "succeeded": "successful",
    "no-change": "nothing to implement: all is as it should be",
    "planned": "not implemented yet: waits for approval",
    "failed": "not successful: an error ended it",
    "invalid-parameters": "not implemented: refused as it was given",
    "stale-plan": "not implemented: another plan was approved than the one that stood",
    "proof-failed": "not successful: the access is not what the grant says",
    "rolled-back": "not successful: taken back, everything is as it was before",
    "rollback-failed": "not successful: not everything could be taken back",
    "kernel-died": "broke off: its process died",
    "timed-out": "broke off: it took too long",
    "interrupted": "broke off: it was interrupted",
}
# What says more than the status does, by the code of the error.
_BY_CODE = {
    "approval-used": "not implemented: its approval was used already, and counts once",
    "approval-expired": "not implemented: its approval came too late, the plan was too old by then",
    "approver-planned": "not implemented: its approval needs a second person",
    "not-accepted": "not implemented: it widens access, and the grant has no word for it",
    "not-owned": "not implemented: something of that name exists, and was not made for this grant",
}
_TAKES_AWAY = ("Delete", "Detach", "Remove", "Untag")
_MOST_CALLS = 5
_STATES = {"failed": "failed", "timed-out": "took too long", "aborted": "was broken off"}


def closure(record: RecordFields) -> str:
    """The words in which the change is closed."""
    code = (record.error or {}).get("code", "")
    return _BY_CODE.get(code) or CLOSURES.get(record.status, "")


def outcome_facts(record: RecordFields) -> Iterator[tuple[str, str]]:
    """What a reviewer asks of a run that did not end well, as rows; none of one that did."""
    if record.status in SUCCESSFUL:
        return
    if record.error:
        yield "error code", str(record.error["code"])
    if calls := list(_failed_calls(_entries(record))):
        more = [f"and {len(calls) - _MOST_CALLS} more"] if len(calls) > _MOST_CALLS else []
        yield "failed call", "\n".join([*calls[:_MOST_CALLS], *more])
    if words := _course([str(cell["state"]) for cell in record.cells]):
        yield "got as far as", words
    yield "left behind", _left(record)


def change_outcomes(record: RecordFields) -> Iterator[View]:
    """What became of each planned change of a run that changed AWS and did not end well."""
    entries = _entries(record)
    if record.status in SUCCESSFUL or record.plan is None or not entries:
        return
    last = {(entry.account, entry.target): entry for entry in entries}
    changes = [(each, last.get((each.account, each.title))) for each in Plan.from_json(record.plan).changes]
    rows, tones = tuple(_outcome(*each) for each in changes), tuple(_tone(call) for _, call in changes)
    heads = ("", "account", "what", "last call", "answer", "request id")
    yield Page("What became of each change", (Table(heads, rows, tones=tones),))


def is_success(entry: Entry) -> bool:
    """Whether a call was made or a wait came to its end, or there was nothing to take away any more."""
    gone = entry.answer == "NoSuchEntity" and entry.operation.startswith(_TAKES_AWAY)
    return gone or entry.answer.startswith("made") or entry.answer == "waited"


def _entries(record: RecordFields) -> tuple[Entry, ...]:
    return Journal.from_json(record.journal).entries if record.journal else ()


def _failed_calls(entries: Iterable[Entry]) -> Iterator[str]:
    for entry in entries:
        if not is_success(entry):
            request = f", request id {entry.request_id}" if entry.request_id else ""
            call = f"{entry.at[11:19]} {entry.operation} of {entry.target} in {entry.account}"
            yield f"{call}: {entry.answer or NO_RESPONSE}{request}"


def _course(states: list[str]) -> str:
    """At which code cell it ended, counted from 1."""
    place = next((number for number, state in enumerate(states, start=1) if state in _STATES), 0)
    return f"code cell {place} of {len(states)}, which {_STATES[states[place - 1]]}" if place else ""


def _left(record: RecordFields) -> str:
    if not record.left_changes:
        undone = record.status == "rolled-back"
        return (
            "nothing: everything is as it was before" if undone else "nothing: no call to change AWS is noted"
        )
    if record.status == "rollback-failed" and record.error:
        return str(record.error["what"])
    changes: Any = (record.journal or {})["changes"]
    if not changes:
        return "what the calls in the journal made: see what became of each change"
    return f"the {len(changes)} change{'s' * (len(changes) != 1)} in the journal, as planned"


def _outcome(change: Change, last: Entry | None) -> tuple[str, ...]:
    about = (change.sign, change.account, change.title)
    if last is None:
        return (*about, "none", "it did not come to this", "")
    return (*about, last.operation, last.answer or NO_RESPONSE, last.request_id)


def _tone(last: Entry | None) -> str:
    return "note" if last is None else "" if is_success(last) else "bad"
