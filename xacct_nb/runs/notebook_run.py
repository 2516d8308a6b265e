"""One run of a notebook: its parameters, its evidence, and how it ended. What the notebooks' cells call."""

import atexit
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xacct_nb.changes.approval import Approval, outdated_plan
from xacct_nb.changes.journal import Entry, Journal
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.planner import diff
from xacct_nb.changes.proof import Proof
from xacct_nb.grants.documents import build
from xacct_nb.grants.former_names import FORMER_NAMES, accept_former_names
from xacct_nb.grants.grant import Grant, resolve
from xacct_nb.grants.parameters import Settings, grant_of, parameters_table, settings_of, to_display
from xacct_nb.grants.state import State
from xacct_nb.jupyter import cell_hooks
from xacct_nb.linting.findings import Findings
from xacct_nb.runs import outcome
from xacct_nb.runs.approval import ask_approval, check_approval
from xacct_nb.runs.environment import describe_environment
from xacct_nb.runs.locking import grant_lock
from xacct_nb.runs.outcome import RunSummary
from xacct_nb.runs.recovery import recover
from xacct_nb.runs.sealing import FOLDER_VARIABLE, RunOutcome, new_run_id, records_folder, seal_run, utc
from xacct_nb.runs.secrets import grant_secrets, protect_secrets
from xacct_nb.storage.evidence import Evidence
from xacct_nb.storage.references import resolve_reference
from xacct_nb.storage.run_folder import create_run_folder, remove_run_folder
from xacct_nb.views import Page, Shown, Text, View

_AFTER_APPLY = 10.0
_KINDS: dict[type, str] = {
    State: "before",
    Findings: "findings",
    Plan: "plan",
    Approval: "approval",
    Journal: "journal",
    Proof: "proof",
}


