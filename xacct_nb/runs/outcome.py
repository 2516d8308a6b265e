"""How a run ends: the error that decides its status, the message of a failed proof, the summary."""

import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xacct_nb.changes.drift import Drift
from xacct_nb.changes.plan import Plan, missing_sides
from xacct_nb.changes.proof import REVOKED, Proof
from xacct_nb.errors import InvalidInput, NotProven, ProofFailed, WaitingForApproval, XacctError
from xacct_nb.grants.grant import Grant
from xacct_nb.records.fields import PAGE, status_tone
from xacct_nb.runs.links import file_link
from xacct_nb.views import Code, Page, Shown, Table, Text, View

# An error with one of these statuses changed nothing; changes before it are kept.
_CHANGED_NOTHING = ("invalid-parameters", "stale-plan")


@dataclass(frozen=True, repr=False)
class RunSummary(Shown):
    """How a run ended: its status, the id of its record, and its folder where it is sealed already.

    `sentence` says how it ended, `label` and `command` what to do next; they are known with the record.
    """

    status: str
    record: str
    folder: str
    sentence: str = ""
    label: str = ""
    command: str = ""

    def view(self) -> View:
        """Return the status, and where the record is."""
        if not self.folder:
            record = ("record", f"{self.record}, sealed when the run has ended")
            return Table(
                ("", ""), (("status", self.status), record), tones=(status_tone(self.status), "note")
            )
        rows = (("status", self.status), ("record", self.record))
        link = file_link("Open the record", Path(self.folder, PAGE))
        table = Table(("", ""), rows, tones=(status_tone(self.status), "note"))
        said = (Text(self.sentence, status_tone(self.status)),) if self.sentence else ()
        following = (Code(self.label, self.command),) if self.command else ()
        return Page("Record", (*said, table, link, *following))


def status_of_error(problem: BaseException) -> str:
    """Return the status of a run that this error ended."""
    if isinstance(problem, KeyboardInterrupt):
        return "interrupted"
    return problem.status if isinstance(problem, XacctError) else "failed"


def is_of_the_run(problem: BaseException) -> bool:
    """Return whether the error is one of this package, and more than a wait for an approval."""
    return is_from_package(problem) and not isinstance(problem, WaitingForApproval)


def is_from_package(problem: BaseException) -> bool:
    """Return whether the error came from this package, not from other code that a person ran."""
    frames = traceback.walk_tb(problem.__traceback__)
    return any(str(frame.f_globals.get("__name__", "")).startswith("xacct_nb.") for frame, _ in frames)


def error_to_dict(problem: BaseException) -> dict[str, Any]:
    """Return the error as a record holds it."""
    if isinstance(problem, XacctError):
        return problem.to_json()
    return {"code": type(problem).__name__, "what": str(problem), "why": "", "hint": ""}


def changed_nothing(status: str) -> bool:
    """Return whether an error of this status leaves nothing changed."""
    return status in (*_CHANGED_NOTHING, "rolled-back")


def deciding_error(problems: Iterable[BaseException], changed: bool) -> BaseException | None:
    """Return the error that decides the run's status, of those that its cells ended with, in order."""
    relevant = [each for each in problems if not (changed and status_of_error(each) in _CHANGED_NOTHING)]
    return relevant[-1] if relevant else None


def already_changed() -> InvalidInput:
    """Return the error of a run that would change AWS a second time."""
    return InvalidInput(
        "This run has changed AWS already.",
        why="A record holds one change, so that one rollback undoes it.",
        hint="Run the last cell, then the notebook from its beginning.",
    )


def proof_failed(
    grant: Grant, drift: Plan, proof: Proof, again: str, diagnosis: str = "", changed: Iterable[Drift] = ()
) -> ProofFailed:
    """Return the error that names what each side lacks, and AWS's unexpected answers.

    `again` is the command that plans the grant, `diagnosis` says how the cause of a denial is found, and
    `changed` has who changed what is not as the grant says.
    """
    sides = missing_sides(grant, drift)
    wrong = [
        f"{each.who}: {each.probe.question}: expected {each.probe.expected}, AWS returned {each.answer}"
        for each in proof.asked
        if not each.as_expected
    ]
    right = f"If the grant is right, plan it again and apply it: {again}"
    hint = "\n".join(filter(None, (diagnosis, right if sides else "")))
    hint = hint or "Read the unexpected answers in the proof."
    return ProofFailed(
        proof.summary, why="\n".join([*sides, *(each.sentence for each in changed), *wrong]), hint=hint
    )


def not_proven(proof: Proof | None, again: str = "xacct-nb run prove_the_access -f GRANT") -> NotProven:
    """Return why the run of this proof ends `not-proven`; None is the proof that was not asked.

    `again` is the command that proves the grant.
    """
    if proof is None:
        return NotProven(
            "The access is not proven: the proof was not asked.",
            why="The run ended without its proof.",
            hint=f"Ask for it: {again}",
        )
    revoked = any(each.probe.kind == REVOKED for each in proof.outcomes)
    why = "\n".join(proof.open_reasons)
    return NotProven(proof.summary, why=why, hint=_PROVE_REVOKED if revoked else _PROVE.format(again))


_PROVE = (
    "Test by hand what no read-only call can test. Where a profile of a caller is missing, name it in "
    "caller_profiles and prove the access: {}"
)
_PROVE_REVOKED = (
    "Give the callers' profiles in caller_profiles: their sessions are opened before, and tried afterwards."
)
