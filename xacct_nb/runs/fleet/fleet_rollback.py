"""The rollback of a fleet's record: its plan over all accounts, and the changes, in a run of its own."""

from collections.abc import Mapping
from typing import Any

from xacct_nb.changes.journal import Journal
from xacct_nb.changes.plan import Plan
from xacct_nb.errors import RollbackFailed
from xacct_nb.fleets.expansion import ExpandedFleet, ExpandedGrant
from xacct_nb.fleets.fleet import Fleet, FleetGrant
from xacct_nb.fleets.plan import FleetPlan
from xacct_nb.fleets.result import DRIFTED, FleetResult
from xacct_nb.records.fields import RecordedFleet
from xacct_nb.records.model import Record
from xacct_nb.runs.fleet.fleet_run import FleetRun, KeptJournal
from xacct_nb.runs.fleet.fleet_work import not_undone, plan_rollback, roll_back_fleet
from xacct_nb.runs.fleet.work_progress import WorkProgress
from xacct_nb.runs.grant_forms import FormRun
from xacct_nb.runs.rollback import NoSessionsEnded
from xacct_nb.runs.run_context import PlanApproval
from xacct_nb.storage.references import resolve_reference
from xacct_nb.views import Shown, View

_AGAIN = "Fix the causes, then roll the record back again."
_CHANGED_SINCE = "Roll later runs back first, newest first (xacct-nb records list), then this record again."


class FleetRollback(Shown):
    """The rollback of a record of a fleet; `plan`, `apply` and `prove` as for that of a grant."""

    def __init__(self, run: FormRun, record: Record, fleet: RecordedFleet) -> None:
        self.run, self.record = run, record
        self.fleet = FleetRun(run, expanded_of(fleet), str(record.parameters.get("account_role", "")))
        self.found = FleetPlan(self.fleet.expanded.fleet.name, ())

    def view(self) -> View:
        """Return the record that is rolled back."""
        return self.record.view()

    def plan(self) -> Plan:
        """Return the plan that undoes what is left in all accounts; nothing is changed."""
        if self.run.applied is not None:
            return self.found.whole
        plan, journal = self.record.plan or Plan("", ()), self.record.journal or Journal("")
        reference = self.run.settings.external_id
        self.run.evidence.add("undoes", self.record.id)
        self.run.basis.undoes = self.record
        self.found = plan_rollback(
            self.fleet.expanded,
            journal.changes or plan.changes,
            self.fleet.access,
            secrets=filter(None, [resolve_reference(reference)] if reference else []),
            progress=WorkProgress(self.run.headless),
        )
        self.fleet.observe(self.found.waits)
        self.fleet.note(self.found)
        return self.found.whole

    def apply(self, approval: PlanApproval) -> Shown:
        """Make the rollback if it was approved.

        Raises StalePlan, and RollbackFailed where something is left.
        """
        run, whole = self.run, self.found.whole
        if run.applied is not None:
            return run.applied_before(whole)
        if not run.decide(whole, None, approval):
            return Journal(whole.grant) if whole.changes or not self.found.unplanned else self._none_undone()
        entries = KeptJournal(run)
        with run.changing():
            result = roll_back_fleet(
                self.fleet.expanded,
                self.found,
                self.fleet.access,
                approved=approval.digest,
                journal=entries,
                progress=WorkProgress(run.headless),
            )
        self.fleet.observe(result.waits)
        changes = tuple(change for each in result.results for change in each.changes)
        run.keep_applied(whole, Journal(whole.grant, changes, tuple(entries.kept)), needs_proof=False)
        self.fleet.note(self.found, result)
        if result.is_interrupted:
            raise KeyboardInterrupt(result.summary)
        return _all_undone(result)

    def _none_undone(self) -> FleetResult:
        """Say of each account why it is left as it is. Raises RollbackFailed."""
        left = tuple(map(not_undone, self.found.unplanned))
        result = FleetResult(self.found.fleet, left, is_rollback=True)
        self.fleet.note(self.found, result)
        return _all_undone(result)

    def prove(self) -> Shown:
        """Return that no session was ended: the rollback of a fleet ends none."""
        return NoSessionsEnded()


def _all_undone(result: FleetResult) -> FleetResult:
    """Return the result. Raises RollbackFailed, naming the accounts, where something is left."""
    if result.holds:
        return result
    causes = [f"{each.account} {each.grant}: {each.reason}" for each in result.missing]
    drifted = all(each.status == DRIFTED for each in result.missing)
    raise RollbackFailed(result.summary, why="\n".join(causes), hint=_CHANGED_SINCE if drifted else _AGAIN)


def expanded_of(fleet: RecordedFleet) -> ExpandedFleet:
    """Return the fleet of a record with the accounts that it had then; external IDs are fingerprints."""
    declared = Fleet(**_fields(fleet.declared))
    grants = tuple(_with_accounts(each, fleet.accounts) for each in declared.grants)
    return ExpandedFleet(declared, grants, fleet.described, asked=fleet.asked)


def _with_accounts(grant: FleetGrant, accounts: Mapping[str, tuple[str, ...]]) -> ExpandedGrant:
    return ExpandedGrant(grant, tuple(accounts[grant.name]), {})


def _fields(declared: Mapping[str, Any]) -> dict[str, Any]:
    return {**declared, "grants": [dict(each) for each in declared["grants"]]}
