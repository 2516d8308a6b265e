"""The form that approves a plan by the first characters of its digest."""

import time
from collections.abc import Callable
from typing import Any

from xacct_nb.changes.decision_card import DecisionCard
from xacct_nb.changes.plan import Plan
from xacct_nb.jupyter.forms.form import WIDE, Form, box, region
from xacct_nb.redaction.redact import redact
from xacct_nb.views import Page, Text, View, html

_FEWEST = 8  # characters of the digest
_LATE = 1.0  # seconds
_SIGNED = (
    "Also, one of the approvers must have signed this plan in an earlier record: plan it with xacct-nb run, "
    "then xacct-nb approve {digest} --key KEY"
)


class ApprovalForm(Form):
    """The approval of exactly this plan; `.digest` is the approved digest, "" while there is none.

    With `signed`, one of the approvers must sign the plan's record, too.
    Where a person approved it here, `.at` is when, and `.approved_since` when the plan was shown (UTC).
    `.card` is what the person must know, shown above the field. `.closed` says why nothing can be approved
    here any more, "" while it can.
    """

    def __init__(
        self,
        plan: Plan,
        given: str,
        *,
        live: bool,
        note: str = "",
        clock: Callable[[], str] = str,
        signed: bool = False,
        card: DecisionCard | None = None,
    ) -> None:
        super().__init__(live=live and bool(plan.changes))
        self.plan, self.digest = plan, given
        self.note, self._clock, self._shown, self.at = note, clock, clock(), ""
        self.signed, self.card = signed and bool(plan.changes), card

    @property
    def approved_since(self) -> str:
        """Return when the plan was shown that a person approved here; "" where no person did."""
        return self._shown if self.at else ""

    def void(self, reason: str) -> None:
        """Take the approval back, and shut the form; do nothing where it is shut already."""
        if not self.closed:
            self.digest = self.at = ""
            self.shut(reason)

    def view(self) -> View:
        """Return the card, and below it whether the plan is approved."""
        return Page("Approval", (self.card.view(), self.answer())) if self.card else self.answer()

    def answer(self) -> Text:
        """Return what was approved, what is still to be done, and where the external ID comes from."""
        state = self._state()
        required = (_SIGNED.format(digest=self.plan.digest),) if self.signed else ()
        return Text(" ".join((state.text, *self.plan.origin, *required)), state.tone)

    def _state(self) -> Text:
        if not self.plan.changes:
            return Text("There is nothing to approve.", "note")
        if self.digest == self.plan.digest:
            return Text(f"Approved: {self.digest}\n{self.closed}".rstrip(), "good")
        if self.closed:
            return Text(f"Not approved, and it cannot be approved here. {self.closed}", "bad")
        if self.digest:
            other = f"The approval {self.digest[:12]} is for another plan."
            return Text(f"{other} This one has the digest {self.plan.digest}", "bad")
        return self._not_approved()

    def _not_approved(self) -> Text:
        if self.card and self.card.blockers:
            return Text("Not approved, and it cannot be approved: the reason is above.", "bad")
        if self.live:
            return Text("Not approved. The digest is above: type or paste its first 8 characters.", "note")
        command = (self.card.command if self.card else "") or f"--approve {self.plan.digest}"
        return Text(f"Not approved. To approve this plan: {command}", "note")

    def matches(self, typed: str) -> bool:
        """Return whether this is the plan's digest, or at least its first 8 characters."""
        start = typed.strip().lower()
        return bool(self.plan.changes) and len(start) >= _FEWEST and self.plan.digest.startswith(start)

    def approve(self, typed: str) -> None:
        """Approve the plan if the typed text matches its digest and nothing stands against it."""
        if self.matches(typed) and not self._is_shut:
            self.digest, self.at = self.plan.digest, self._clock()
            for observer in self._observers:
                observer()

    def feedback(self, typed: str) -> View:
        """Return what to show while the digest is typed."""
        if (
            self.digest == self.plan.digest
            or self.closed
            or len(typed.strip()) < _FEWEST
            or self.matches(typed)
        ):
            return self.answer()
        return Text("The digest of this plan does not begin like this.", "bad")

    def build_widget(self) -> Any:
        """Return a field for the digest, a button, a note, and what they mean."""
        import ipywidgets

        typed = _field("First 8 characters of the digest", "")
        button = ipywidgets.Button(description="Approve this plan", disabled=True, button_style="primary")
        note = _field("Note for the record", self.note)
        feedback = ipywidgets.HTML(region("status", html(self.answer())))

        def show() -> None:
            # Field and button stay enabled once approved: a disabled one loses the keyboard's focus.
            feedback.value = region("status", html(self.feedback(typed.value)))
            for each in (typed, button, note) if self._is_shut else ():
                each.disabled = True

        self._connect(typed, button, show)
        self._refresh = show

        def take_note(_: object) -> None:
            self.note = note.value = redact(note.value, ())

        note.observe(take_note, names="value")
        show()
        rows = ipywidgets.VBox([_framed(typed), _framed(note)]).add_class("xacct-fields")
        card = [ipywidgets.HTML(html(self.card.view()))] if self.card else []
        return box(*card, rows, button, feedback)

    @property
    def _is_shut(self) -> bool:
        return bool(self.closed or (self.card and self.card.blockers))

    def _connect(self, typed: Any, button: Any, show: Callable[[], None]) -> None:
        entered = -_LATE

        def compare(_: object) -> None:
            button.disabled = self._is_shut or not self.matches(typed.value)
            # The front end sends Enter ahead of the last characters that were typed before it.
            if time.monotonic() < entered + _LATE:
                self.approve(typed.value)
            show()

        def submit(_: object, content: dict[str, object], __: object) -> None:
            nonlocal entered
            if content.get("event") == "submit":
                entered = time.monotonic()
                compare(None)

        def press(_: object) -> None:
            self.approve(typed.value)
            show()

        typed.observe(compare, names="value")
        typed.on_msg(submit)
        button.on_click(press)


def _field(label: str, value: str) -> Any:
    import ipywidgets

    return ipywidgets.Text(value, description=label, style={"description_width": "initial"}, layout=WIDE)


def _framed(field: Any) -> Any:
    """Return the field with its label above it, as in the form of a grant."""
    from ipywidgets import VBox

    return VBox([field]).add_class("xacct-field")
