"""One run of a notebook: its parameters, its evidence, and how it ended. What the notebooks' cells call."""

import getpass
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xacct_nb.closing import circumstances, drafted, new_id, page, records_folder, utc
from xacct_nb.differences import diff
from xacct_nb.disk.evidence import Evidence
from xacct_nb.disk.grants import look_up
from xacct_nb.disk.ledger import keep, work_folder
from xacct_nb.documents import build
from xacct_nb.errors import ProofFailed, XacctError
from xacct_nb.findings import Findings
from xacct_nb.grants import Grant, external_id, resolve
from xacct_nb.jupyter import cells
from xacct_nb.journals import Entry, Journal
from xacct_nb.parameters import Settings, grant_of, settings_of
from xacct_nb.plans import Plan, State
from xacct_nb.proofs import Proof, missing_sides
from xacct_nb.records import PAGE, Approval
from xacct_nb.views import Page, Shown, Table, Text, View, as_json, html

FOLDER_VARIABLE = "XACCT_RUN_FOLDER"
_AFTER_APPLY = 10.0
_KINDS: dict[type, str] = {
    Findings: "findings",
    Plan: "plan",
    Approval: "approval",
    Journal: "journal",
    Proof: "proof",
}


@dataclass(repr=False)
class Run(Shown):
    """A run as its notebook sees it.

    `keep` writes a value to the run's evidence and gives it back; `apply`, `prove` and `roll_back` are the
    steps whose result decides how the run ended.
    """

    notebook: str
    settings: Settings
    parameters: Mapping[str, Any]
    evidence: Evidence
    status: str = "succeeded"
    patience: float = 0
    began: float = field(default_factory=time.monotonic)
    started: str = field(default_factory=utc)

    @property
    def headless(self) -> bool:
        """Whether nobody is there to fill in a form: the run was started by `xacct-nb run`."""
        return FOLDER_VARIABLE in os.environ

    @property
    def id(self) -> str:
        """The id of the run's record."""
        return self.evidence.folder.name

    def grant(self) -> Grant:
        """The grant in the parameters, its external ID looked up. Raises InvalidGrant, UnresolvedSecret."""
        grant = resolve(grant_of(self.parameters), look_up)
        self.evidence.secrets |= {external_id(grant)} - {""}
        return grant

    def form(self) -> Any:
        """The parameters as a form to edit (`.grant` is its value); without a person they pass through."""
        from xacct_nb.jupyter.forms import GrantForm

        return GrantForm(self.grant(), self._resolved, live=not self.headless)

    def approval(self, plan: Plan) -> Any:
        """Asks for the approval of exactly this plan; without a person the parameter `approve` is the answer."""
        from xacct_nb.jupyter.forms import ApprovalForm

        return ApprovalForm(plan, self.settings.approve, live=not self.headless)

    def open_sessions(self, grant: Grant) -> Any:
        """The sessions of this run, in the sandbox or on AWS. Raises MissingProfile, NoCredentials, WrongAccount."""
        from xacct_nb.aws.sessions import Place, open_sessions

        place = _sandbox_place() if self.settings.sandbox else Place()
        self.evidence.add(
            "where",
            f"sandbox at {place.endpoint_url}" if self.settings.sandbox else f"AWS ({grant.partition})",
        )
        sessions = open_sessions(
            grant,
            source_profiles=self.settings.source_profiles,
            destination_profiles=self.settings.destination_profiles,
            caller_profiles=self.settings.caller_profiles,
            place=place,
        )
        self.evidence.add("sessions", sessions.to_json())
        return sessions

    def keep(self, value: Any) -> Any:
        """Writes the value to the evidence of the run, and returns it."""
        self.evidence.add("before" if isinstance(value, State) else _KINDS[type(value)], value.to_json())
        return value

    def append(self, entry: Entry) -> None:
        """Takes an entry of the journal as it happens."""
        self.evidence.add("entry", entry.__dict__)

    def note_error(self, problem: BaseException) -> None:
        """Notes the error that ended a cell, with its reason and its mend."""
        if isinstance(problem, XacctError):
            self.evidence.add("error", problem.to_json())

    def apply(self, plan: Plan, sessions: Any, approval: Any) -> Journal:
        """Makes the plan's changes if it was approved; says so and changes nothing if it was not.

        Raises StalePlan, NotAccepted, RolledBack, RollbackFailed.
        """
        from xacct_nb.aws.reader import read
        from xacct_nb.aws.writer import apply

        if not self.goes_on(plan, approval):
            return Journal(plan.grant)
        journal = apply(
            plan, sessions, approved=approval.digest, journal=self, patience=self.settings.patience_seconds
        )
        self.keep(journal)
        # Where IAM was waited for in vain, asking still longer would change nothing.
        self.patience = (
            0 if any(entry.answer == "gave up waiting" for entry in journal.entries) else _AFTER_APPLY
        )
        self.evidence.add("after", read(build(sessions.grant), sessions).to_json())
        return journal

    def prove(self, grant: Grant, sessions: Any) -> Proof:
        """Asks AWS every question of the grant; nothing where nothing was applied. Raises ProofFailed."""
        from xacct_nb.aws.probes import prove

        if self.status == "planned":
            return Proof()
        proof: Proof = self.keep(
            prove(grant, sessions, patience=min(self.settings.patience_seconds, self.patience))
        )
        if not proof.holds:
            raise self._not_proven(grant, sessions, proof)
        return proof

    def undo(self) -> Any:
        """The way back of the record that the parameters name, or of the newest. Raises UnknownRecord."""
        from xacct_nb.undoing import Undo, record_to_undo

        return Undo(self, record_to_undo(self.records, self.settings.record))

    def goes_on(self, plan: Plan, approval: Any) -> bool:
        """Whether there is something to do and it was approved; decides the run's status so far."""
        self.status = "no-change" if not plan.changes else "planned" if not approval.digest else "succeeded"
        if self.status == "succeeded":
            self.keep(Approval(approval.digest, getpass.getuser(), utc()))
        return self.status == "succeeded"

    def finish(self) -> "Finish":
        """The run's last word: its status, and where its record is."""
        self.evidence.add("status", self.status)
        if self.headless:
            return Finish(self.status, self.id, "")
        ended = {"started": self.started, "seconds": round(time.monotonic() - self.began, 3)}
        record = drafted(
            self.records, self.id, self.notebook, self.status, ended, circumstances(), self.evidence.secrets
        )
        return Finish(self.status, self.id, str(keep(self.records, record, {PAGE: page(record).encode()})))

    @property
    def records(self) -> Path:
        """The folder of the records."""
        return records_folder(self.settings.records)

    def view(self) -> View:
        """What the run was given."""
        shown = {
            **self.parameters,
            **(grant_of(self.parameters).to_json() if "sources" in self.parameters else {}),
        }
        rows = tuple(
            (name, as_json(value) if isinstance(value, (dict, list)) else str(value))
            for name, value in shown.items()
            if name in self.parameters and value not in ("", [], {})
        )
        where = "the sandbox on this machine" if self.settings.sandbox else "AWS itself"
        return Page(
            f"Run of {self.notebook}",
            (Table(("parameter", "value"), rows), Text(f"It acts on {where}.", "note")),
        )

    def _repr_html_(self) -> str:
        from xacct_nb.jupyter.styles import style

        return f"<style>{style()}</style>{super()._repr_html_()}"

    def _resolved(self, grant: Grant) -> Grant:
        return resolve(grant, look_up)

    def _not_proven(self, grant: Grant, sessions: Any, proof: Proof) -> ProofFailed:
        from xacct_nb.aws.reader import read

        documents = build(grant)
        sides = missing_sides(grant, diff(documents, read(documents, sessions)))
        wrong = [
            f"{each.who}: {each.probe.question}: expected {each.probe.expected}, AWS answered {each.answer}"
            for each in proof.asked
            if not each.as_expected
        ]
        return ProofFailed(
            proof.summary,
            why="\n".join([*sides, *wrong]) or "The assume itself was not asked.",
            hint=_mend(sides, wrong),
        )


