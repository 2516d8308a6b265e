"""How a run ends: its status after the errors of its cells, the words of a failed proof, its last line."""

import os
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from xacct_nb.changes.plan import Plan
from xacct_nb.changes.proof import Proof, missing_sides
from xacct_nb.errors import InvalidInput, ProofFailed, XacctError
from xacct_nb.grants.grant import Grant
from xacct_nb.records.fields import PAGE
from xacct_nb.runs.sealing import LAB_VARIABLE
from xacct_nb.views import Shown, Table, View

# Errors with these say that nothing was changed: what was done before them stays done.
_CHANGED_NOTHING = ("invalid-parameters", "stale-plan")


@dataclass(frozen=True, repr=False)
class RunSummary(Shown):
    """How a run ended: its status, the id of its record, the folder if it is sealed already."""

    status: str
    record: str
    folder: str

    def view(self) -> View:
        """The status, and where to read on."""
        place = self.folder or f"{self.record}, sealed when the run has ended"
        return Table(("", ""), (("status", self.status), ("record", place)), tones=("good", "note"))

    def _repr_html_(self) -> str:
        return super()._repr_html_() + self._link()

    def _link(self) -> str:
        """Return a link to the record's page for `xacct-nb lab`, where the record is in the served folder."""
        root, page = os.environ.get(LAB_VARIABLE), Path(self.folder, PAGE)
        if not (root and self.folder and page.is_relative_to(root)):
            return ""
        # A notebook's kernel runs in the notebook's folder, and JupyterLab resolves links from there.
        return f'<p><a href="{quote(os.path.relpath(page))}">Open the record</a></p>'


def status_of_error(problem: BaseException) -> str:
    """The status of a run that this error ended."""
    if isinstance(problem, KeyboardInterrupt):
        return "interrupted"
    return problem.status if isinstance(problem, XacctError) else "failed"


def is_from_package(problem: BaseException) -> bool:
    """Whether the error came out of this package, not out of something else that a person tried in a cell."""
    frames = traceback.walk_tb(problem.__traceback__)
    return any(str(frame.f_globals.get("__name__", "")).startswith("xacct_nb.") for frame, _ in frames)


def error_to_dict(problem: BaseException) -> dict[str, Any]:
    """The error as it stands in a record."""
    if isinstance(problem, XacctError):
        return problem.to_json()
    return {"code": type(problem).__name__, "what": str(problem), "why": "", "hint": ""}


def deciding_error(problems: Iterable[BaseException], changed: bool) -> BaseException | None:
    """The error that decides how a run ended, of those that its cells still end with."""
    counting = [each for each in problems if not (changed and status_of_error(each) in _CHANGED_NOTHING)]
    return counting[-1] if counting else None


def already_changed() -> InvalidInput:
    """The error of a run that is to change AWS a second time."""
    return InvalidInput(
        "This run has changed AWS already.",
        why="A record holds one change, so that it can be taken back.",
        hint="Run the last cell, then the notebook from its beginning.",
    )


def not_proven(grant: Grant, drift: Plan, proof: Proof) -> ProofFailed:
    """The error that names the side and account that lack something, and the answers not expected."""
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
