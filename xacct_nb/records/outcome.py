"""How a run ended, as a change ticket states it: the closure, where it ended, and what is left."""

from collections.abc import Iterator

from xacct_nb.changes.journal import NO_RESPONSE, Entry
from xacct_nb.changes.plan import Change
from xacct_nb.grants.documents import SOURCE
from xacct_nb.records.fields import NOT_PROVEN, SUCCESSFUL, RecordFields
from xacct_nb.views import Page, Table, View

# In a sentence, {declared} is the grant or the fleet, and {accounts} are its accounts.
# How a change ticket closes, by the status of the run (ITIL: successful, not successful, not implemented).
CLOSURES = {
    "succeeded": "successful",
    "no-change": "nothing to implement: the live state already matches",
    "planned": "not implemented yet: waits for approval",
    "failed": "not successful: an error ended it",
    "invalid-parameters": "not implemented: the input was refused",
    "stale-plan": "not implemented: another plan was approved than the current one",
    "proof-failed": "not successful: the access is not what {declared} says",
    "not-proven": "the proof is incomplete: AWS gave no positive answer for all of it",
    "rolled-back": "not successful: rolled back, everything is as it was before",
    "rollback-failed": "not successful: not every change could be rolled back",
    "kernel-died": "interrupted: the kernel died",
    "timed-out": "interrupted: a cell took too long",
    "interrupted": "interrupted before it ended",
}
# Closures that say more than the status does, by the code of the error.
_BY_CODE = {
    "approval-used": "not implemented: the approval was already used",
    "approval-expired": "not implemented: the approval has expired",
    "approver-planned": "not implemented: a second person must approve",
    "approver-unknown": "not implemented: it is not known which person planned or approves",
    "approval-unsigned": "not implemented: an approver must sign",
    "not-accepted": "not implemented: it widens access, and `accept` does not list the finding",
    "not-owned": "not implemented: a resource of that name exists and belongs to another owner",
}
# How a run ended, for somebody who has to act on it: of a change, of its rollback, and without a change.
_CHANGED = {
    "succeeded": "The access is applied and proven: AWS's answers are what {declared} says.",
    "no-change": "Nothing had to be changed: {accounts} have what {declared} says.",
    "planned": "Nothing was changed: the plan waits for its approval.",
    "not-proven": "It is applied, and not proven: not each permission has a positive answer of AWS.",
    "proof-failed": "It is applied, and AWS's answers are not what {declared} says.",
    "rolled-back": "The change failed, and everything is as it was before.",
    "rollback-failed": "The change failed, and something is left of it: the journal says what.",
}
_UNDONE = {
    "succeeded": "Undone: {accounts} are as they were before.",
    "no-change": "There was nothing left to undo.",
    "planned": "Nothing was undone: the plan waits for its approval.",
    "not-proven": "Undone. That older sessions have ended is not proven.",
}
_READ = {
    "succeeded": "Nothing was changed: the run only read.",
    "not-proven": "Nothing was changed, and nothing is proven: AWS was not asked.",
}
_PROVEN = {
    "succeeded": "The access is proven: AWS's answers are what {declared} says.",
    "not-proven": "Not proven: not each permission has a positive answer of AWS.",
    "proof-failed": "AWS's answers are not what {declared} says.",
}
# Of a grant that had ended: after its removal, and without a change.
_ENDED = {
    "proof-failed": "The grant has ended, and AWS still lets a caller in.",
    "not-proven": "The grant has ended; that AWS denies its callers is not proven.",
    "no-change": "Nothing had to be changed: the grant has ended, and the plan found nothing to remove.",
}
_REMOVED = _ENDED | {"succeeded": "The grant has ended: what it made is removed, AWS denies its callers."}
_STILL_ENDED = _ENDED | {"succeeded": "The grant has ended, AWS denies its callers: nothing was changed."}
_ALL_REMOVED = "The grants have ended: what was made for them is removed, AWS denies their callers."
_SOME_REMOVED = " Where a grant has ended, its role is removed, and AWS denies its callers: {} in all."
_NOT_BEGUN = " In {} of the accounts, something was not begun."
_REMOVALS = ("Delete", "Detach", "Remove", "Untag")
_MOST_CALLS = 5
_ROLL_BACK = "roll_back"  # a run of it names no record where nothing is left to undo
_CELL_ENDS = {"failed": "failed", "timed-out": "took too long", "aborted": "was interrupted"}


