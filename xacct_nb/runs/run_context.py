"""What the steps of a run need of it: approval, roll-back and inquiry know a run only as this."""

from pathlib import Path
from typing import Protocol, TypeVar

from xacct_nb.aws.sessions import Endpoint, Sessions
from xacct_nb.changes.approval import Approval
from xacct_nb.changes.journal import Entry, Journal
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.proof import Proof
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.parameters import Settings
from xacct_nb.grants.state import State
from xacct_nb.linting.findings import Findings
from xacct_nb.storage.evidence import Evidence

# The values that a run keeps as evidence, and the kind of each event.
Kept = TypeVar("Kept", State, Findings, Plan, Approval, Journal, Proof)
EVIDENCE_KINDS: dict[type, str] = {
    State: "before",
    Findings: "findings",
    Plan: "plan",
    Approval: "approval",
    Journal: "journal",
    Proof: "proof",
}


class PlanApproval(Protocol):
    """An answer to the question for approval: a form, or an Approval that was made elsewhere."""

    @property
    def digest(self) -> str:
        """The digest of the approved plan, "" while there is none."""

    @property
    def note(self) -> str:
        """A note for the record."""

    @property
    def at(self) -> str:
        """When a person approved the plan (UTC), "" where the parameters did."""


class RunContext(Protocol):
    """A run: its settings, its evidence, and the steps that decide its status."""

    settings: Settings
    evidence: Evidence
    applied: tuple[str, Journal] | None
    touched: bool

    @property
    def id(self) -> str:
        """The id of the run's record."""

    @property
    def headless(self) -> bool:
        """Whether `xacct-nb run` started it, so that no person can fill in a form."""

    @property
    def records(self) -> Path:
        """The records folder."""

    def open_endpoint(self, partition: str = "") -> Endpoint:
        """Return where the calls go: the sandbox, or AWS."""

    def open_sessions(self, grant: Grant) -> Sessions:
        """Return the sessions that the settings name."""

    def keep(self, value: Kept) -> Kept:
        """Write a value to the evidence, and return it."""

    def append(self, entry: Entry) -> None:
        """Write an entry of the journal to the evidence."""

    def decide(self, plan: Plan, approval: PlanApproval) -> bool:
        """Return whether the plan is to be applied; set the status."""

    def keep_applied(self, plan: Plan, journal: Journal) -> Journal:
        """Keep the journal of the plan that the run applied."""

    def applied_before(self, plan: Plan) -> Journal:
        """Return the journal of this plan, which the run has applied already."""
