"""A run's approval, checked against its plan and the ledger, kept in the record, and used once."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from xacct_nb.aws.clock import utc
from xacct_nb.aws.reader import read_resources
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.approval import (
    Approval,
    PlannedRun,
    UsedApproval,
    approval_used,
    outdated_plan,
    planned_elsewhere,
    unapproved_plan,
    valid_plans,
    validate_approval,
    with_origin,
)
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.planner import diff
from xacct_nb.changes.signed_approval import (
    SignedApproval,
    check_second_person,
    statement_problem,
    unsigned,
    with_signature,
)
from xacct_nb.errors import StalePlan, XacctError
from xacct_nb.grants.approvers import Approver, parse_approvers
from xacct_nb.runs.environment import user_name
from xacct_nb.runs.run_context import PlanApproval, RunRecord
from xacct_nb.storage.approval_history import Claim, place_of, plan_history, plans_elsewhere
from xacct_nb.storage.chain import append_lock
from xacct_nb.storage.signed_approvals import signed_approvals

_Events = Iterator[PlannedRun | UsedApproval]


def check_approval(run: RunRecord, plan: Plan, given: PlanApproval) -> None:
    """Keep the approval in the run's evidence, and check that it is valid for this plan.

    An invalid one is kept as it was given. Raises StalePlan, ApprovalUsed, ApprovalExpired, ApproverPlanned,
    ApproverUnknown, ApprovalUnsigned, DiskFull where the journal may have no room, UnknownRecord where the
    ledger cannot be read, and MissingTool.
    """
    run.evidence.reserve()
    approval = _given(run, plan, given)
    run.keep(approval)
    if approval.digest != plan.digest:
        history = plan_history(run.records, approval.digest, run.place.where)
        planned = next((each for each in history if isinstance(each, PlannedRun)), None)
        raise unapproved_plan(approval.digest, plan, planned.plan if planned else None)
    run.keep(_validated(run, approval, plan, _history(run, plan, given)))


def use_approval(run: RunRecord, plan: Plan, given: PlanApproval) -> None:
    """Claim the approval for this run right before its first change, if it is still valid.

    Of several runs with one approval, exactly one claims it; a claim stays when its run is killed. Raises
    what `check_approval` raises, and StalePlan where the claim cannot be written.
    """
    run.evidence.make_room()
    try:
        with append_lock(run.records):
            history = _history(run, plan, given)
            newest = next(history, None)
            events = chain([newest] if newest else [], history)
            _validated(run, _given(run, plan, given), plan, events)
            _claim(run, plan, newest).write(run.records)
    except FileExistsError as problem:
        raise approval_used("of another run") from problem
    except OSError as problem:
        raise StalePlan(
            "The approval cannot be marked as used, and nothing was changed.",
            why=f"{problem.filename or run.records}: {problem.strerror}",
            hint="Fix the cause, then run it again.",
        ) from problem


def approval_problem(run: RunRecord, plan: Plan) -> tuple[XacctError | None, str]:
    """Return why an approval by this user now would not be valid, and who planned it ("" where not known).

    In a form the plan counts as shown now. Nothing is written.
    """
    here, planner = _Here(plan.digest, utc() if run.attended else ""), ""
    try:
        planned = [each.by for each in _history(run, plan, here) if isinstance(each, PlannedRun)]
        planner = planned[-1] if planned else ""
        approval = _validated(run, _given(run, plan, here), plan, _history(run, plan, here))
    except XacctError as problem:
        return problem, planner
    return None, approval.planned_by


@dataclass(frozen=True)
class _Here:
    """An approval by this user, as it would be given in a form that shows the plan since a time."""

    digest: str
    approved_since: str
    note: str = ""
    at: str = ""


def check_fresh(plan: Plan, sessions: Sessions) -> None:
    """Raise StalePlan, with the differences, unless the plan is the one that would be made now."""
    documents = sessions.documents
    if (now := diff(documents, read_resources(documents, sessions))).digest != plan.digest:
        raise outdated_plan(plan, now)


def _claim(run: RunRecord, plan: Plan, newest: PlannedRun | UsedApproval | None) -> Claim:
    """Return the claim of the newest plan; one that this run showed to a person is named by that time too."""
    record = newest.record if newest else ""
    shown = newest.at if newest and record == run.id else ""
    return Claim(plan.digest, record, run.id, utc(), run.place.where, shown)


def _given(run: RunRecord, plan: Plan, given: PlanApproval) -> Approval:
    settings = run.settings
    note, at = given.note or settings.note, given.at or utc()
    about = {"reference": plan.reference, "shortened": "; ".join(plan.shortened)}
    return Approval(given.digest, user_name(), at, note, settings.ticket, **about)


def _validated(run: RunRecord, approval: Approval, plan: Plan, history: _Events) -> Approval:
    # AWS's time: this machine's clock may have been set back.
    settings, now = run.settings, utc(run.place.connection.clock.now())
    plans = valid_plans(history, now, settings.approval_hours)
    elsewhere = list(plans_elsewhere(run.records, plan.digest, run.place.where))
    if elsewhere and not plans:
        raise planned_elsewhere(elsewhere[-1].record, run.place.where)
    # The rules of a plan stay, wherever it was made: another spelling of an endpoint is another place.
    bound = [*plans, *elsewhere]
    two_people = settings.two_people or any(each.two_people for each in bound)
    required = dict.fromkeys([tuple(settings.approvers), *(each.approvers for each in bound)])
    if keys := [parse_approvers(each) for each in required if each]:
        signed = _signature(run, plan, plans, keys, two_people)
        return with_signature(with_origin(approval, plans), signed)
    return validate_approval(approval, plans, now, hours=settings.approval_hours, two_people=two_people)


def _signature(
    run: RunRecord,
    plan: Plan,
    plans: Sequence[PlannedRun],
    keys: Sequence[Sequence[Approver]],
    two_people: bool,
) -> SignedApproval:
    """Return the first signature that is valid for this plan. Raises ApprovalUnsigned, ApproverPlanned."""
    found = [
        replace(each, broken=statement_problem(each.statement, plans, plan, place_of(run.place.where)))
        if each.statement
        else each
        for each in signed_approvals(run.records, plan.digest, keys)
    ]
    problem: StalePlan = unsigned(plan, found)
    for signed in (each for each in found if not each.broken):
        try:
            if two_people:
                check_second_person(signed, plans)
            return signed
        except StalePlan as refused:
            problem = refused
    raise problem


def _history(run: RunRecord, plan: Plan, given: PlanApproval) -> _Events:
    """Yield the history, newest first, with the plan that this run itself showed to a person."""
    since = getattr(given, "approved_since", "")  # only a form knows when it showed the plan
    settings = run.settings
    rules = (settings.two_people, plan, tuple(settings.approvers))
    own = [PlannedRun(run.id, user_name(), since, *rules)] if since else []
    history = plan_history(run.records, plan.digest, run.place.where)
    return heapq.merge(history, own, key=lambda event: event.at, reverse=True)
