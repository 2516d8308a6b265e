"""The plan of one slice of a fleet: what is to be changed in one account, or undone there, with findings."""

from collections.abc import Callable
from dataclasses import replace

from xacct_nb.aws.iam_reads import each_read_once
from xacct_nb.aws.preconditions import remaining_changes
from xacct_nb.aws.reader import read_resources, with_surroundings
from xacct_nb.aws.retries import counted_retries
from xacct_nb.aws.undo import undo_journal
from xacct_nb.changes.planner import check_names, diff_with
from xacct_nb.errors import XacctError
from xacct_nb.fleets.live_findings import new_findings, unaccepted_of
from xacct_nb.fleets.plan import NOT_ACCEPTED, SlicePlan, Unplanned
from xacct_nb.grants.documents import build
from xacct_nb.runs.fleet.slice_work import SliceTask, sessions_for, waits_of


def plan_slice(task: SliceTask) -> SlicePlan | Unplanned:
    """Read what one account has; return its plan with the findings on it, or why it is left out."""
    return _planned(task, _plan_with_findings)


def plan_undo_slice(task: SliceTask) -> SlicePlan | Unplanned:
    """Return the plan that undoes what is left of a slice's changes, which are in `approved`."""
    return _planned(task, _plan_undo)


def _planned(task: SliceTask, make: Callable[[SliceTask], SlicePlan | Unplanned]) -> SlicePlan | Unplanned:
    with counted_retries() as counts:
        try:
            found = make(task)
        except XacctError as problem:
            found = Unplanned(*task.slice.key, problem.code, problem.what, problem.why or problem.hint)
    return replace(found, waits=waits_of(counts))


def _plan_with_findings(task: SliceTask) -> SlicePlan | Unplanned:
    """Return the plan; where something changes, with findings, for which more is read."""
    part, sessions = task.slice, sessions_for(task)
    documents = build(part.grant, part.side)
    with each_read_once():
        state = read_resources(documents, sessions)
        plan = diff_with(documents, state, lambda: task.unaccepted)
        if not plan.changes:
            return SlicePlan(part.side, part.account, plan)
        state = with_surroundings(documents, sessions, state)
    check_names(plan.changes, state)
    found = new_findings(documents, state, part.account, task.known)
    held = [each for each in unaccepted_of(found, part.grant.accept) if each.code not in task.unaccepted]
    if not held:
        return SlicePlan(part.side, part.account, plan, found)
    reason = " ".join(f"{each.code}: {each.where}. {each.why}" for each in held)
    codes = ", ".join(dict.fromkeys(each.code for each in held))
    hint = f"Add to the grant: accept: [{codes}], or leave the account out: except_accounts."
    return Unplanned(*part.key, NOT_ACCEPTED, reason, hint, found)


def _plan_undo(task: SliceTask) -> SlicePlan:
    part, sessions = task.slice, sessions_for(task)
    journal, _ = undo_journal(part.grant.name, task.approved or (), sessions, set(task.secrets))
    back = journal.undo_plan()
    remaining_changes(sessions, back)  # raises RollbackFailed
    return SlicePlan(part.side, part.account, back)
