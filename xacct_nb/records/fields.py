"""The fields of a record, and the names of its files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic.dataclasses import dataclass as validated_dataclass

from xacct_nb.changes.approval import Approval
from xacct_nb.changes.decision_card import DecisionCard
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.proof import Proof
from xacct_nb.errors import InvalidInput
from xacct_nb.fleets.organization import Account
from xacct_nb.fleets.plan import PlanGroup
from xacct_nb.fleets.result import FleetResult
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.parameters import grant_of
from xacct_nb.grants.state import Resource
from xacct_nb.linting.rules.rule import Finding
from xacct_nb.validation import Serializable

SUMS, RECORD, NOTEBOOK, PAGE = "SHA256SUMS", "record.json", "run.ipynb", "run.html"
REPORT, PAIRS_CSV, PAIRS_JSON = "fleet.html", "fleet.csv", "fleet.json"  # only of a fleet
TRACEBACK = "traceback.txt"  # only of a run that an unexpected error ended
_NOTICED = ("clock_offset", "retries", "card", "listed", "handoff", "fleet", "review", "narrowing")
SUCCESSFUL = ("succeeded", "no-change", "planned")
NOT_PROVEN = "not-proven"


def status_tone(status: str) -> str:
    """Return the tone in which a status is shown: what is not proven is neither good nor bad."""
    return "good" if status in SUCCESSFUL else "change" if status == NOT_PROVEN else "bad"


class WithoutNone(Serializable):
    """Fields of a record of which those without a value are left out."""

    def to_json(self) -> dict[str, Any]:
        """Return plain data without the fields that are None."""
        return {name: value for name, value in super().to_json().items() if value is not None}


@dataclass(frozen=True)
class Host(Serializable):
    """The machine and the user of a run."""

    name: str = ""
    user: str = ""
    system: str = ""
    python: str = ""


@dataclass(frozen=True)
class Identity(Serializable):
    """A profile's identity, as GetCallerIdentity returned it, and its part: source, destination or caller."""

    profile: str
    part: str
    account: str
    arn: str


@dataclass(frozen=True)
class RecordedFinding(Finding, Serializable):
    """A finding, and whether the grant accepts it."""

    accepted: bool = False


@dataclass(frozen=True)
class RunError(WithoutNone):
    """The error that ended a run, with the commands to resume it and to roll it back."""

    code: str
    what: str
    why: str = ""
    hint: str = ""
    resume: str | None = None
    roll_back: str | None = None


@dataclass(frozen=True)
class RecordedCell(WithoutNone):
    """A code cell of a headless run: its number, its state, and how long it took."""

    cell: int
    state: str
    seconds: float | None = None


@dataclass(frozen=True)
class GitState(Serializable):
    """The commit that was checked out, and whether files differed from it."""

    commit: str
    dirty: bool


@dataclass(frozen=True)
class RecordedHandoff(Serializable):
    """A run's part in a hand-over: it `answers` a request, or `accepts` the answer to its own.

    `side` is the one that the run acts on; `request` and `answer` are digests, `other` is the id of the
    other owner's record. `state` says how far the hand-over is: open, answered, refused or proven.
    """

    part: str
    side: str
    request: str
    answer: str = ""
    decision: str = ""
    differences: tuple[str, ...] = ()
    other: str = ""
    state: str = "open"


@dataclass(frozen=True)
class RecordedFleet(Serializable):
    """A run's fleet: its declaration, the accounts of each grant, equal plans in groups, and the result.

    `described` has the name and the path of each account, where the organization was read. A fleet that was
    `asked` is one's own part of another owner's fleet.
    """

    declared: Mapping[str, Any]
    accounts: Mapping[str, tuple[str, ...]]
    groups: tuple[PlanGroup, ...] = ()
    result: FleetResult | None = None
    described: Mapping[str, Account] = field(default_factory=dict)
    asked: bool = False


@dataclass(frozen=True)
class Retried(Serializable):
    """How many calls of a run were made again, and the seconds that it waited for that."""

    retries: int
    seconds: float


@validated_dataclass(frozen=True, repr=False, config={"defer_build": True})
class RecordFields(Serializable):
    """One run: its status, who, where, when, and everything it read and did.

    Each field takes its value, or the plain data of record.json. `clock_offset` is how many seconds AWS's
    clock was ahead of this machine's, None where they hardly differed. A diagnosis and a
    review stay plain data until they are shown: a run without one does not load their modules. `listed` are
    the fields that its line in the ledger has besides those of every line.
    """

    id: str
    notebook: str
    status: str
    started: str
    ended: str
    seconds: float
    host: Host = Host()
    where: str = ""
    who: tuple[Identity, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[RecordedFinding, ...] = ()
    plan: Plan | None = None
    approval: Approval | None = None
    journal: Journal | None = None
    proof: Proof | None = None
    diagnosis: Mapping[str, Any] | None = None
    state: Mapping[str, tuple[Resource, ...]] = field(default_factory=dict)
    undoes: str = ""
    error: RunError | None = None
    cells: tuple[RecordedCell, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    git: GitState | None = None
    clock_offset: float | None = None
    retries: Retried | None = None
    card: DecisionCard | None = None
    listed: tuple[Literal["where", "by"], ...] = ()
    handoff: RecordedHandoff | None = None
    fleet: RecordedFleet | None = None
    review: Mapping[str, Any] | None = None
    narrowing: Mapping[str, Any] | None = None
    schema: str = "xacct-nb/record/1"

    def to_json(self) -> dict[str, Any]:
        """Return plain data; what was not noticed is left out."""
        fields = super().to_json()
        return {name: value for name, value in fields.items() if value or name not in _NOTICED}

    @property
    def summary(self) -> str:
        """Return the plan's last line, the diagnosis's headline, or ""."""
        if self.plan:
            return self.plan.summary
        return str(self.diagnosis["headline"]) if self.diagnosis else ""

    @property
    def grant(self) -> Grant | None:
        """Return the grant of the parameters, its external ID hidden; None for a run without one."""
        try:
            return grant_of(self.parameters)
        except InvalidInput:
            return None

    @property
    def is_of_sandbox(self) -> bool:
        """Return whether the run acted on a sandbox."""
        return self.where.startswith("sandbox")

    @property
    def undecided(self) -> bool:
        """Return whether it has a card whose plan was not applied: it waits for approval, or was refused."""
        return self.card is not None and not (self.journal and self.journal.entries)

    @property
    def is_blocked(self) -> bool:
        """Return whether it is a plan that cannot be approved as it is."""
        return self.status == "planned" and self.card is not None and bool(self.card.blockers)

    @property
    def left_changes(self) -> bool:
        """Return whether the run made changes, or may have, that it did not roll back itself."""
        return self.status != "rolled-back" and self.journal is not None and self.journal.began
