"""The guards of a run: no step acts on a value that its form does not have any more, nor on a sealed run."""

from dataclasses import dataclass, field

from xacct_nb.changes.plan import Plan
from xacct_nb.errors import OutOfDate, WaitingForApproval
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.settings import Settings
from xacct_nb.jupyter.approval_form import ApprovalForm
from xacct_nb.jupyter.grant_form import GrantForm
from xacct_nb.runs.run_context import PlanApproval

_FROM_SESSIONS = "Run the cells again from the one that opens the sessions."
_FROM_BEGIN = "Run the notebook from its beginning: that starts a new run."
_CHANGED = "The form was changed since this plan was made."


@dataclass
class Guards:
    """What a run's steps are compared with: its form, what its sessions were opened for, its approval."""

    form: GrantForm | None = None
    approval: ApprovalForm | None = None
    opened: Grant | None = None
    settings: Settings | None = None
    sealed: bool = False
    plans: dict[str, Grant | None] = field(default_factory=dict)

    def watch(self, form: GrantForm) -> GrantForm:
        """Compare every later step with this form; the form before it is shut, its approval void."""
        if self.form is not None:
            self.form.shut("A newer form has taken the place of this one.")
        self._void(_CHANGED)
        self.form = form
        form.on_change(self._form_changed)
        return form

    def open(self, grant: Grant) -> None:
        """Note that sessions were opened for this grant, and where the form says."""
        self.opened = grant
        self.settings = self.form.settings if self.form is not None else None

    def note_plan(self, plan: Plan) -> None:
        """Note the grant that a plan was made of."""
        self.plans[plan.digest] = self.opened

    def ask(self, approval: ApprovalForm) -> ApprovalForm:
        """Let this be the run's question for approval; the one before it is void. Raises OutOfDate."""
        self.check(self.plans.get(approval.plan.digest))
        if self.approval is not None and self.approval.plan.digest != approval.plan.digest:
            self._void("A newer plan was made.")
        self.approval = approval
        return approval

    def check(self, grant: Grant | None = None) -> None:
        """Check that the run is not sealed, and that the grant, or that of the sessions, is the form's.

        Raises InvalidGrant while the form is not valid, and OutOfDate.
        """
        if self.sealed:
            raise OutOfDate(
                "This run has ended.",
                why="Its record is sealed, so nothing can be added to it.",
                hint=_FROM_BEGIN,
            )
        wanted = grant or self.opened
        if self.form is not None and wanted is not None and wanted != self.form.grant:
            raise OutOfDate(
                "The form has another grant than the one that this cell would use.",
                why="The form was changed since the sessions were opened and the plan was made.",
                hint=_FROM_SESSIONS,
            )
        if self.form is not None and self.settings is not None and self.settings != self.form.settings:
            raise OutOfDate(
                "The form has another place or other profiles than the open sessions.",
                why="The form was changed since the sessions were opened.",
                hint=_FROM_SESSIONS,
            )

    def check_answered(self, plan: Plan, approval: PlanApproval) -> None:
        """Raise WaitingForApproval where a person was asked for approval, and has not given it."""
        if not (isinstance(approval, ApprovalForm) and approval.live and plan.changes) or approval.digest:
            return
        if approval.closed:
            raise WaitingForApproval("The approval is void.", why=approval.closed, hint=_FROM_SESSIONS)
        raise WaitingForApproval(
            "Waiting for your approval.",
            why="Nothing was changed. The form with the decision card asks for the start of its digest.",
            hint="Approve the plan there, then run this cell again, and the cells below it.",
        )

    def seal(self) -> None:
        """Refuse every further step: the record of the run is sealed."""
        self.sealed = True
        self.close(f"The record of this run is sealed. {_FROM_BEGIN}")

    def close(self, reason: str) -> None:
        """Shut the form and the question for approval, and say why there."""
        for each in (self.form, self.approval):
            if each is not None:
                each.shut(reason)

    def _form_changed(self, *_: object) -> None:
        form = self.form
        if form is None or not form.valid or (form.grant, form.settings) != (self.opened, self.settings):
            self._void(f"{_CHANGED} {_FROM_SESSIONS}")

    def _void(self, reason: str) -> None:
        if self.approval is not None:
            self.approval.void(reason)