@dataclass(repr=False)
class Run(Shown):
    """A run as its notebook sees it.

    `keep` writes a value to the run's evidence and gives it back; `apply`, `prove` and `undo` are the steps
    whose result decides how the run ended. A run changes AWS once: a record is one change and its way back.
    """

    notebook: str
    settings: Settings
    parameters: Mapping[str, Any]
    evidence: Evidence
    status: str = "succeeded"
    patience: float = 0
    began: float = field(default_factory=time.monotonic)
    started: str = field(default_factory=utc)
    problems: dict[str, BaseException] = field(default_factory=dict)
    made: tuple[str, Journal] | None = None
    touched: bool = False
    finished: RunSummary | None = None

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
        return self._resolved(grant_of(self.parameters))

    def form(self) -> Any:
        """The parameters as a form to edit (`.grant` is its value); without a person they pass through."""
        from xacct_nb.jupyter.grant_form import GrantForm

        return GrantForm(self.grant(), self._resolved, live=not self.headless)

    def approval(self, plan: Plan) -> Any:
        """Asks whether exactly this plan is approved; without a person the parameter `approve` answers."""
        return ask_approval(self, plan)

    def open_sessions(self, grant: Grant) -> Any:
        """The sessions, in the sandbox or on AWS. Raises MissingProfile, NoCredentials, WrongAccount."""
        from xacct_nb.aws.sessions import Endpoint, open_sessions
        from xacct_nb.runs.sandboxes import sandbox_endpoint

        endpoint = sandbox_endpoint() if self.settings.sandbox else Endpoint()
        where = f"sandbox at {endpoint.endpoint_url}" if self.settings.sandbox else f"AWS ({grant.partition})"
        self.evidence.add("where", where)
        sessions = open_sessions(
            grant,
            source_profiles=self.settings.source_profiles,
            destination_profiles=self.settings.destination_profiles,
            caller_profiles=self.settings.caller_profiles,
            endpoint=endpoint,
        )
        self.evidence.add("sessions", sessions.to_json())
        self._note_edits(grant)
        return sessions

    def keep(self, value: Any) -> Any:
        """Writes the value to the evidence of the run, and returns it.

        Once something was changed, only a proof still is: the plan stays the one that was made.
        """
        if self.made is None or isinstance(value, Proof):
            self.evidence.add(_KINDS[type(value)], value.to_json())
        self.touched = self.touched or isinstance(value, Proof)
        return value

    def append(self, entry: Entry) -> None:
        """Takes an entry of the journal as it happens."""
        self.touched = True
        self.evidence.add("entry", entry.__dict__)

    def note_cell(self, cell: str, problem: BaseException | None) -> None:
        """Notes how a cell ended: a cell that goes well in the end takes its earlier error back."""
        self.problems.pop(cell, None)
        if problem is not None and outcome.is_from_package(problem) and self.finished is None:
            self.problems[cell] = problem
            self.evidence.add("error", outcome.error_to_dict(problem))

    def apply(self, plan: Plan, sessions: Any, approval: Any) -> Journal:
        """Makes the plan's changes if it was approved; says so and changes nothing if it was not.

        Raises StalePlan, NotAccepted, RolledBack, RollbackFailed, and InvalidInput where this run has changed
        something else already.
        """
        from xacct_nb.aws.reader import read
        from xacct_nb.aws.writer import apply

        if self.made is not None:
            return self.made_before(plan)
        if not self.goes_on(plan, approval):
            return Journal(plan.grant)
        self._check_fresh(plan, sessions)
        patience = self.settings.patience_seconds
        with grant_lock(sessions):
            journal = apply(plan, sessions, approved=approval.digest, journal=self, patience=patience)
        self.take(plan, journal)
        # Where IAM was waited for in vain, asking still longer would change nothing.
        in_vain = any(entry.answer == "gave up waiting" for entry in journal.entries)
        self.patience = 0 if in_vain else _AFTER_APPLY
        self.evidence.add("after", read(build(sessions.grant), sessions).to_json())
        return journal

    def prove(self, grant: Grant, sessions: Any) -> Proof:
        """Asks AWS every question of the grant; nothing where nothing was applied. Raises ProofFailed."""
        from xacct_nb.aws.probes import prove
        from xacct_nb.aws.reader import read

        if self.status == "planned":
            return Proof()
        patience = min(self.settings.patience_seconds, self.patience)
        proof: Proof = self.keep(prove(grant, sessions, patience=patience))
        if not proof.holds:
            documents = build(grant)
            raise outcome.not_proven(grant, diff(documents, read(documents, sessions)), proof)
        return proof

    def undo(self) -> Any:
        """The way back of the record that the parameters name, or of the newest. Raises UnknownRecord."""
        from xacct_nb.runs.rollback import Rollback, find_record

        return Rollback(self, find_record(self.records, self.settings.record))

    def inquiry(self) -> Any:
        """The question that the parameters ask about a denial."""
        from xacct_nb.runs.inquiry import Inquiry

        return Inquiry(self)

    def goes_on(self, plan: Plan, approval: Any) -> bool:
        """Whether there is something to do and it was approved; decides the status. Raises StalePlan."""
        self.status = "no-change" if not plan.changes else "planned" if not approval.digest else "succeeded"
        if self.status == "succeeded":
            check_approval(self, plan, approval)
        return self.status == "succeeded"

    def take(self, plan: Plan, journal: Journal) -> Journal:
        """Keeps the journal of the plan that this run made."""
        self.keep(journal)
        self.made = plan.digest, journal
        return journal

    def made_before(self, plan: Plan) -> Journal:
        """The journal of this very plan, whose cell is run again. Raises InvalidInput for another plan."""
        if self.made is None or self.made[0] != plan.digest:
            raise outcome.already_changed()
        return self.made[1]

    def finish(self) -> RunSummary:
        """The run's last word: its status, and where its record is."""
        if self.finished is not None:
            return self.finished
        problem = outcome.deciding_error(self.problems.values(), self.made is not None)
        status = outcome.status_of_error(problem) if problem else self.status
        self.evidence.add("status", status)
        if self.headless:
            return RunSummary(status, self.id, "")
        self.finished = RunSummary(
            status, self.id, str(self._sealed(status, outcome.error_to_dict(problem) if problem else None))
        )
        return self.finished

    def leave(self) -> None:
        """Where nobody ran the last cell: a run that changed or proved something is recorded all the same."""
        if self.finished is None and self.touched:
            self.status = "interrupted"
            self.finish()
        elif self.finished is None:
            remove_run_folder(self.records, self.id)

    @property
    def records(self) -> Path:
        """The folder of the records."""
        return records_folder(self.settings.records)

    def view(self) -> View:
        """What the run was given."""
        where = "the sandbox on this machine" if self.settings.sandbox else "AWS itself"
        parts = (parameters_table(self.parameters), Text(f"It acts on {where}.", "note"))
        return Page(f"Run of {self.notebook}", parts)

    def _repr_html_(self) -> str:
        from xacct_nb.jupyter.form import style

        return f"<style>{style()}</style>{super()._repr_html_()}"

    def _resolved(self, grant: Grant) -> Grant:
        resolved = resolve(grant, resolve_reference)
        self.evidence.secrets |= grant_secrets(resolved)
        return resolved

    def _note_edits(self, grant: Grant) -> None:
        """The record's parameters are those of the grant that is worked with, also after it was edited."""
        if "sources" not in self.parameters or (given := self.grant()) == grant:
            return
        was, now = given.to_json(), grant.to_json()
        changed = {name: value for name, value in now.items() if value != was[name]}
        self.evidence.add("parameters", to_display(self.parameters) | changed)

    def _check_fresh(self, plan: Plan, sessions: Any) -> None:
        """A person may have taken hours over the plan; headless it is made in the moment before."""
        from xacct_nb.aws.reader import read

        documents = build(sessions.grant)
        if not self.headless and (now := diff(documents, read(documents, sessions))).digest != plan.digest:
            raise outdated_plan(plan, now)

    def _sealed(self, status: str, error: Any) -> Path:
        seconds = round(time.monotonic() - self.began, 3)
        ending = RunOutcome(status, self.started, seconds, error)
        return seal_run(self.records, self.id, self.notebook, ending, self.evidence.secrets)


