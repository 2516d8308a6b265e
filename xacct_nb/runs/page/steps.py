"""The steps of the page: the same calls as the cells of the other notebooks, one after the other."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from xacct_nb.aws.analyzer import analyze
from xacct_nb.aws.reader import read
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.access_picture import plan_picture
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.planner import diff
from xacct_nb.changes.proof import ALLOWED, Outcome, Proof
from xacct_nb.errors import XacctError
from xacct_nb.grants.documents import build
from xacct_nb.grants.sentences import access_sentences
from xacct_nb.jupyter.forms.approval_form import ApprovalForm
from xacct_nb.jupyter.forms.grant_form import GrantForm
from xacct_nb.linting.findings import lint
from xacct_nb.records.fields import PAGE, status_tone
from xacct_nb.runs.access_use import how_to_use
from xacct_nb.runs.denial.inquiry import diagnose
from xacct_nb.runs.links import file_link
from xacct_nb.runs.outcome import RunSummary
from xacct_nb.runs.rollback import Rollback
from xacct_nb.runs.run_context import RunContext
from xacct_nb.views import Text, View

if TYPE_CHECKING:  # most pages roll back a grant
    from xacct_nb.runs.fleet.fleet_rollback import FleetRollback

# What the undo of a change has as the change has it.
_SAME = (
    "sandbox", "source_profiles", "destination_profiles", "records", "patience_seconds", "two_people",
    "approvers", "approval_hours",
)  # fmt: skip


class PageRun(RunContext, Protocol):
    """What the page needs of a run, beside what every step needs."""

    watchers: list[Callable[[object], None]]

    @property
    def begin(self) -> Callable[[str, Mapping[str, Any]], Any]: ...
    @property
    def attended(self) -> bool: ...
    def form(self) -> GrantForm: ...
    def approval(self, plan: Plan) -> ApprovalForm: ...
    def undo(self) -> "Rollback | FleetRollback": ...
    def finish(self) -> RunSummary: ...
    def note_cell(self, cell: str, problem: BaseException | None) -> None: ...


@dataclass(frozen=True)
class Checked:
    """What a check found: the plan of both accounts, the question for its approval, and what to show."""

    plan: Plan
    approval: ApprovalForm
    views: tuple[View, ...]

    @property
    def changes(self) -> bool:
        """Return whether there is something to change."""
        return bool(self.plan.changes)


class PageSteps:
    """The steps of one run; `proof` is the last one, also where it failed."""

    def __init__(self, run: PageRun) -> None:
        self.run, self.form = run, run.form()
        self.sessions: Sessions | None = None
        self.proof = Proof()
        run.watchers.append(self._watch)

    @property
    def patience(self) -> float:
        """Return how long a step waits for IAM at most, in seconds."""
        return self.run.settings.patience_seconds

    def watch(self, see: Callable[[object], None]) -> None:
        """Call `see` with each entry of the journal as it is made."""
        self.run.watchers.append(see)

    def note(self, step: str, problem: BaseException | None) -> None:
        """Note in the run how a step ended, as it notes its cells."""
        self.run.note_cell(f"page: {step}", problem)

    def check(self) -> Checked:
        """Open the sessions, read both accounts and plan. Nothing is changed."""
        grant = self.form.grant
        sessions = self.sessions = self.run.open_sessions(grant)
        documents = build(grant)
        before = self.run.keep(read(documents, sessions))
        findings = self.run.keep(lint(documents, before, analysis=analyze(documents, sessions)))
        plan = self.run.keep(diff(documents, before))
        approval = self.run.approval(plan)
        if not plan.changes:
            self.run.apply(plan, sessions, approval)  # changes nothing, and decides the run's status
        access = plan_picture(grant, plan)
        return Checked(plan, approval, (sessions.view(), findings.view(), access.view(), plan.view()))

    def apply(self, checked: Checked) -> tuple[View, ...]:
        """Apply the approved plan. Raises what `run.apply` raises."""
        return (self.run.apply(checked.plan, self._opened(), checked.approval).view(),)

    def prove(self) -> tuple[View, ...]:
        """Send the probes to AWS. Raises ProofFailed."""
        return (self.run.prove(self.form.grant, self._opened()).view(),)

    def diagnose(self) -> tuple[View, ...]:
        """Return why AWS denied what the grant allows, with the mend of each cause. Raises InvalidInput."""
        grant, wrong = self.form.grant, self._wrong()
        if wrong is None:
            return (diagnose(grant, self._opened()).view(),)
        caller, role = wrong.probe.source, wrong.probe.role
        return (diagnose(grant, self._opened(), caller=caller, role=role, error=wrong.detail).view(),)

    def end(self) -> tuple[View, ...]:
        """Seal the record; return the result in one sentence, its record, and how to use the access."""
        return tuple(self._result(self.run.finish()))

    @property
    def can_be_undone(self) -> bool:
        """Return whether this run changed AWS and its record is sealed."""
        return self.run.applied is not None

    def undo(self) -> "UndoSteps":
        """Begin the run that undoes this one's record."""
        given = {"record": self.run.id, **_around(self.run)}
        return UndoSteps(self.run.begin("roll_back", given))

    def _result(self, summary: RunSummary) -> Iterator[View]:
        proven = self.proof.holds and not self.proof.is_of_end
        yield Text(summary.sentence, status_tone(summary.status))
        if proven:
            yield from (Text(each) for each in access_sentences(self.form.grant, verb="can"))
        yield file_link("Open the record", Path(summary.folder, PAGE), in_widget=True)
        if proven:
            yield how_to_use(self.form.grant, self.sessions).view()

    def _opened(self) -> Sessions:
        if self.sessions is None:
            raise XacctError("The accounts were not checked yet.", hint="Press the button of step 2.")
        return self.sessions

    def _wrong(self) -> Outcome | None:
        denied = (each for each in self.proof.asked if each.probe.expected == ALLOWED)
        return next((each for each in denied if not each.as_expected), None)

    def _watch(self, value: object) -> None:
        if isinstance(value, Proof):
            self.proof = value


class UndoSteps:
    """The steps that undo a record, in a run of their own."""

    def __init__(self, run: PageRun) -> None:
        self.run, self.rollback = run, run.undo()

    def note(self, step: str, problem: BaseException | None) -> None:
        """Note in the run how a step ended."""
        self.run.note_cell(f"page: {step}", problem)

    def check(self) -> Checked:
        """Read both accounts, and plan the rollback. Nothing is changed."""
        plan = self.run.keep(self.rollback.plan())
        return Checked(plan, self.run.approval(plan), (plan.view(),))

    def apply(self, checked: Checked) -> tuple[View, ...]:
        """Undo the record, and seal the record of that. Raises StalePlan, RollbackFailed."""
        journal = self.rollback.apply(checked.approval)
        proof = self.rollback.prove()
        return journal.view(), proof.view(), *self.end()

    def end(self) -> tuple[View, ...]:
        """Seal the record of the rollback."""
        summary = self.run.finish()
        said = Text(summary.sentence, status_tone(summary.status))
        return said, file_link("Open its record", Path(summary.folder, PAGE), in_widget=True)


def _around(run: PageRun) -> dict[str, Any]:
    """Return the parameters with which another run acts as this one does, under the same rules."""
    return {name: getattr(run.settings, name) for name in _SAME}