@dataclass(frozen=True, repr=False)
class Finish(Shown):
    """How a run ended: its status, the id of its record, the folder if it is sealed already."""

    status: str
    record: str
    folder: str

    def view(self) -> View:
        """The status, and where to read on."""
        place = self.folder or f"{self.record}, sealed when the run has ended"
        return Table(("", ""), (("status", self.status), ("record", place)), tones=("good", "note"))


def start_run(notebook: str, names: Mapping[str, Any]) -> Run:
    """Begins a run with the parameters among `names` (a notebook's `globals()`). Raises InvalidParameters, InvalidGrant."""
    known = (*Grant.model_fields, *Settings.model_fields)
    given = {name: names[name] for name in known if name in names}
    settings = settings_of(given)
    shown = grant_of(given).to_json() if "sources" in given else {}
    run = Run(notebook, settings, given, Evidence(_folder(settings, shown.get("name", ""), notebook)))
    run.evidence.add("parameters", {**given, **{name: shown[name] for name in given if name in shown}})
    cells.on_error(run.note_error)
    return run


def record(run: Run) -> Finish:
    """The run's record: sealed here, or by the runner when the notebook has ended."""
    return run.finish()


def _folder(settings: Settings, grant: str, notebook: str) -> Path:
    """The run's folder: the one that its runner made, else a new one."""
    given = os.environ.get(FOLDER_VARIABLE)
    return Path(given) if given else work_folder(records_folder(settings.records), new_id(grant, notebook))


def warm_up() -> None:
    """Loads what a run needs, while there is time for it: the modules, AWS's service models, the HTML template."""
    from xacct_nb.aws import sessions, writer  # noqa: F401
    from xacct_nb.jupyter import forms  # noqa: F401
    from xacct_nb.sandbox import server  # noqa: F401

    sessions.warm_up()
    html(Text(""))


def _sandbox_place() -> Any:
    from xacct_nb.aws.sessions import Place
    from xacct_nb.worlds import open_sandbox

    sandbox = open_sandbox()
    return Place(str(sandbox.config_file), str(sandbox.credentials_file), sandbox.endpoint)


def _mend(sides: tuple[str, ...], wrong: list[str]) -> str:
    if sides:
        return "Plan the grant again and apply it: xacct-nb run plan_and_apply"
    return "Look at the answers in the proof." if wrong else "Give the callers' profiles in caller_profiles."
