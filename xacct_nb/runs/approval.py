"""A run's approval, checked against its plan and the ledger, and kept in the record."""

import heapq
from collections.abc import Iterator

from xacct_nb.aws.clock import utc
from xacct_nb.changes.approval import Approval, PlannedRun, UsedApproval, unapproved_plan, validate_approval
from xacct_nb.changes.plan import Plan
from xacct_nb.runs.environment import user_name
from xacct_nb.runs.run_context import PlanApproval, RunContext
from xacct_nb.storage.approval_history import plan_history


def check_approval(run: RunContext, plan: Plan, given: PlanApproval) -> None:
    """Keep the approval in the run's evidence, and check that it is valid for this plan.

    An invalid one is kept as it was given. Raises StalePlan, ApprovalUsed, ApprovalExpired, ApproverPlanned,
    and UnknownRecord where the ledger cannot be read.
    """
    settings, now = run.settings, utc()
    approval = Approval(
        given.digest,
        user_name(),
        given.at or now,
        given.note or settings.note,
        settings.ticket,
        reference=plan.reference,
    )
    run.keep(approval)
    history = plan_history(run.records, approval.digest, "sandbox" if settings.sandbox else "AWS")
    if approval.digest != plan.digest:
        planned = next((each for each in history if isinstance(each, PlannedRun)), None)
        raise unapproved_plan(approval.digest, plan, planned.plan if planned else None)
    known = _with_own_plan(run, history, plan, given)
    hours, two_people = settings.approval_hours, settings.two_people
    run.keep(validate_approval(approval, known, now, hours=hours, two_people=two_people))


def _with_own_plan(
    run: RunContext, history: Iterator[PlannedRun | UsedApproval], plan: Plan, given: PlanApproval
) -> Iterator[PlannedRun | UsedApproval]:
    """Yield the history, newest first, with the plan that this run itself showed to a person."""
    since = getattr(given, "approved_since", "")  # only a form knows when it showed the plan
    own = [PlannedRun(run.id, user_name(), since, run.settings.two_people, plan)] if since else []
    return heapq.merge(history, own, key=lambda event: event.at, reverse=True)
