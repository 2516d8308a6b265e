"""The work on one slice of a fleet: apply, prove and diagnose it, or undo it. It can be pickled."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, partial

from xacct_nb.aws.account_sessions import AccountSessions, FleetAccess, SliceSessions
from xacct_nb.aws.clock import utc
from xacct_nb.aws.journaled_calls import EntrySink
from xacct_nb.aws.probes import denial_text, prove
from xacct_nb.aws.reader import read_resources
from xacct_nb.aws.retries import Retries, counted_retries
from xacct_nb.aws.writer import apply_as_read, rollback
from xacct_nb.changes.journal import Entry, Journal
from xacct_nb.changes.plan import Change, Plan
from xacct_nb.changes.planner import diff, diff_with
from xacct_nb.changes.proof import Proof
from xacct_nb.errors import NotAccepted, NotOwned, RollbackFailed, StalePlan, XacctError
from xacct_nb.fleets.expansion import Slice
from xacct_nb.fleets.plan import NOT_ACCEPTED, Waits
from xacct_nb.fleets.result import (
    APPLIED,
    DRIFTED,
    NOT_PROVEN,
    STALE,
    UNCHANGED,
    UNDONE,
    UNREADABLE,
    SliceResult,
)
from xacct_nb.grants.documents import SOURCE, build
from xacct_nb.grants.expiry import has_ended
from xacct_nb.grants.state import State
from xacct_nb.linting.rules.rule import Finding
from xacct_nb.runs.denial.inquiry import diagnose
from xacct_nb.runs.fleet.slice_drift import drifted, masked_if_unknown, stale, taken_over, with_known_id
from xacct_nb.runs.fleet.slice_proof import with_proof

PROOF_PATIENCE = 10.0
"""Seconds to wait until IAM shows a change to the callers."""


@dataclass(frozen=True)
class SliceTask:
    """One slice to work on.

    `known` are the findings of its grant in an account where nothing is yet, with {account} for its id, and
    `unaccepted` the codes of those that nobody accepted; `approved` the changes that were approved, None
    where the slice is not to be changed, () where it is to be proven as it is. `secrets` are earlier external
    IDs; `since` (UTC) is when it was last as declared, as far as is known; `proves` says whether its access
    is proven.
    """

    slice: Slice
    access: FleetAccess
    unaccepted: tuple[str, ...] = ()
    approved: tuple[Change, ...] | None = None
    patience: float = PROOF_PATIENCE
    secrets: tuple[str, ...] = field(default=(), repr=False)
    proves: bool = True
    known: frozenset[Finding] = frozenset()
    since: str = ""


@dataclass(frozen=True)
class SliceOutcome:
    """What became of a task: the result, and the calls that changed AWS.

    `attempt` is the name of its file in the spool, "" where there is none.
    """

    result: SliceResult
    entries: tuple[Entry, ...] = ()
    attempt: str = ""


def work_on_slice(task: SliceTask, sink: EntrySink | None = None) -> SliceOutcome:
    """Apply what was approved for a slice and is not there yet, prove it, and diagnose what fails.

    Each failure is a result; nothing is raised.
    """
    return _outcome(task, sink, _work)


def undo_slice(task: SliceTask, sink: EntrySink | None = None) -> SliceOutcome:
    """Roll back the changes of a slice, in `approved`, unless others changed their resources since."""
    return _outcome(task, sink, _undo)


def _outcome(
    task: SliceTask, sink: EntrySink | None, work: Callable[[SliceTask, "_KeptEntries"], SliceResult]
) -> SliceOutcome:
    began, entries = time.monotonic(), _KeptEntries(sink)
    with counted_retries() as counts:
        found = work(task, entries)
    lasted = round(time.monotonic() - began, 3)
    return SliceOutcome(replace(found, seconds=lasted, waits=waits_of(counts)), tuple(entries.kept))


def waits_of(counts: Retries) -> Waits:
    """Return what was counted as a value."""
    return Waits(counts.count, round(counts.seconds, 3))


def _undo(task: SliceTask, entries: "_KeptEntries") -> SliceResult:
    part = task.slice
    made = Journal(part.grant.name, task.approved or ())
    try:
        back = rollback(made, sessions_for(task), sink=entries, patience=task.access.patience)
        return SliceResult(*part.key, UNDONE, back.changes)
    except RollbackFailed as problem:
        return _failed(part, problem.status if entries.kept else DRIFTED, problem)
    except XacctError as problem:
        return _failed(part, UNREADABLE, problem)


class _KeptEntries:
    """Keeps the entries of the journal, and passes each on as it happens."""

    def __init__(self, sink: EntrySink | None) -> None:
        self.kept, self._sink = list[Entry](), sink

    def append(self, entry: Entry) -> None:
        """Take an entry."""
        self.kept.append(entry)
        if self._sink is not None:
            self._sink.append(entry)


def _work(task: SliceTask, entries: _KeptEntries) -> SliceResult:
    failed = partial(_failed, task.slice)
    try:
        sessions = sessions_for(task)
        task = replace(task, slice=with_known_id(task.slice, sessions, task.secrets))
        plan = _plan_as_approved(task, sessions)
    except XacctError as problem:
        return failed(UNREADABLE, problem)
    if isinstance(plan, SliceResult):
        return plan
    try:
        journal = apply_as_read(plan, sessions, journal=entries, patience=task.access.patience)
    except StalePlan as problem:
        return failed(STALE, problem)
    except NotAccepted as problem:
        return failed(NOT_ACCEPTED, problem)
    except XacctError as problem:
        return failed(problem.status, problem)
    try:
        found = _prove(task, sessions, journal)
    except XacctError as problem:
        found = replace(failed(NOT_PROVEN, problem), changes=journal.changes)
    return replace(found, found=len(task.approved or ()) - len(plan.changes))


def _plan_as_approved(task: SliceTask, sessions: SliceSessions) -> Plan | SliceResult:
    """Return the plan of a slice, or the result where something else is to be changed than was approved."""
    try:
        plan, state = _plan(task, sessions)
    except NotOwned as problem:
        if task.approved != ():
            raise
        return taken_over(task.slice, sessions, problem, task.since)
    if plan.changes and task.approved == ():
        return drifted(task.slice, sessions, (plan, state), task.since)
    if task.approved is None or any(change not in task.approved for change in plan.changes):
        return stale(task.slice, plan)
    return plan


def sessions_for(task: SliceTask) -> SliceSessions:
    """Return the sessions for the account of a task."""
    return opened(task.access).of(task.slice.grant, task.slice.side, task.slice.account)


def opened(access: FleetAccess) -> AccountSessions:
    """Return the sessions of this process: its threads share them.

    A forked process opens its own: over the connections of its parent, each would read the other's answers.
    """
    with _OPENING.setdefault(os.getpid(), threading.Lock()):
        return _opened_by(os.getpid(), access)


def forget_sessions() -> None:
    """Let this process open its sessions anew: profiles and credentials may be others than a while ago."""
    _opened_by.cache_clear()


@cache
def _opened_by(process: int, access: FleetAccess) -> AccountSessions:
    return access.open()


_OPENING = dict[int, threading.Lock]()
"""The lock of each process: a fork while a thread has it would leave it locked for ever."""


def _plan(task: SliceTask, sessions: SliceSessions) -> tuple[Plan, State]:
    """Return the plan of a slice, and the state for which it is made."""
    part = task.slice
    documents = build(part.grant, part.side)
    state = masked_if_unknown(part.grant, read_resources(documents, sessions))
    if state.resources:
        return diff(documents, state), state
    return diff_with(documents, state, lambda: task.unaccepted), state


def _prove(task: SliceTask, sessions: SliceSessions, journal: Journal) -> SliceResult:
    part, changes = task.slice, journal.changes
    result = SliceResult(*part.key, APPLIED if changes else UNCHANGED, changes)
    if part.side == SOURCE or not task.proves:
        return result
    patience = min(task.patience, task.access.patience)
    proof = prove(part.grant, sessions, patience=patience)
    ended = has_ended(part.grant.expires, utc(sessions.endpoint.clock.now()))
    found = replace(with_proof(result, proof), ended=ended)
    return found if proof.holds else replace(found, cause=_cause(task, proof))


def _cause(task: SliceTask, proof: Proof) -> str:
    """Return the first cause that the diagnosis of a denied call finds, "" where none was denied."""
    part = task.slice
    denied = next(
        (each for each in proof.asked if each.probe.expected == "Allowed" and not each.as_expected), None
    )
    if denied is None:
        return ""
    try:
        sides = opened(task.access).of(part.grant, part.side, part.account, and_source=True)
    except XacctError:  # the source accounts may belong to others
        sides = sessions_for(task)
    action = denied.probe.call.action if denied.probe.call else ""
    caller = sides.callers(denied.probe.source)[0].arn
    try:
        error = denial_text(part.grant, sides, denied)
        found = diagnose(part.grant, sides, error=error, caller=caller, role=denied.probe.role, action=action)
    except XacctError as problem:
        return f"The diagnosis could not be made: {problem.what}"
    return str(found.headline)


def _failed(part: Slice, status: str, problem: XacctError) -> SliceResult:
    reason = problem.what if problem.why == "" else f"{problem.what} {problem.why}"
    return SliceResult(*part.key, status, code=problem.code, reason=reason, hint=problem.hint)
