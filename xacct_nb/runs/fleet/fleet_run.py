"""A run over a fleet, as the cells of its notebook call it: accounts, plan, apply, and what is not proven."""

from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from xacct_nb.aws.account_sessions import FleetAccess
from xacct_nb.aws.clock import utc
from xacct_nb.aws.sessions import open_sessions
from xacct_nb.changes.journal import Entry, Journal
from xacct_nb.errors import XacctError
from xacct_nb.fleets.expansion import ExpandedFleet, expand
from xacct_nb.fleets.fleet import Fleet, FleetFile, fleet_of
from xacct_nb.fleets.organization import Organization
from xacct_nb.fleets.plan import FleetPlan, Waits
from xacct_nb.fleets.plan_notes import declared_findings, plan_notes
from xacct_nb.fleets.result import FleetResult
from xacct_nb.grants.settings import Settings
from xacct_nb.handoff.fleet_request import asked_fleet
from xacct_nb.jupyter.forms.approval_form import ApprovalForm
from xacct_nb.records.fields import RecordedFleet
from xacct_nb.runs.fleet.asked_fleet import AskedFleet, asked_fleet_of
from xacct_nb.runs.fleet.fleet_edits import FleetEdits
from xacct_nb.runs.fleet.fleet_work import apply_fleet, plan_fleet, prove_fleet
from xacct_nb.runs.fleet.not_as_declared import not_as_declared
from xacct_nb.runs.fleet.schedulers import executor_of
from xacct_nb.runs.fleet.slice_work import opened
from xacct_nb.runs.fleet.work_progress import WorkProgress
from xacct_nb.runs.grant_forms import FormRun
from xacct_nb.runs.handoff.fleet_requests import owners_parts
from xacct_nb.runs.loading import load_fleet
from xacct_nb.runs.run_context import PlanApproval, RunContext
from xacct_nb.views import Page, Shown, View


