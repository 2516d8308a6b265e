"""A sheet in a notebook that is being graded: another process judges, resets and cleans up."""

from pathlib import Path
from typing import Any

from xacct_nb.runs import confinement
from xacct_nb.sandbox.server.state import Sandbox, sandbox_in
from xacct_nb.workshop.checks import ask_grader
from xacct_nb.workshop.cleaning import CleanUp
from xacct_nb.workshop.exercise import Sheet
from xacct_nb.workshop.marking import plain_answer
from xacct_nb.workshop.opened_sheet import OpenSheet
from xacct_nb.workshop.verdict import Verdict


class GradedSheet(OpenSheet):
    """A sheet whose accounts and verdicts are the grader's; the sandbox's token stays with it."""

    def __init__(self, sheet: Sheet, participant: str, seed: int) -> None:
        opened = ask_grader("open", sheet=sheet.name, participant=participant, seed=seed)
        super().__init__(sheet, opened["participant"], *_place(opened), opened["seed"])

    def check(self, exercise: str, answer: object = None) -> Verdict:
        """Return the grader's verdict. Raises InvalidInput."""
        response = ask_grader("check", exercise=exercise, answer=plain_answer(answer))
        return Verdict.from_json(response["verdict"])

    def reset(self, seed: int = 0) -> "GradedSheet":
        """Begin this sheet again, with two new accounts. Raises InvalidInput for another seed."""
        opened = ask_grader("reset", seed=seed)
        self.folder, self.sandbox = _place(opened)
        super().__init__(self.sheet, self.participant, self.folder, self.sandbox, opened["seed"])
        return self

    def clean_up(self) -> CleanUp:
        """Let the grader remove everything in the accounts of this sheet, and list them again."""
        return CleanUp.from_json(ask_grader("clean-up")["clean_up"])


def _place(opened: dict[str, Any]) -> tuple[Path, Sandbox]:
    """Return the folder and the sandbox of the accounts; all clients of this process use them from now on."""
    folder = Path(opened["folder"])
    sandbox = sandbox_in(folder, endpoint=opened["endpoint"], pid=0, instance=opened["instance"], token="")
    confinement.use_sandbox(sandbox, folder)
    return folder, sandbox
