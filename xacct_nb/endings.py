"""How a run ends: its status after the errors of its cells, the words of a failed proof, its last line."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from xacct_nb.errors import ProofFailed, XacctError
from xacct_nb.grants import Grant
from xacct_nb.plans import Plan
from xacct_nb.proofs import Proof, missing_sides
from xacct_nb.views import Shown, Table, View

# Errors with these say that nothing was changed: what was done before them stays done.
_CHANGED_NOTHING = ("invalid-parameters", "stale-plan")


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


def status_of(problem: BaseException) -> str:
    """The status of a run that this error ended."""
    if isinstance(problem, KeyboardInterrupt):
        return "interrupted"
    return problem.status if isinstance(problem, XacctError) else "failed"


def told(problem: BaseException) -> dict[str, Any]:
    """The error as it stands in a record."""
    if isinstance(problem, XacctError):
        return problem.to_json()
    return {"code": type(problem).__name__, "what": str(problem), "why": "", "hint": ""}


def last_problem(problems: Iterable[BaseException], changed: bool) -> BaseException | None:
    """The error that decides how a run ended, of those that its cells still end with."""
    counting = [each for each in problems if not (changed and status_of(each) in _CHANGED_NOTHING)]
    return counting[-1] if counting else None


def not_proven(grant: Grant, drift: Plan, proof: Proof) -> ProofFailed:
    """The error that names the side and account that lack something, and the answers that were not expected."""
    sides = missing_sides(grant, drift)
    wrong = [
        f"{each.who}: {each.probe.question}: expected {each.probe.expected}, AWS answered {each.answer}"
        for each in proof.asked
        if not each.as_expected
    ]
    why = "\n".join([*sides, *wrong]) or "The assume itself was not asked."
    return ProofFailed(proof.summary, why=why, hint=_mend(sides, wrong))


def _mend(sides: tuple[str, ...], wrong: list[str]) -> str:
    if sides:
        return "Plan the grant again and apply it: xacct-nb run plan_and_apply"
    return "Look at the answers in the proof." if wrong else "Give the callers' profiles in caller_profiles."
