"""A run's approval: asked for, held against the plan that stands and the ledger, and kept in the record."""

import heapq
from collections.abc import Iterator
from typing import Any

from xacct_nb.changes.approval import (
    Approval,
    ApprovalRules,
    PlannedRun,
    UsedApproval,
    unapproved_plan,
    validate_approval,
)
from xacct_nb.changes.plan import Plan
from xacct_nb.runs.environment import user_name
from xacct_nb.runs.sealing import utc
from xacct_nb.storage.approval_history import plan_history


def ask_approval(run: Any, plan: Plan) -> Any:
    """Asks whether exactly this plan is approved; without a person the parameter `approve` answers."""
    from xacct_nb.jupyter.approval_form import ApprovalForm

    given = run.settings
    return ApprovalForm(plan, given.approve, live=not run.headless, note=given.note, clock=utc)


def check_approval(run: Any, plan: Plan, asked: Any) -> None:
    """Keeps the approval in the run's evidence, if it counts for this plan.

    One that does not is kept too, as it was given. Raises StalePlan, ApprovalUsed, ApprovalExpired,
    ApproverPlanned, and UnknownRecord where the ledger cannot be read.
    """
    given, now = run.settings, utc()
    approval = Approval(asked.digest, user_name(), asked.at or now, asked.note or given.note, given.ticket)
    run.keep(approval)
    known = plan_history(run.records, approval.digest, "sandbox" if given.sandbox else "AWS")
    if approval.digest != plan.digest:
        made = next((each for each in known if isinstance(each, PlannedRun)), None)
        raise unapproved_plan(approval.digest, plan, made.plan if made else None)
    rules = ApprovalRules(given.approval_hours, given.two_people)
    run.keep(validate_approval(approval, _with_own(run, known, plan, asked), rules, now))


def _with_own(
    run: Any, known: Iterator[PlannedRun | UsedApproval], plan: Plan, asked: Any
) -> Iterator[PlannedRun | UsedApproval]:
    """With the plan that a person was asked about in this very run; what is as new counts as newer."""
    since = getattr(asked, "approved_since", "")
    own = [PlannedRun(run.id, user_name(), since, run.settings.two_people, plan)] if since else []
    return heapq.merge(known, own, key=lambda event: event.at, reverse=True)