def outcome_sentence(record: RecordFields) -> str:
    """Return how the run ended, in one sentence."""
    if record.is_blocked:
        return "Nothing was changed, and this plan cannot be approved as it is."
    changed = record.journal is not None and record.journal.began
    proven = bool((record.proof and record.proof.outcomes) or (record.fleet and record.fleet.result))
    sentences = _CHANGED if changed else {**_CHANGED, **(_PROVEN if proven else _READ)}
    if record.plan and record.plan.ended and not record.fleet:
        sentences = {**sentences, **(_REMOVED if changed else _STILL_ENDED)}
    undoes = record.undoes or record.notebook == _ROLL_BACK
    said = (_UNDONE if undoes else sentences).get(record.status)
    if said:
        return "".join(_of_the_accounts(_of_what_was_declared(said, record), record))
    closed = closure(record).partition(": ")[2] or closure(record)
    return f"{closed[:1].upper()}{closed[1:]}.{'' if changed else ' Nothing was changed.'}"


def _of_the_accounts(said: str, record: RecordFields) -> Iterator[str]:
    """Yield the sentence, and in how many accounts of a fleet the run removed, or began nothing."""
    result = record.fleet.result if record.fleet else None
    removed = result.removed if result and record.status == "succeeded" else 0
    all_removed = result and removed == sum(each.side != SOURCE for each in result.results)
    yield _ALL_REMOVED if removed and all_removed else said
    yield _SOME_REMOVED.format(removed) if removed and not all_removed else ""
    yield _NOT_BEGUN.format(result.unbegun) if result and result.unbegun else ""


def closure(record: RecordFields) -> str:
    """Return how the change is closed."""
    if record.is_blocked:
        return "not implemented: this plan cannot be approved as it is"
    closed = _BY_CODE.get(record.error.code if record.error else "") or CLOSURES.get(record.status, "")
    return _of_what_was_declared(closed, record)


def _of_what_was_declared(sentence: str, record: RecordFields) -> str:
    if record.fleet:
        return sentence.format(declared="the fleet", accounts="all accounts")
    return sentence.format(declared="the grant", accounts="both accounts")


def outcome_facts(record: RecordFields) -> Iterator[tuple[str, str]]:
    """Yield what a reviewer needs to know of a run that did not end well, as rows; none for one that did."""
    if record.status in SUCCESSFUL:
        return
    if record.error:
        yield "error code", record.error.code
    entries = record.journal.entries if record.journal else ()
    if calls := [_describe_failure(entry) for entry in entries if not is_success(entry)]:
        more = [f"and {len(calls) - _MOST_CALLS} more"] if len(calls) > _MOST_CALLS else []
        yield "failed call", "\n".join([*calls[:_MOST_CALLS], *more])
    for number, cell in enumerate(record.cells, start=1):
        if cell.state in _CELL_ENDS:
            yield "ended at", f"code cell {number} of {len(record.cells)}, which {_CELL_ENDS[cell.state]}"
            break
    yield "left behind", _left_behind(record)


def change_outcomes(record: RecordFields) -> Iterator[View]:
    """Yield the result of each planned change of a run that changed AWS and did not end well."""
    if (
        record.status in (*SUCCESSFUL, NOT_PROVEN)
        or not record.plan
        or not record.journal
        or not record.journal.entries
    ):
        return
    last = {(entry.account, entry.target): entry for entry in record.journal.entries}
    results = [(change, last.get((change.account, change.title))) for change in record.plan.changes]
    rows, tones = tuple(_row(*each) for each in results), tuple(_tone(entry) for _, entry in results)
    heads = ("", "account", "change", "last call", "result", "request id")
    yield Page("Result of each change", (Table(heads, rows, tones=tones),))


def is_success(entry: Entry) -> bool:
    """Return whether a call or wait succeeded; deleting what no longer exists counts as success."""
    gone = entry.answer == "NoSuchEntity" and entry.operation.startswith(_REMOVALS)
    return gone or entry.answer.startswith("made") or entry.answer == "waited"


def _describe_failure(entry: Entry) -> str:
    request = f", request id {entry.request_id}" if entry.request_id else ""
    call = f"{entry.at[11:19]} {entry.operation} of {entry.target} in {entry.account}"
    return f"{call}: {entry.answer or NO_RESPONSE}{request}"


def _left_behind(record: RecordFields) -> str:
    if not record.left_changes or record.journal is None:
        rolled_back = record.status == "rolled-back"
        return "nothing: everything is as it was before" if rolled_back else "nothing: no call changed AWS"
    if record.status == "rollback-failed" and record.error:
        return record.error.what
    count = len(record.journal.changes)
    if not count:
        return "what the calls in the journal changed: see the result of each change"
    return f"the {count} change{'s' * (count != 1)} in the journal, as planned"


def _row(change: Change, last: Entry | None) -> tuple[str, ...]:
    about = (change.sign, change.account, change.title)
    if last is None:
        return (*about, "none", "not started", "")
    return (*about, last.operation, last.answer or NO_RESPONSE, last.request_id)


def _tone(last: Entry | None) -> str:
    return "note" if last is None else "" if is_success(last) else "bad"