def start_run(notebook: str, names: Mapping[str, Any]) -> Run:
    """Begins a run with the parameters among `names` (a notebook's `globals()`).

    Raises InvalidParameters, InvalidGrant, UnresolvedSecret.
    """
    known = (*Grant.model_fields, *FORMER_NAMES, *Settings.model_fields)
    given = accept_former_names({name: names[name] for name in known if name in names})
    settings, given_shown = settings_of(given), to_display(given)
    secrets = {resolve_reference(settings.external_id)} if settings.external_id else set()
    run = Run(notebook, settings, given, _evidence(settings, given_shown.get("name", ""), notebook))
    run.evidence.secrets |= secrets
    protect_secrets(run.evidence, run.headless)
    run.evidence.add("parameters", given_shown)
    cell_hooks.on_cell_end(run.note_cell)
    if not run.headless:
        atexit.register(run.leave)
    return run


def record(run: Run) -> RunSummary:
    """The run's record: sealed here, or by the runner when the notebook has ended."""
    return run.finish()


def _evidence(settings: Settings, grant: str, notebook: str) -> Evidence:
    """The evidence of a run, in the folder that its runner made, else in a new one."""
    if given := os.environ.get(FOLDER_VARIABLE):
        return Evidence(Path(given))
    records = records_folder(settings.records)
    recover(records)
    about = {"notebook": notebook, "started": utc(), "again": "", "headless": False}
    with create_run_folder(
        records, new_run_id(grant, notebook), {**about, "around": describe_environment()}
    ) as folder:
        return Evidence(folder)
