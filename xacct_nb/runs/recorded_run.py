"""A run that is recorded: its evidence, its status, and how it ends."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from xacct_nb.aws.clock import utc
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.journal import Entry, Journal
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.proof import Proof
from xacct_nb.errors import NotProven
from xacct_nb.grants.grant import Grant, resolve
from xacct_nb.grants.parameters import parameters_table
from xacct_nb.grants.settings import Settings
from xacct_nb.grants.shortening import shorten
from xacct_nb.jupyter import cell_hooks
from xacct_nb.jupyter.executed_cells import ExecutedCells
from xacct_nb.jupyter.runner_channel import send_progress
from xacct_nb.records.fields import NOT_PROVEN
from xacct_nb.records.next_steps import next_command
from xacct_nb.records.outcome import outcome_sentence
from xacct_nb.runs import outcome
from xacct_nb.runs.approval import check_approval, use_approval
from xacct_nb.runs.guards import Guards
from xacct_nb.runs.near_end import with_near_end
from xacct_nb.runs.outcome import RunSummary
from xacct_nb.runs.place import Place
from xacct_nb.runs.run_context import EVIDENCE_KINDS, CardBasis, Kept, PlanApproval
from xacct_nb.runs.sealing import FOLDER_VARIABLE, RunOutcome, records_folder, seal
from xacct_nb.runs.secrets import grant_secrets
from xacct_nb.runs.whole_commands import command_of
from xacct_nb.storage.evidence import Evidence, events
from xacct_nb.storage.references import resolve_reference
from xacct_nb.storage.run_folder import remove_run_folder
from xacct_nb.views import Page, Shown, Text, View

END_IT = "Run the last cell, which seals the record, then the notebook from its beginning."
_UNDECIDED = ("succeeded", "planned", "no-change")


@dataclass(repr=False)
class RecordedRun(Shown):
    """A run from its parameters to its sealed record, whatever steps it makes.

    `keep` writes a value to the run's evidence and returns it. A run changes AWS once: a record holds one
    change, so that one rollback undoes it. `watchers` are called with each value and each entry;
    `tells_calls` says whether a headless run shows each call.
    """

    notebook: str
    settings: Settings
    parameters: Mapping[str, Any]
    evidence: Evidence
    begin: Callable[[str, Mapping[str, Any]], Any]  # starts another run, such as the undo of this one
    status: str = "succeeded"
    patience: float = 0
    began: float = field(default_factory=time.monotonic)
    started: str = field(default_factory=utc)
    cell_errors: dict[str, BaseException] = field(default_factory=dict)
    applied: tuple[str, Journal] | None = None
    touched: bool = False
    unused: tuple[Plan, PlanApproval] | None = None
    proof: Proof | None = None
    finished: RunSummary | None = None
    executed: ExecutedCells | None = None
    guards: Guards = field(default_factory=Guards)
    left_open: NotProven | None = None
    wrote: bool = False
    broke_off: BaseException | None = None
    basis: CardBasis = field(default_factory=CardBasis)
    tells_calls: bool = True
    watchers: list[Callable[[object], None]] = field(default_factory=list)

    @cached_property
    def place(self) -> Place:
        """Where it acts, and who answered."""
        return Place(self.settings.sandbox, self.evidence, self.settings.patience_seconds)

    def leave_place(self) -> None:
        """Let the run act in the place of its settings, which have another one."""
        vars(self).pop("place", None)

    @property
    def headless(self) -> bool:
        """Whether `xacct-nb run` started it, so that no person can fill in a form."""
        return FOLDER_VARIABLE in os.environ

    @property
    def attended(self) -> bool:
        """Whether a person can fill in a form; plain papermill has no runner and no person."""
        return not self.headless and cell_hooks.is_attended()

    @property
    def id(self) -> str:
        """The id of the run's record."""
        return self.evidence.folder.name

    @property
    def records(self) -> Path:
        """The records folder."""
        return records_folder(self.settings.records)

    def keep(self, value: Kept) -> Kept:
        """Write a value to the evidence, and return it; a plan notes a near end, and where the clocks differ.

        After the change only a proof is written: the plan in the record stays the one that was applied.
        """
        self.guards.check()
        if isinstance(value, Plan):
            self.guards.note_plan(value, self.basis.state)
        connection = self.place.connection
        value = with_near_end(connection.annotated(value), self.basis, utc(connection.clock.now()))
        if not self.changed or isinstance(value, Proof):
            self.evidence.add(EVIDENCE_KINDS[type(value)], value.to_json())
        self.basis.note(value)
        if isinstance(value, Plan) and not self.changed and self.status in _UNDECIDED:
            self.status = _undecided(value)
        self._tell(value)
        self.touched = self.touched or isinstance(value, Proof)
        return value

    def append(self, entry: Entry) -> None:
        """Write an entry of the journal to the evidence; before the first one, use the approval."""
        if self.unused is not None:
            use_approval(self, *self.unused)
            self.unused = None
        self.touched = self.wrote = True
        self.evidence.add("entry", entry.__dict__)
        self._tell(entry)
        if self.headless and self.tells_calls and entry.answer:
            send_progress(entry.line)

    def note_cell(self, cell: str, problem: BaseException | None) -> None:
        """Note how a cell ended. A cell that succeeds when it is run again takes its error back."""
        self.cell_errors.pop(cell, None)
        if self.finished is None:
            self.place.connection.note()
        if problem is not None and outcome.is_of_the_run(problem) and self.finished is None:
            self.cell_errors[cell] = problem
            self.evidence.add("error", outcome.error_to_dict(problem))

    def decide(self, plan: Plan, sessions: Sessions | None, approval: PlanApproval) -> bool:
        """Return whether the plan has changes and was approved; set the status. Raises StalePlan."""
        self.guards.check_open(sessions)
        if self.changed:
            raise outcome.already_changed()
        self.status = _undecided(plan)
        self.guards.check_answered(plan, approval)
        approved = bool(plan.changes and approval.digest)
        if approved:
            check_approval(self, plan, approval)
            self.unused = plan, approval
        return approved

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Note what ends a change before it is whole: the run makes no other one, and its record has this."""
        self.wrote = False
        try:
            yield
        except BaseException as problem:
            status = outcome.status_of_error(problem)
            if self.wrote and not outcome.changed_nothing(status):
                self.broke_off, self.status = problem, status
                self.guards.close(f"The change was not completed. {END_IT}")
            raise

    @property
    def changed(self) -> bool:
        """Whether it has changed AWS, in whole or in part."""
        return self.applied is not None or self.broke_off is not None

    def keep_applied(self, plan: Plan, journal: Journal, *, needs_proof: bool = True) -> None:
        """Keep the journal of the plan that this run applied; until its proof it is not proven."""
        self.keep(journal)
        self.applied, self.proof = (plan.digest, journal), None
        self.guards.close("It is applied: this run makes no other change.")
        self.status = NOT_PROVEN if needs_proof else "succeeded"

    def note_proof(self, proof: Proof) -> None:
        """Let the proof decide how the run ends, where no error does."""
        self.proof = proof
        if not proof.holds:
            self.status = NOT_PROVEN
        elif self.status == NOT_PROVEN:
            self.status = "succeeded"

    def applied_before(self, plan: Plan) -> Journal:
        """Return the journal of this plan, whose cell is run again. Raises InvalidInput for another plan."""
        if self.applied is None or self.applied[0] != plan.digest:
            raise outcome.already_changed()
        return self.applied[1]

    def finish(self) -> RunSummary:
        """Decide the run's status, and seal its record unless the runner does."""
        if self.finished is not None:
            return self.finished
        problem = self.broke_off or outcome.deciding_error(self.cell_errors.values(), self.changed)
        status = outcome.status_of_error(problem) if problem else self.status
        if status == "succeeded" and self.guards.form is not None and self.proof is None:
            status = NOT_PROVEN
        if status == NOT_PROVEN and problem is None:
            again = command_of(self, "prove_the_access")
            problem = self.left_open or outcome.not_proven(self.proof, again)
            self.evidence.add("error", outcome.error_to_dict(problem))
        self.evidence.add("status", status)
        self.place.end(self.headless)
        if self.headless:
            return RunSummary(status, self.id, "")
        error = outcome.error_to_dict(problem) if problem else None
        ended = RunOutcome(status, self.started, round(time.monotonic() - self.began, 3), error)
        evidence, secrets = events(self.evidence.folder), self.evidence.secrets
        executed = self.executed.notebook() if self.executed else None
        around = (self.records, self.id, self.notebook)
        sealed, folder = seal(*around, evidence, ended, secrets=secrets, executed=executed)
        said = outcome_sentence(sealed), *next_command(sealed)
        self.finished = RunSummary(status, self.id, str(folder), *said)
        self.guards.seal()
        return self.finished

    def leave(self) -> None:
        """Seal a run without its last cell, if it changed AWS or made a proof; else remove its folder."""
        if self.finished is None and self.touched:
            self.status = "interrupted"
            self.finish()
        elif self.finished is None:
            remove_run_folder(self.records, self.id)

    def _tell(self, value: object) -> None:
        for watcher in tuple(self.watchers):
            watcher(value)

    def view(self) -> View:
        """Return the parameters, and where the run acts."""
        parts = (parameters_table(self.parameters), Text(f"It acts on {self.place.shown}.", "note"))
        return Page(f"Run of {self.notebook}", parts)

    def _repr_html_(self) -> str:
        from xacct_nb.jupyter.forms.form import style

        return f"<style>{style()}</style>{super()._repr_html_()}"

    def look_up_secret(self, grant: Grant) -> Grant:
        """Return the grant, its external ID looked up; the run's evidence is redacted of it."""
        resolved = resolve(grant, resolve_reference)
        self.evidence.secrets |= grant_secrets(resolved)
        return resolved

    def prepared(self, grant: Grant) -> Grant:
        """Return the grant as the run plans it: its external ID looked up, its end no later than `until`.

        Raises UnresolvedSecret, and InvalidParameters where `until` is later than its end.
        """
        return shorten(self.look_up_secret(grant), self.settings.until)


def _undecided(plan: Plan) -> str:
    """Return the status of a run that has only made this plan."""
    return "planned" if plan.changes else "no-change"