class FleetRun(Shown):
    """The fleet of a run: from a fleet file, or one grant of the run's parameters."""

    def __init__(self, run: FormRun, expanded: ExpandedFleet | None = None, account_role: str = "") -> None:
        self.run, self._account_role = run, account_role
        self._result: FleetResult | None = None
        self._edits: FleetEdits | None = None
        self._plan: FleetPlan | None = None
        if expanded:  # that of a record
            self.declared, self.expanded = expanded.fleet, expanded
        run.tells_calls = False

    def form(self) -> Shown:
        """Return the grant of the parameters as a form to edit; headless, it passes through.

        A fleet file is shown, with where to edit it. Raises what reading either of them raises.
        """
        if self.asked:
            return self.asked
        if self.settings.fleet:
            return FleetFile(self.settings.fleet, self.declared)
        self._edits = FleetEdits(self.run, self._forget)
        self._forget()
        return self._edits.form

    @cached_property
    def asked(self) -> AskedFleet | None:
        """The request of another owner that this run answers, if it does. Raises InvalidHandoff."""
        return asked_fleet_of(self.run)

    @property
    def settings(self) -> Settings:
        """The settings of the run."""
        return self.run.settings

    @cached_property
    def declared(self) -> Fleet:
        """The fleet as it was declared, or as the form has it.

        Raises InvalidGrant, UnreadableGrant, UnresolvedSecret.
        """
        if self._edits:
            return self._edits.fleet().shortened(self.settings.until)
        if self.asked:
            return self.asked.fleet
        if self.settings.fleet:
            fleet = load_fleet(self.settings.fleet, allow_references=self.settings.allow_references)
        else:
            fleet = fleet_of(self.run.parameters)
        return fleet.resolved(self.run.look_up_secret).shortened(self.settings.until)

    @cached_property
    def access(self) -> FleetAccess:
        """How the accounts are reached."""
        found = fleet_access(self.run, self.partition, self._account_role)
        return replace(found, source_profiles=(), caller_profiles=()) if self.asked else found

    @property
    def partition(self) -> str:
        """The partition of the fleet."""
        return self.declared.grants[0].template.partition

    @cached_property
    def expanded(self) -> ExpandedFleet:
        """The fleet with its accounts. Raises InvalidGrant, InvalidOrganization, AwsRefused."""
        if self.asked:
            found = asked_fleet(self.declared)
        else:
            found = expand(self.declared, self._organization())
            found = replace(found, parts=owners_parts(self.declared, self.run.records))
        if self.settings.sandbox:
            self._make_members(found)
        return found

    def plan(self) -> FleetPlan:
        """Read every account and return the plan; nothing is changed."""
        with executor_of(self.settings.scheduler) as executor:
            found = plan_fleet(self.expanded, self.access, executor=executor, progress=self.progress)
        now = self._now()
        findings = declared_findings(self.expanded, now)
        self._plan = plan = replace(found, notes=plan_notes(self.expanded, found, now))
        self.observe(found.waits)
        self.run.keep(replace(findings, found=(*findings.found, *plan.findings.found)))
        self.run.keep(plan.whole)
        self.note(plan)
        if self._edits:
            self._edits.note(plan.digest)
        return plan

    def approval(self, plan: FleetPlan) -> ApprovalForm:
        """Ask for approval of exactly this plan, as for a plan of one grant.

        Raises OutOfDate where the form was changed since, InvalidGrant while it is not valid.
        """
        self._check_current(plan)
        return self.run.approval(plan.whole)

    def apply(self, plan: FleetPlan, approval: PlanApproval) -> FleetResult | Shown:
        """Apply the plan if it was approved, and prove the access, account by account.

        Without approval nothing is changed; where there is nothing to change, the access is proven. Raises
        StalePlan, NotAccepted, and InvalidInput where this run has applied another plan already.
        """
        run, whole = self.run, plan.whole
        if run.applied is not None:
            before = run.applied_before(whole)
            return self._result or before
        self._check_current(plan)
        if not run.decide(whole, None, approval):
            return Journal(plan.fleet) if plan.changed else self.prove(plan)
        entries, settings = KeptJournal(run), self.settings
        with run.changing(), executor_of(settings.scheduler) as executor:
            result = apply_fleet(
                self.expanded,
                plan,
                self.access,
                approved=approval.digest,
                journal=entries,
                executor=executor,
                waves=settings.waves,
                tolerance=settings.tolerance,
                spool=Path(settings.spool) if settings.spool else None,
                progress=self.progress,
            )
        self._result = result
        self.observe(result.waits)
        changes = tuple(change for each in result.results for change in each.changes)
        run.keep_applied(whole, Journal(plan.fleet, changes, tuple(entries.kept)))
        self.note(plan, result)
        if result.is_interrupted:
            raise KeyboardInterrupt(result.summary)
        return result

    def prove(self, plan: FleetPlan) -> FleetResult:
        """Prove the access in every account; nothing is changed."""
        with executor_of(self.settings.scheduler) as executor:
            result = prove_fleet(self.expanded, self.access, executor=executor, progress=self.progress)
        self.observe(result.waits)
        self.note(plan, result)
        return result

    @property
    def progress(self) -> WorkProgress:
        """What shows how far the work is."""
        return WorkProgress(self.run.headless)

    def verify(self, result: FleetResult | Shown) -> Shown:
        """Return the result where every account is as the fleet says.

        Raises RollbackFailed where something is left, ProofFailed or NotProven where an account is not as it
        should be; the accounts are named with their causes.
        """
        if not isinstance(result, FleetResult):
            return result
        if self.asked and self._plan and any(each.is_good for each in result.results):
            sent = self.asked.answer(self.expanded, self._plan, result, self.access)
            if result.holds:
                self.run.status = self.run.status if self.run.applied else "no-change"
                return sent
        if result.holds:
            self.run.status = "succeeded" if self.run.applied else "no-change"
            return result
        raise not_as_declared(result)

    def view(self) -> View:
        """Return the declaration, and the accounts."""
        return Page("Fleet", (self.declared.view(), self.expanded.view()))

    def _check_current(self, plan: FleetPlan) -> None:
        if self._edits:
            self._edits.check(plan.digest)

    def _forget(self) -> None:
        """Forget what was made of the declaration: the form has another one."""
        for name in ("declared", "expanded", "access"):
            vars(self).pop(name, None)

    def _organization(self) -> Organization | None:
        if not self.settings.organization_profile:
            return None
        from xacct_nb.runs.fleet.organization_loading import load_organization

        profile = self.settings.organization_profile
        endpoint = self.run.place.connection.watched(self.access.endpoint)
        sessions = open_sessions(source_profiles=[profile], endpoint=endpoint)
        return load_organization(self.declared, sessions, profile)

    def _now(self) -> str:
        """Return the time (UTC) by AWS's clock; by this machine's where no profile could be opened."""
        with suppress(XacctError):
            return utc(opened(self.access).named.endpoint.clock.now())
        return utc()

    def _make_members(self, found: ExpandedFleet) -> None:
        """Let the sandbox have the accounts of the fleet, with the role that an organization makes there."""
        from xacct_nb.runs.sandboxes import add_member_accounts, open_sandbox
        from xacct_nb.sandbox.server.accounts import DESTINATION, SOURCE

        _ = self.access  # it starts the sandbox
        own = {each.account for each in found.slices if each.side != "source"}
        add_member_accounts(open_sandbox(), own - {SOURCE, DESTINATION}, DESTINATION)

    def observe(self, waits: Waits) -> None:
        """Note in the run how often calls were retried, and AWS's time, which the fleet's clients saw."""
        connection = self.run.place.connection
        connection.retries.note(waits.retries, waits.seconds)
        with suppress(XacctError):
            connection.clock = opened(self.access).named.endpoint.clock
        self.run.place.note()

    def note(self, plan: FleetPlan, result: FleetResult | None = None) -> None:
        """Write what a record has of a fleet, besides its plan and its journal."""
        note_sessions(self.run, self.access)
        short = result and replace(result, results=tuple(each.without_changes() for each in result.results))
        accounts = {each.declared.name: each.accounts for each in self.expanded.grants}
        described, asked = self.expanded.described, self.asked is not None
        about = RecordedFleet(self.declared.to_json(), accounts, plan.groups, short, described, asked)
        self.run.evidence.add("fleet", about.to_json())


def fleet_access(run: RunContext, partition: str, account_role: str = "") -> FleetAccess:
    """Return how a run reaches the accounts of a fleet; `account_role` is that of its record."""
    endpoint, settings = run.place.open(partition), run.settings
    return FleetAccess(
        tuple(settings.source_profiles),
        tuple(settings.destination_profiles),
        tuple(settings.caller_profiles),
        settings.account_role or account_role,
        partition,
        endpoint.config_file,
        endpoint.credentials_file,
        endpoint.endpoint_url,
        float(settings.patience_seconds),
    )


def note_sessions(run: RunContext, access: FleetAccess) -> None:
    """Write who every session was into the run's evidence."""
    with suppress(XacctError):  # no profile could be opened: each account says so
        run.evidence.add("sessions", opened(access).named.to_json())


class KeptJournal:
    """Writes the entries of the journal into the run's evidence, one at a time, and keeps them."""

    def __init__(self, run: RunContext) -> None:
        self.run, self.kept = run, list[Entry]()

    def append(self, entry: Entry) -> None:
        """Take an entry."""
        self.run.append(entry)
        if entry.answer:
            self.kept.append(entry)
