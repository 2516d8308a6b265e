"""The guards of a run: no step acts on a value that its form does not have any more, nor on a sealed run."""

from dataclasses import dataclass, field

from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.planner import diff
from xacct_nb.errors import OutOfDate, WaitingForApproval
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.settings import Settings
from xacct_nb.grants.state import State
from xacct_nb.jupyter.forms.approval_form import ApprovalForm
from xacct_nb.jupyter.forms.form import Form
from xacct_nb.jupyter.forms.grant_form import GrantForm
from xacct_nb.runs.run_context import PlanApproval

_FROM_SESSIONS = "Run the cells again from the one that opens the sessions."
_FROM_BEGIN = "Run the notebook from its beginning: that starts a new run."
_OTHER_RUN = "Another run asked for it, and this run has its own."
_CHANGED = "The form was changed since this plan was made."


@dataclass
class Guards:
    """What a run's steps are compared with: its form, its open sessions, its questions for approval.

    `forms` are those of a fleet, whose run compares its plans with them; `again` says which cells to run
    after a change. `plans` are the digests of the plans made since the sessions were opened, `older` those
    made before.
    """

    form: GrantForm | None = None
    approvals: list[ApprovalForm] = field(default_factory=list)
    sessions: Sessions | None = None
    settings: Settings | None = None
    sealed: bool = False
    again: str = _FROM_SESSIONS
    forms: list[Form] = field(default_factory=list)
    plans: set[str] = field(default_factory=set)
    older: set[str] = field(default_factory=set)

    @property
    def opened(self) -> Grant | None:
        """Return the grant that the sessions were opened for."""
        return self.sessions.given if self.sessions is not None else None

    def watch(self, form: GrantForm) -> GrantForm:
        """Compare every later step with this form; the form before it is shut, its approval void."""
        if self.form is not None:
            self.form.shut("A newer form has taken the place of this one.")
        self.void(_CHANGED)
        self.form = form
        form.on_change(self._form_changed)
        return form

    def forget_sessions(self) -> None:
        """Let no step use the open sessions, and no plan of theirs be approved, until others are open."""
        self.sessions = self.settings = None
        self.older |= self.plans
        self.plans = set()

    def open(self, sessions: Sessions) -> None:
        """Note which sessions are open, and where the form says that the run acts."""
        self.sessions = sessions
        self.settings = self.form.settings if self.form is not None else None

    def note_plan(self, plan: Plan, state: State | None) -> None:
        """Note a plan; with a form, check that it is the plan of the open sessions. Raises OutOfDate."""
        if self.form is not None and not self._is_current(plan, state):
            raise OutOfDate(
                "The plan was not made from what the form has now.",
                why="The sessions were opened anew, and the cells below that were not all run again.",
                hint=_FROM_SESSIONS,
            )
        self.plans.add(plan.digest)

    def ask(self, approval: ApprovalForm) -> ApprovalForm:
        """Let this be the run's question for approval; those for other plans are void. Raises OutOfDate."""
        digest = approval.plan.digest
        self.check_open()
        if digest not in self.plans and (self.form is not None or digest in self.older):
            raise OutOfDate(
                "The plan was made before the sessions were opened.",
                why="It may not be the plan of what the form has now.",
                hint=_FROM_SESSIONS,
            )
        for other in self.approvals:
            if other.plan.digest != digest:
                other.void("A newer plan was made.")
        self.approvals.append(approval)
        return approval

    def check(self, grant: Grant | None = None) -> None:
        """Check that the run is not sealed, and that the grant, or that of the sessions, is the form's.

        Raises InvalidGrant while the form is not valid, and OutOfDate.
        """
        self.check_grant(grant or self.opened)
        if self.form is not None and self.settings is not None and self.settings != self.form.settings:
            raise OutOfDate(
                "The form has another place or other profiles than the open sessions.",
                why="The form was changed since the sessions were opened.",
                hint=_FROM_SESSIONS,
            )

    def check_grant(self, grant: Grant | None) -> None:
        """Check that the run is not sealed, and that the grant is the form's, wherever the form acts.

        Raises InvalidGrant while the form is not valid, and OutOfDate.
        """
        if self.sealed:
            raise OutOfDate(
                "This run has ended.",
                why="Its record is sealed, so nothing can be added to it.",
                hint=_FROM_BEGIN,
            )
        if self.form is not None and grant is not None and grant != self.form.grant:
            raise OutOfDate(
                "The form has another grant than the one that this cell would use.",
                why="The form was changed since the sessions were opened and the plan was made.",
                hint=_FROM_SESSIONS,
            )

    def check_open(self, sessions: Sessions | None = None) -> None:
        """Check also that sessions are open for what the form has, and that these are they.

        Raises InvalidGrant while the form is not valid, and OutOfDate.
        """
        self.check()
        now = self.sessions
        if self.form is not None and now is None:
            raise OutOfDate(
                "No sessions are open for what the form has now.",
                why="This run did not open any, or they could not be opened.",
                hint=_FROM_SESSIONS,
            )
        if sessions is not None and now is not None and not _is_part_of(sessions, now):
            raise OutOfDate(
                "These are not the sessions that this run opened last.",
                why="They were opened for another grant, or with other profiles, or by another run.",
                hint=_FROM_SESSIONS,
            )

    def check_answered(self, plan: Plan, approval: PlanApproval) -> None:
        """Raise WaitingForApproval where a person was asked for approval, and has not given it."""
        if not (isinstance(approval, ApprovalForm) and approval.live and plan.changes):
            return
        if all(each is not approval for each in self.approvals):
            raise WaitingForApproval("The approval is void.", why=_OTHER_RUN, hint=self.again)
        if approval.digest:
            return
        if approval.closed:
            raise WaitingForApproval("The approval is void.", why=approval.closed, hint=self.again)
        if approval.card and approval.card.blockers:
            why = " ".join(approval.card.blockers)
            raise WaitingForApproval("This plan cannot be approved.", why=why, hint=self.again)
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
        for each in (self.form, *self.forms, *self.approvals):
            if each is not None:
                each.shut(reason)

    def give_up(self, reason: str) -> None:
        """Shut the form, and take every approval back, unless the record is sealed."""
        if not self.sealed:
            self.void(reason)
            self.close(reason)

    def _form_changed(self, *_: object) -> None:
        form = self.form
        if form is None or not form.valid or (form.grant, form.settings) != (self.opened, self.settings):
            self.void(f"{_CHANGED} {_FROM_SESSIONS}")

    def void(self, reason: str) -> None:
        """Take back every approval, and say why there."""
        for each in self.approvals:
            each.void(reason)

    def _is_current(self, plan: Plan, state: State | None) -> bool:
        sessions = self.sessions
        if sessions is None or state is None:
            return False
        return diff(sessions.documents, state).digest == plan.digest


def _is_part_of(sessions: Sessions, opened: Sessions) -> bool:
    """Return whether these are the open sessions, or some of them."""
    same = sessions.given == opened.given and sessions.endpoint == opened.endpoint
    return same and sessions.side == opened.side and set(sessions.identities) <= set(opened.identities)
