"""One run of a notebook, as the notebook's cells call it: its forms, its steps, its page."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xacct_nb.aws.clock import utc
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.decision_card import DecisionCard
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.proof import Proof
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.parameters import grant_of, to_display
from xacct_nb.jupyter.forms.approval_form import ApprovalForm
from xacct_nb.jupyter.forms.grant_form import GrantForm
from xacct_nb.runs.card import decision_card
from xacct_nb.runs.grant_forms import act_as, edited, grant_form
from xacct_nb.runs.recorded_run import RecordedRun
from xacct_nb.runs.run_context import PlanApproval
from xacct_nb.runs.steps import apply_plan, open_run_sessions, prove_access

if TYPE_CHECKING:  # most runs need none of them
    from xacct_nb.fleets.discovery import Discovery
    from xacct_nb.runs.denial.inquiry import Inquiry
    from xacct_nb.runs.discovery import WrittenGrants
    from xacct_nb.runs.fleet.fleet_rollback import FleetRollback
    from xacct_nb.runs.fleet.fleet_run import FleetRun
    from xacct_nb.runs.fleet.prove_many import ProofOfMany
    from xacct_nb.runs.handoff.handover import Handover
    from xacct_nb.runs.narrowing_run import AccessNarrowing
    from xacct_nb.runs.page.one_page import OnePage
    from xacct_nb.runs.review.review_run import ReviewRun
    from xacct_nb.runs.rollback import Rollback


@dataclass(repr=False)
class Run(RecordedRun):
    """A run as its notebook sees it.

    `keep` writes a value to the run's evidence and returns it; `apply`, `prove` and `undo` decide the run's
    status. A run changes AWS once: a record holds one change, so that one rollback undoes it.
    """

    one_page: "OnePage | None" = None

    def grant(self) -> Grant:
        """Return the grant as the run plans it. Raises InvalidGrant, UnresolvedSecret, InvalidParameters."""
        return self.prepared(grant_of(self.parameters))

    def form(self) -> GrantForm:
        """Return the grant as a form to edit (`.grant` is its value); headless, it passes through."""
        self.guards.check()
        return self.guards.watch(grant_form(self))

    def approval(self, plan: Plan) -> ApprovalForm:
        """Ask for approval of exactly this plan; without a person, the parameter `approve` is used.

        Raises OutOfDate where the form was changed since, InvalidGrant while it is not valid.
        """
        asked = ApprovalForm(
            plan,
            self.settings.approve,
            live=self.attended,
            note=self.settings.note,
            clock=utc,
            signed=bool(self.settings.approvers),
            card=self.card(plan),
        )
        return self.guards.ask(asked)

    def card(self, plan: Plan) -> DecisionCard:
        """Return what a person must know before they approve the plan; the run's record has it too."""
        self.guards.check_open()
        return self.keep(decision_card(self, plan))

    def open_sessions(self, grant: Grant, side: str = "") -> Sessions:
        """Return the sessions. Raises MissingProfile, NoCredentials, WrongAccount, AwsBusy, ClockOff."""
        self.guards.check_grant(grant)
        self.guards.forget_sessions()
        self.basis.forget_sessions()
        if self.guards.form is not None:
            act_as(self, self.guards.form.settings)
        sessions = open_run_sessions(self, grant, side)
        self.guards.open(sessions)
        self.basis.sessions = sessions
        if changed := edited(self, grant):
            self.evidence.add("parameters", to_display(self.parameters) | changed)
        return sessions

    def apply(self, plan: Plan, sessions: Sessions, approval: PlanApproval) -> Journal:
        """Apply the plan if it was approved; else change nothing.

        Raises StalePlan, NotAccepted, RolledBack, RollbackFailed, and InvalidInput where this run has applied
        another plan already.
        """
        return apply_plan(self, plan, sessions, approval)

    def prove(self, grant: Grant, sessions: Sessions) -> Proof:
        """Send every probe of the grant to AWS; none where the run only plans. Raises ProofFailed."""
        self.guards.check(grant)
        self.guards.check_open(sessions)
        return prove_access(self, grant, sessions)

    def page(self) -> "OnePage":
        """Return the whole path on one page; without a person it goes through like the notebooks' cells."""
        from xacct_nb.runs.page.one_page import OnePage

        self.one_page = OnePage(self)
        return self.one_page

    def undo(self) -> "Rollback | FleetRollback":
        """Return the rollback of the named record, else of the newest change. Raises UnknownRecord."""
        from xacct_nb.runs.rollback import Rollback, find_record

        record = find_record(self.records, self.settings.record)
        if record is not None and record.fleet is not None:
            from xacct_nb.runs.fleet.fleet_rollback import FleetRollback

            return FleetRollback(self, record, record.fleet)
        return Rollback(self, record)

    def fleet(self) -> "FleetRun":
        """Return the fleet that the parameters or a fleet file describe."""
        from xacct_nb.runs.fleet.fleet_run import FleetRun

        return FleetRun(self)

    def many(self) -> "ProofOfMany":
        """Return the proof of the fleet that the parameters describe, or of the past changes they name.

        Raises InvalidGrant, InvalidParameters, UnknownRecord, AwsRefused.
        """
        from xacct_nb.runs.fleet.prove_many import ProofOfMany

        return ProofOfMany(self)

    def handover(self) -> "Handover":
        """Return the hand-over that the parameters describe. Raises InvalidHandoff."""
        from xacct_nb.runs.handoff.handover import Handover

        return Handover(self)

    def inquiry(self) -> "Inquiry":
        """Return the inquiry into the denial that the parameters describe."""
        from xacct_nb.runs.denial.inquiry import Inquiry

        return Inquiry(self)

    def review(self) -> "ReviewRun":
        """Return the review of access that the parameters describe."""
        from xacct_nb.runs.review.review_run import ReviewRun

        return ReviewRun(self)

    def narrowing(self) -> "AccessNarrowing":
        """Return the narrowing of the grant by what is used. Raises InvalidGrant, UnresolvedSecret."""
        from xacct_nb.runs.narrowing_run import AccessNarrowing

        return AccessNarrowing(self, self.grant())

    def discover(self) -> "Discovery":
        """Return what is in the accounts of the parameters, with the grants that give the same."""
        from xacct_nb.runs.discovery import discover_for

        return discover_for(self)

    def write_grants(self, discovery: "Discovery") -> "WrittenGrants":
        """Write the declared grants to the file that the parameters name, if they name one."""
        from xacct_nb.runs.discovery import write_for

        return write_for(self, discovery)
