"""What the steps of a run need of it: their only interface to a run, and the lock on its grant."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.approval import Approval
from xacct_nb.changes.decision_card import DecisionCard
from xacct_nb.changes.journal import Entry, Journal
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.proof import Proof
from xacct_nb.errors import NotProven
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.settings import Settings
from xacct_nb.grants.state import State
from xacct_nb.jupyter.forms.approval_form import ApprovalForm
from xacct_nb.linting.findings import Findings
from xacct_nb.records.model import Record
from xacct_nb.runs.place import Place
from xacct_nb.storage.evidence import Evidence
from xacct_nb.storage.locks import exclusive_lock

# The values that a run keeps as evidence, and the kind of each event.
Kept = TypeVar("Kept", State, Findings, Plan, DecisionCard, Approval, Journal, Proof)
EVIDENCE_KINDS: dict[type, str] = {
    State: "before",
    Findings: "findings",
    Plan: "plan",
    DecisionCard: "card",
    Approval: "approval",
    Journal: "journal",
    Proof: "proof",
}


class PlanApproval(Protocol):
    """An answer to the question for approval: a form, or an Approval that was made elsewhere.

    `digest` is that of the approved plan, "" while there is none; `at` is when a person approved it (UTC),
    "" where the parameters did.
    """

    @property
    def digest(self) -> str: ...
    @property
    def note(self) -> str: ...
    @property
    def at(self) -> str: ...


@dataclass
class CardBasis:
    """What a run has opened and read so far, for its card; `undoes` is the record that it rolls back."""

    sessions: Sessions | None = None
    state: State | None = None
    findings: Findings | None = None
    undoes: Record | None = None

    def forget_sessions(self) -> None:
        """Forget the sessions, and what was read by them: others are opened."""
        self.sessions = self.state = self.findings = None

    def note(self, value: Any) -> None:
        """Keep a state or findings that the run keeps."""
        if isinstance(value, State):
            self.state = value
        elif isinstance(value, Findings):
            self.findings = value


class RunRecord(Protocol):
    """What a run records, as `recorded_run.RecordedRun` implements it: its settings and its evidence."""

    settings: Settings
    parameters: Mapping[str, Any]
    evidence: Evidence
    status: str
    left_open: NotProven | None
    patience: float
    applied: tuple[str, Journal] | None
    touched: bool
    basis: CardBasis
    tells_calls: bool

    @property
    def id(self) -> str: ...
    @property
    def headless(self) -> bool: ...
    @property
    def place(self) -> Place: ...
    @property
    def attended(self) -> bool: ...
    @property
    def records(self) -> Path: ...
    def keep(self, value: Kept) -> Kept: ...
    def append(self, entry: Entry) -> None: ...
    def decide(self, plan: Plan, sessions: Sessions | None, approval: PlanApproval) -> bool: ...
    def changing(self) -> AbstractContextManager[None]: ...
    def keep_applied(self, plan: Plan, journal: Journal, *, needs_proof: bool = True) -> None: ...
    def note_proof(self, proof: Proof) -> None: ...
    def applied_before(self, plan: Plan) -> Journal: ...
    def look_up_secret(self, grant: Grant) -> Grant: ...


class RunContext(RunRecord, Protocol):
    """A run, as `notebook_run.Run` implements it: what it records, and its steps."""

    def approval(self, plan: Plan) -> ApprovalForm: ...
    def open_sessions(self, grant: Grant, side: str = "") -> Sessions: ...
    def apply(self, plan: Plan, sessions: Sessions, approval: PlanApproval) -> Journal: ...
    def prove(self, grant: Grant, sessions: Sessions) -> Proof: ...


@contextmanager
def grant_lock(sessions: Sessions) -> Iterator[None]:
    """Lock the grant of the sessions against other runs of this user on this machine.

    The second run waits, and then finds what the first one made. Runs on other machines are not locked out;
    AWS's answers show what they changed. Roles of others are locked too: another grant may own another
    statement of the same trust policy.
    """
    grant, endpoint = sessions.grant, sessions.endpoint.endpoint_url
    names = [[endpoint, *sorted(grant.source_accounts), grant.name]]
    names += [[endpoint, role] for role in sorted(grant.destinations) if grant.trust_only]
    with ExitStack() as locks:
        for name in names:
            locks.enter_context(exclusive_lock("\n".join(name)))
        yield
