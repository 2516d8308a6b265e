"""A run's approval, checked against its plan and the ledger, kept in the record, and used once."""

import heapq
from collections.abc import Iterator
from itertools import chain

from xacct_nb.aws.clock import utc
from xacct_nb.aws.reader import read
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.approval import (
    Approval,
    PlannedRun,
    UsedApproval,
    approval_used,
    outdated_plan,
    unapproved_plan,
    validate_approval,
)
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.planner import diff
from xacct_nb.errors import StalePlan
from xacct_nb.grants.documents import build
from xacct_nb.runs.environment import user_name
from xacct_nb.runs.run_context import PlanApproval, RunContext
from xacct_nb.storage.approval_history import Claim, plan_history
from xacct_nb.storage.chain import append_lock

_Events = Iterator[PlannedRun | UsedApproval]


def check_approval(run: RunContext, plan: Plan, given: PlanApproval) -> None:
    """Keep the approval in the run's evidence, and check that it is valid for this plan.

    An invalid one is kept as it was given. Raises StalePlan, ApprovalUsed, ApprovalExpired, ApproverPlanned,
    ApproverUnknown, and UnknownRecord where the ledger cannot be read.
    """
    approval = _given(run, plan, given)
    run.keep(approval)
    if approval.digest != plan.digest:
        history = plan_history(run.records, approval.digest, run.place.where)
        planned = next((each for each in history if isinstance(each, PlannedRun)), None)
        raise unapproved_plan(approval.digest, plan, planned.plan if planned else None)
    run.keep(_validated(run, approval, _history(run, plan, given)))


def use_approval(run: RunContext, plan: Plan, given: PlanApproval) -> None:
    """Claim the approval for this run right before its first change, if it is still valid.

    Of several runs with one approval, exactly one claims it; a claim stays when its run is killed. Raises
    what `check_approval` raises, and StalePlan where the claim cannot be written.
    """
    try:
        with append_lock(run.records):
            history = _history(run, plan, given)
            newest = next(history, None)
            _validated(run, _given(run, plan, given), chain([newest] if newest else [], history))
            _claim(run, plan, newest).write(run.records)
    except FileExistsError as problem:
        raise approval_used("of another run") from problem
    except OSError as problem:
        raise StalePlan(
            "The approval cannot be marked as used, and nothing was changed.",
            why=f"{problem.filename or run.records}: {problem.strerror}",
            hint="Fix the cause, then run it again.",
        ) from problem


def check_fresh(plan: Plan, sessions: Sessions) -> None:
    """Raise StalePlan, with the differences, unless the plan is the one that would be made now."""
    documents = build(sessions.grant)
    if (now := diff(documents, read(documents, sessions))).digest != plan.digest:
        raise outdated_plan(plan, now)


def _claim(run: RunContext, plan: Plan, newest: PlannedRun | UsedApproval | None) -> Claim:
    """Return the claim of the newest plan; one that this run showed to a person is named by that time too."""
    record = newest.record if newest else ""
    shown = newest.at if newest and record == run.id else ""
    return Claim(plan.digest, record, run.id, utc(), run.place.where, shown)


def _given(run: RunContext, plan: Plan, given: PlanApproval) -> Approval:
    settings = run.settings
    note, at = given.note or settings.note, given.at or utc()
    return Approval(given.digest, user_name(), at, note, settings.ticket, reference=plan.reference)


def _validated(run: RunContext, approval: Approval, history: _Events) -> Approval:
    hours, two_people = run.settings.approval_hours, run.settings.two_people
    return validate_approval(approval, history, utc(), hours=hours, two_people=two_people)


def _history(run: RunContext, plan: Plan, given: PlanApproval) -> _Events:
    """Yield the history, newest first, with the plan that this run itself showed to a person."""
    since = getattr(given, "approved_since", "")  # only a form knows when it showed the plan
    own = [PlannedRun(run.id, user_name(), since, run.settings.two_people, plan)] if since else []
    history = plan_history(run.records, plan.digest, run.place.where)
    return heapq.merge(history, own, key=lambda event: event.at, reverse=True)
