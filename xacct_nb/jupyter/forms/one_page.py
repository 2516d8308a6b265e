"""The page of a grant as ipywidgets: panels in the order of the path, shut until the one before is done."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar

import ipywidgets

from xacct_nb.changes.journal import Entry, collapse_entries
from xacct_nb.changes.proof import Proof
from xacct_nb.changes.proof_matrix import proof_matrix
from xacct_nb.jupyter.forms.approval_form import ApprovalForm
from xacct_nb.jupyter.forms.form_parts import style
from xacct_nb.jupyter.forms.grant_form import GrantForm
from xacct_nb.jupyter.forms.panels import Countdown, Panel, Step
from xacct_nb.jupyter.served import in_voila
from xacct_nb.views import Text, View

CHECK, APPLY, PROVE = "Check both accounts", "Apply the approved plan", "Prove the access"
SEAL, DIAGNOSE, UNDO, UNDO_NOW = "Seal the record", "Diagnose", "Undo this change", "Undo in both accounts"
Made = TypeVar("Made", bound="ShownPlan")


class ShownPlan(Protocol):
    """What a check found: whether something is to be changed, the question for approval, what to show."""

    @property
    def changes(self) -> bool: ...
    @property
    def approval(self) -> ApprovalForm: ...
    @property
    def views(self) -> tuple[View, ...]: ...


class ChangeSteps(Protocol[Made]):
    """The steps of a change, and where their errors are noted."""

    def check(self) -> Made: ...
    def apply(self, checked: Made, /) -> tuple[View, ...]: ...
    def end(self) -> tuple[View, ...]: ...
    def note(self, step: str, problem: BaseException | None) -> None: ...


class GrantSteps(ChangeSteps[Made], Protocol):
    """The steps of a grant: those of a change, the proof, the diagnosis and the undo."""

    form: GrantForm
    proof: Proof

    @property
    def patience(self) -> float: ...
    @property
    def can_be_undone(self) -> bool: ...
    def watch(self, see: Callable[[object], None]) -> None: ...
    def prove(self) -> tuple[View, ...]: ...
    def diagnose(self) -> tuple[View, ...]: ...
    def undo(self) -> ChangeSteps[Any]: ...


class PageWidget:
    """The panels of a grant, from the form to the undo."""

    def __init__(self, steps: GrantSteps[Any]) -> None:
        self.steps, self._entries = steps, list[Entry]()
        self.checked: Any = None
        self.who = Panel(1, "Who and what", "Both sides' policies follow what you type.")
        self.check = Panel(2, "Check", "Reads both accounts and plans. Nothing is changed.", [CHECK])
        self.decide = Panel(3, "Decide", "An approval is for exactly this plan, and for one change.")
        self.apply = Panel(
            4, "Apply", "Changes both accounts. After a failure it undoes what it made.", [APPLY]
        )
        self.prove = Panel(5, "Prove", "Assumes the role for real, and tries what must be denied.", [PROVE])
        self.end = Panel(6, "Done", "What the run did, and what comes next.", [SEAL, DIAGNOSE, UNDO])
        self.panels = (self.who, self.check, self.decide, self.apply, self.prove, self.end)
        self.undoing: UndoWidget | None = None
        self.below = ipywidgets.VBox()
        # Voila ends the kernel of a page that is left: there a link opens a tab of its own.
        apart = '<base target="_blank">' if in_voila() else ""
        sheet = ipywidgets.HTML(f"<style>{style()}</style>{apart}")
        children = [sheet, *(each.root for each in self.panels), self.below]
        self.root = ipywidgets.VBox(children).add_class("xacct-form").add_class("xacct-one-page")
        self._connect()

    def _connect(self) -> None:
        self.who.put(self.steps.form.widget)
        self.steps.form.on_change(self._form_changed)
        self.steps.watch(self._see)
        presses: dict[Panel, dict[str, Callable[[], None]]] = {
            self.check: {CHECK: self._check},
            self.apply: {APPLY: self._apply},
            self.prove: {PROVE: self._prove},
            self.end: {SEAL: self._seal, DIAGNOSE: self._diagnose, UNDO: self._undo},
        }
        for panel, acts in presses.items():
            for name, act in acts.items():
                panel.on_press(name, act)
        self._form_changed()

    def _form_changed(self) -> None:
        """Shut everything that was made from the form as it was."""
        self.checked = None
        self.who.open()
        if self.steps.form.valid:
            self.check.open()
        else:
            self.check.shut("A field of the form is not valid.")
        self._shut_from(self.decide, "Check both accounts first.")

    def _shut_from(self, first: Panel, reason: str) -> None:
        for panel in self.panels[first.number - 1 :]:
            panel.shut(reason)

    def _check(self) -> None:
        self._shut_from(self.decide, "Check both accounts first.")
        with self._step(self.check, "Opening the sessions and reading both accounts ..."):
            self.checked = checked = self.steps.check()
            self.who.done()
            self.check.done(*checked.views, again=CHECK)
            self._ask(checked)

    def _ask(self, checked: ShownPlan) -> None:
        self._shut_from(self.apply, "It waits for your approval.")
        if not checked.changes:
            self.decide.done(Text("Nothing is to be changed, so there is nothing to approve.", "note"))
            self.apply.shut("Nothing is to be changed.")
            self.prove.open()
            return
        self.decide.open()
        self.decide.put(checked.approval.widget)
        checked.approval.on_change(partial(self._decided, checked))
        self._decided(checked)

    def _decided(self, checked: ShownPlan) -> None:
        if checked is not self.checked or not self.decide.is_open:
            return
        if checked.approval.digest and not checked.approval.closed:
            self.decide.done()
            self.apply.open()
        elif checked.approval.closed and not checked.approval.digest:
            self.apply.shut(checked.approval.closed)

    def _apply(self) -> None:
        self._entries.clear()
        step = self._step(self.apply, "Changing both accounts ...")
        try:
            with step, Countdown(self._show_calls):
                self.apply.done(*self.steps.apply(self.checked))
                self.prove.open()
        finally:
            self.end.open()
            self.end.show(*([SEAL] if step.problem is None else [SEAL, DIAGNOSE]))

    def _prove(self) -> None:
        doing = "Assuming the role, and trying what must be denied ..."
        with self._step(self.prove, doing, self._answers) as step:
            self.steps.prove()
        if step.problem is None and self.steps.proof.holds:
            self.prove.done(*self._answers())
            self._seal()
            return
        if step.problem is None:
            self.prove.done(*self._answers(), again=PROVE, state="not proven")
        self.end.open()
        self.end.show(SEAL, DIAGNOSE)

    def _seal(self) -> None:
        with self._step(self.end, "Sealing the record ..."):
            views = self.steps.end()
            for panel in self.panels[1:5]:
                panel.freeze()
            self.end.done(*views, again=UNDO if self.steps.can_be_undone else "")

    def _diagnose(self) -> None:
        with self._step(self.end, "Asking both accounts why AWS denied it ..."):
            views = self.steps.diagnose()
            self.end.open(*views)
            self.end.show(SEAL, DIAGNOSE)

    def _undo(self) -> None:
        self.end.freeze()
        self.undoing = UndoWidget(self.steps)
        self.below.children = [self.undoing.panel.root]
        self.undoing.check()

    def _see(self, value: object) -> None:
        if isinstance(value, Entry):
            self._entries.append(value)
            self._show_calls(0)

    def _show_calls(self, seconds: float) -> None:
        """Show a line for each call, how often calls were tried again, and how long it may still wait."""
        calls = collapse_entries(self._entries)
        again = sum(each.tries - 1 for each in calls)
        left = max(0, round(self.steps.patience - seconds))
        state = f"{len(calls)} calls, {again} tried again. It waits for IAM at most {left} seconds more."
        self.apply.say(*(Text(each.line) for each in calls), Text(state, "note"))

    def _answers(self) -> tuple[View, ...]:
        proof = self.steps.proof
        return proof_matrix(proof) if proof.outcomes else ()

    def _step(self, panel: Panel, doing: str, beside: Callable[[], tuple[View, ...]] = tuple) -> Step:
        return Step(panel, doing, partial(self.steps.note, panel.title), beside)


class UndoWidget:
    """The panel that undoes a record: its plan, its approval, its button."""

    def __init__(self, steps: GrantSteps[Any]) -> None:
        self._begin = steps.undo
        self.steps: ChangeSteps[Any] | None = None
        self.checked: Any = None
        about = "Takes back what this run changed. It has an approval and a record of its own."
        self.panel = Panel(7, "Undo", about, [UNDO_NOW])
        self.panel.on_press(UNDO_NOW, self._apply)

    def check(self) -> None:
        """Plan the undo, and ask for its approval."""
        with self._step("Reading both accounts ..."):
            self.steps = steps = self._begin()
            self.checked = checked = steps.check()
            if not checked.changes:
                self.panel.done(*checked.views, *steps.end())
                return
            self.panel.open(*checked.views)
            self.panel.show()
            self.panel.put(checked.approval.widget)
            checked.approval.on_change(self._decided)

    def _decided(self) -> None:
        if self.checked.approval.digest and not self.checked.approval.closed:
            self.panel.show(UNDO_NOW)

    def _apply(self) -> None:
        if (steps := self.steps) is not None:
            with self._step("Undoing it in both accounts ..."):
                self.panel.done(*steps.apply(self.checked))

    def _step(self, doing: str) -> Step:
        return Step(self.panel, doing, self._note)

    def _note(self, problem: BaseException | None) -> None:
        if self.steps is not None:
            self.steps.note(self.panel.title, problem)
