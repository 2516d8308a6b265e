"""A sheet as its notebook uses it: who you are, your accounts, checks, hints, and the clean-up."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from xacct_nb.aws.clients import AwsClient
from xacct_nb.aws.clock import utc
from xacct_nb.changes.journal import Journal
from xacct_nb.diagnosis.diagnosis import Diagnosis
from xacct_nb.errors import AwsRefused, InvalidInput
from xacct_nb.grants.grant import Grant
from xacct_nb.jupyter.forms.form_parts import style
from xacct_nb.jupyter.forms.grant_form import GrantForm
from xacct_nb.sandbox.server.accounts import Side
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.validation import suggestion
from xacct_nb.views import Page, Shown, Table, Text, View
from xacct_nb.workshop.applying import apply_grant
from xacct_nb.workshop.aws_opening import AwsAccounts
from xacct_nb.workshop.calling import Questioner, ask
from xacct_nb.workshop.cleaning import CleanUp, clean, require_clean
from xacct_nb.workshop.drawing import draw
from xacct_nb.workshop.exercise import Sheet
from xacct_nb.workshop.folders import shell_line
from xacct_nb.workshop.hint import Hint, Solution, Ticket
from xacct_nb.workshop.marking import mark, plain_answer
from xacct_nb.workshop.organization import abandon, organization_id
from xacct_nb.workshop.owner import AccountOwner
from xacct_nb.workshop.pointing import diagnose_call
from xacct_nb.workshop.preparing import put_role
from xacct_nb.workshop.progress import ProgressFile, SheetProgress
from xacct_nb.workshop.verdict import CORRECT, Verdict
from xacct_nb.workshop.world import WorkshopWorld, open_world

_MADE_AGAIN = (
    "The sandbox was started again or reset since you opened this sheet, so your accounts are as at the "
    "beginning. What was correct stays counted."
)

_NO_TERMINAL = (
    "A browser tab has no terminal and no AWS CLI: call AWS by sheet.client. A reload of the tab makes your "
    "accounts again; your progress stays."
)


class OpenSheet(Shown):
    """One sheet of one participant, open in a notebook."""

    def __init__(
        self, sheet: Sheet, participant: str, folder: Path, sandbox: Sandbox | AwsAccounts, seed: int = 0
    ) -> None:
        self.sheet, self.participant, self.folder, self.sandbox = sheet, participant, folder, sandbox
        self._file = ProgressFile(folder, participant, sheet.name)
        self._draw(seed)
        self._open()

    def _draw(self, seed: int) -> None:
        on_aws = isinstance(self.sandbox, AwsAccounts)
        self.sheet = draw(self.sheet, self._file, self.participant, seed, on_aws=on_aws)

    def _open(self) -> None:
        self.world: WorkshopWorld = (
            self.sandbox.open(self.sheet, self.folder / "aws")
            if isinstance(self.sandbox, AwsAccounts)
            else open_world(self.sandbox, self.folder, self.sheet.prepare)
        )
        now = self.world.fingerprint() if self.world.is_new else ""
        self._file.change(lambda progress: self._opened(progress, now))

    def _opened(self, progress: SheetProgress, world: str) -> SheetProgress:
        """Return the progress of the sheet when it is opened in this world."""
        opened = replace(progress, sandbox=self.sandbox.instance, opened=progress.opened or utc())
        return replace(opened, world=world) if self.world.is_new else opened

    @property
    def source(self) -> str:
        """The id of the source account."""
        return self.world.source

    @property
    def destination(self) -> str:
        """The id of the destination account."""
        return self.world.destination

    @property
    def bucket(self) -> str:
        """The bucket of the destination account with the reports."""
        return self.world.bucket

    @property
    def other_bucket(self) -> str:
        """The bucket of the destination account that is nobody's business."""
        return self.world.other_bucket

    @property
    def progress(self) -> SheetProgress:
        """The participant's progress in this sheet."""
        return self._file.read()

    def user_arn(self, name: str, side: Side = "source") -> str:
        """Return the ARN of a user, of the source account if no side is named."""
        return self.world.user_arn(name, side)

    def role_arn(self, name: str, side: Side = "destination") -> str:
        """Return the ARN of a role, of the destination account if no side is named."""
        return self.world.role_arn(name, side)

    def client(self, profile: str, service: str) -> AwsClient:
        """Return a boto3 client of a service, with a user's own keys. Raises InvalidInput."""
        if profile not in self.world.profiles:
            raise InvalidInput(
                f"There is no profile {profile!r} in this sheet.",
                why=f"Those who can call are: {', '.join(self.world.profiles)}.",
                hint=suggestion(profile, self.world.profiles),
            )
        return self.world.client(profile, service)

    def session_client(self, credentials: Mapping[str, Any], service: str) -> AwsClient:
        """Return a boto3 client of a service with the Credentials of a response of STS."""
        return self.world.session_client(credentials, service)

    def secret(self, name: str) -> str:
        """Return a secret text of this sheet's world, such as an external ID; the same each time."""
        return self.world.secret(name)

    @property
    def organization(self) -> str:
        """The id of the organization that the accounts are in, where the sheet has one."""
        return organization_id(self.world)

    def mfa_serial(self, name: str) -> str:
        """Return the serial number of a user's MFA device, which is its ARN. Raises InvalidInput."""
        return self.world.devices.serial(name)

    def mfa_code(self, name: str) -> str:
        """Return the next code of a user's MFA device; AWS accepts each code once. Raises InvalidInput."""
        return self.world.devices.next_code(name)

    def put_role(
        self,
        name: str,
        trust_policy: Mapping[str, Any],
        permissions_policy: Mapping[str, Any] | None = None,
        *,
        side: Side = "destination",
    ) -> str:
        """Create a role with a trust policy, or replace the trust policy of the one there; return its ARN.

        With a permissions policy, that becomes the role's inline policy of the same name.
        """
        return put_role(self.world, side, name, trust_policy, permissions_policy)

    def form(self, grant: Grant) -> GrantForm:
        """Return a grant as a form to edit, with the policies of both sides below it."""
        return GrantForm(grant, lambda edited: edited, live=True)

    def apply_grant(self, grant: Grant) -> Journal:
        """Make what a grant says on both sides, as the two administrators, and return what was done.

        Raises the errors of `xa.apply`.
        """
        return apply_grant(self.world, grant)

    def owner(self, side: Side) -> AccountOwner:
        """Return the owner of one account, who exchanges hand-over files with the owner of the other one."""
        return AccountOwner(self.world, side)

    def diagnose(
        self, who: str, role: str, *, action: str = "", resource: str = "", **parameters: Any
    ) -> Diagnosis:
        """Return why a user may not assume a role; `parameters` are further ones of AssumeRole.

        With an `action`, return why the user, as this role, may not call it on `resource`.
        """
        about = {"action": action, "resource": resource} if action else {"call": parameters}
        return diagnose_call(Questioner(self.world), who, (), role, **about)

    def task(self, exercise: str) -> Ticket:
        """Return what is wanted in a drawn exercise, and what AWS answers now. Raises InvalidInput."""
        ticket = self.sheet.exercise(exercise).ticket
        if ticket is None:
            raise InvalidInput("The notebook has the whole task.", hint="It is above the answer cell.")
        self._require_world()
        text, question = ticket(self.world)
        return Ticket(exercise, text, ask(self.world, question))

    def check(self, exercise: str, answer: object = None) -> Verdict:
        """Ask AWS who can do what now, and return the verdict. Raises InvalidInput."""
        known, plain = self.sheet.exercise(exercise), plain_answer(answer)
        self._require_world()
        verdict: list[Verdict] = []

        def marked(progress: SheetProgress) -> SheetProgress:
            found, after = mark(self.world, known, plain, progress)
            verdict.append(found)
            return after

        self._file.change(marked)
        return verdict[0]

    def hint(self, exercise: str) -> Hint:
        """Return the next hint of an exercise; after the last one, the last one. Raises InvalidInput."""
        known = self.sheet.exercise(exercise)

        def seen(progress: SheetProgress) -> SheetProgress:
            now = progress.of(exercise)
            return progress.having(exercise, replace(now, hints=min(now.hints + 1, len(known.hints))))

        number = self._file.change(seen).of(exercise).hints
        return Hint(exercise, number, len(known.hints), known.hints[number - 1])

    def solution(self, exercise: str) -> Solution:
        """Return a solution of an exercise; the progress notes that it was shown. Raises InvalidInput."""
        known = self.sheet.exercise(exercise)
        self._file.change(
            lambda progress: progress.having(exercise, replace(progress.of(exercise), solution_shown=True))
        )
        return Solution(exercise, known.solution)

    def reset(self, seed: int = 0) -> "OpenSheet":
        """Begin this sheet again, with two new accounts in the sandbox. What was correct stays counted.

        Another `seed` draws other exercises, in a sheet whose exercises are drawn.
        On AWS itself everything is removed and made again. Raises RollbackFailed with what cannot be removed.
        """
        if isinstance(self.sandbox, AwsAccounts):
            require_clean(self.clean_up())
        before = self.progress.seed
        abandon(self.world)
        self._file.change(lambda progress: replace(progress, sandbox="", seed=0))
        self._draw(seed or before)
        self._open()
        return self

    def clean_up(self) -> CleanUp:
        """Remove everything in the accounts of this sheet, and list them again to prove it."""
        found = clean(self.world)
        self.world.forget(is_clean=found.is_clean)
        return found

    def _repr_html_(self) -> str:
        """Return the sheet with the style sheet, which the verdicts below use too."""
        return f"<style>{style()}</style>{super()._repr_html_()}"

    def view(self) -> View:
        """Return who you are, your accounts, and your progress."""
        progress, world = self.progress, self.world
        rows = (
            ("participant", self.participant),
            ("where", self.world.place),
            ("source account", world.source),
            ("destination account", world.destination),
            ("bucket", world.bucket),
            ("another bucket", world.other_bucket),
            ("who can call", ", ".join(world.profiles)),
        )
        solved = f"{progress.solved} of {len(self.sheet.exercises)} exercises are correct."
        parts: tuple[View, ...] = (
            *(Text(note, "change") for note in self._notes()),
            Text(solved, "good" if progress.solved == len(self.sheet.exercises) else "note"),
            Table(("your world", ""), rows),
            self._exercises(progress),
            Text(_NO_TERMINAL if sys.platform == "emscripten" else f"In a terminal: {self.shell_line}"),
        )
        return Page(f"{self.sheet.number}. {self.sheet.title}", parts)

    @property
    def shell_line(self) -> str:
        """The line with which a terminal uses the accounts of this sheet, such as by the AWS CLI."""
        return shell_line(self.world.accounts.config_file, self.world.accounts.credentials_file)

    def _require_world(self) -> None:
        """Check that the accounts are there and answer. Raises AwsRefused."""
        answer = self.world.identify()
        if not answer.value:
            raise AwsRefused(
                "The accounts of this sheet do not answer.",
                aws_code=answer.code,
                why=f"{answer.detail.rstrip('.')}. The sandbox was ended, or the sheet was cleaned up.",
                hint="Run the cell with open_sheet again. What was correct stays counted.",
            )

    def _notes(self) -> Iterator[str]:
        """Yield what the participant has to know before everything else."""
        if self.world.was_lost:
            yield _MADE_AGAIN
        if self._file.not_shared:
            yield self._file.not_shared

    def _exercises(self, progress: SheetProgress) -> Table:
        found = [(each, progress.of(each.name)) for each in self.sheet.exercises]
        rows = tuple((each.name, each.title, now.outcome) for each, now in found)
        tones = tuple("good" if now.outcome == CORRECT else "" for _, now in found)
        return Table(("exercise", "", "outcome"), rows, tones=tones)
