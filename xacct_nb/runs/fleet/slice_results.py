"""The results of the work on slices, and the journal of all their calls: also of work that was lost."""

import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from xacct_nb.aws.journaled_calls import MADE_WITHOUT_RESPONSE, EntrySink
from xacct_nb.changes.journal import Entry, Journal, collapse_entries
from xacct_nb.changes.plan import Change
from xacct_nb.fleets.plan import SliceKey
from xacct_nb.fleets.result import APPLIED, FAILED, LOST, NOT_STARTED, ROLLED_BACK, UNCHANGED, SliceResult
from xacct_nb.runs.fleet.execution import Ended, Execution
from xacct_nb.runs.fleet.remote_work import Work, work_elsewhere
from xacct_nb.runs.fleet.slice_work import SliceOutcome, SliceTask, undo_slice
from xacct_nb.storage.spool import read_spool, remove_attempt

Ends = Ended[SliceOutcome]
_TOOK_EFFECT = ("made", MADE_WITHOUT_RESPONSE, "")
_IN_CLOUDTRAIL = "What it had called is in CloudTrail only."
_STILL_THERE = "Changes that a lost worker had made before are still there: roll the fleet back to undo them."


class SliceResults:
    """Takes the results of slices from an execution, and their entries into the journal.

    Threads write to the journal as they go. Other workers send their entries with their result; of those that
    were lost, the entries are in the spool, if there is one and they could write to it.
    """

    def __init__(self, execution: Execution, journal: EntrySink, spool: Path | None) -> None:
        self.execution, self._journal, self._spool = execution, journal, spool
        self._threads = isinstance(execution.pool, ThreadPoolExecutor)

    def of(self, do: Work, tasks: Sequence[SliceTask], what: str) -> list[SliceResult]:
        """Work on the tasks and return their results, in the order in which they ended."""
        work = (
            partial(do, sink=_OneAtATime(self._journal))
            if self._threads
            else partial(work_elsewhere, do=do, spool=str(self._spool or ""))
        )
        found = list[Ends]()

        def take(each: Ends) -> None:
            if each.value and not self._threads:
                self._note(each.value.entries)
            found.append(_shortened(each))

        self.execution.run(work, tasks, what, take)
        lost, undoes = self._lost_attempts(found), do is undo_slice
        return [self._result(each, lost.get(each.task.slice.key, ()), undoes) for each in found]

    def _note(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._journal.append(entry)

    def _lost_attempts(self, found: Sequence[Ends]) -> dict[SliceKey, tuple[Entry, ...]]:
        """Return the entries of attempts that returned no result; they are in the journal then."""
        lost = defaultdict[SliceKey, tuple[Entry, ...]](tuple)
        if self._spool is None or self._threads:
            return lost
        returned = {each.value.attempt for each in found if each.value}
        goes_on = self.execution.interruptions > 1
        open_still = {each.task.slice.key for each in found if each.begun and not each.value and goes_on}
        for attempt in read_spool(self._spool):
            if attempt.slice in open_still:
                continue
            if attempt.name not in returned:
                self._note(attempt.entries)
                lost[attempt.slice] += attempt.entries
            remove_attempt(self._spool, attempt)
        return lost

    def _result(self, ended: Ends, lost: tuple[Entry, ...], undoes: bool) -> SliceResult:
        key, changes = ended.task.slice.key, ended.task.approved or ()
        if undoes:
            changes = Journal(ended.task.slice.grant.name, changes).undo_plan().changes
        if not ended.begun:
            return SliceResult(*key, NOT_STARTED)
        if ended.value:
            return _with_lost(ended.value.result, changes, (*lost, *_unfinished(ended.value)))
        status = FAILED if self._threads and self.execution.interruptions < 2 else LOST
        reason = f"The work on this account was lost: {ended.problem.rstrip('.')}. {self._known(lost)}"
        hint = "Plan the fleet again: the plan shows what is there, and finishes it."
        return SliceResult(*key, status, took_effect(changes, lost), code="lost", reason=reason, hint=hint)

    def _known(self, lost: tuple[Entry, ...]) -> str:
        calls = len(collapse_entries(lost))
        if calls:
            return f"{calls} call{'s' * (calls != 1)} of it {'are' if calls != 1 else 'is'} in the journal."
        if self._threads:
            return "Its calls are in the journal."
        if self._spool is None:
            return _IN_CLOUDTRAIL
        return f"The spool has no call of it. If its worker wrote to another folder: {_IN_CLOUDTRAIL}"


def took_effect(changes: Sequence[Change], entries: Iterable[Entry]) -> tuple[Change, ...]:
    """Return the changes of which a call was made, or may have been: no response of AWS is in the entries."""
    calls = collapse_entries(entries)
    touched = {(each.account, each.target) for each in calls if each.answer in _TOOK_EFFECT}
    return tuple(change for change in changes if (change.account, change.title) in touched)


def _shortened(ended: Ends) -> Ends:
    """Return it without the entries, which are in the journal, unless they have to say what was done."""
    if ended.value is None or ended.value.result.status == FAILED:
        return ended
    return replace(ended, value=replace(ended.value, entries=()))


def _unfinished(outcome: SliceOutcome) -> tuple[Entry, ...]:
    """Return the entries of work that an unexpected error ended, which counted no changes."""
    return outcome.entries if outcome.result.status == FAILED else ()


def _with_lost(result: SliceResult, asked: Sequence[Change], lost: tuple[Entry, ...]) -> SliceResult:
    """Return the result with the changes that an earlier attempt made, whose worker was lost."""
    own = {each.key: each for each in result.changes}
    more = {each.key for each in took_effect(asked, lost)} - set(own)
    if not more:
        return result
    changes = tuple(own.get(each.key, each) for each in asked if each.key in own or each.key in more)
    status = APPLIED if result.status == UNCHANGED else result.status
    reason = f"{result.reason} {_STILL_THERE}" if status == ROLLED_BACK else result.reason
    found = max(0, result.found - len(more))
    return replace(result, changes=changes, found=found, status=status, reason=reason)


class _OneAtATime:
    """A journal that many threads write to."""

    def __init__(self, sink: EntrySink) -> None:
        self._sink, self._lock = sink, threading.Lock()

    def append(self, entry: Entry) -> None:
        """Take an entry."""
        with self._lock:
            self._sink.append(entry)
