"""The accounts of a notebook that is being graded, and the verdicts on it: the grader's alone."""

import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from xacct_nb.errors import InvalidInput
from xacct_nb.redaction.redact import redact
from xacct_nb.sandbox.server import accounts
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.workshop.checks import Message
from xacct_nb.workshop.cleaning import CleanUp, clean
from xacct_nb.workshop.exercise import Sheet, seed_of
from xacct_nb.workshop.grading.grades import CLEAN, NOT_OPENED, ExerciseGrade, ungraded
from xacct_nb.workshop.marking import mark
from xacct_nb.workshop.organization import abandon
from xacct_nb.workshop.progress import SheetProgress
from xacct_nb.workshop.verdict import Verdict
from xacct_nb.workshop.world import WorkshopWorld, open_world

_LONGEST = 1_000  # characters of a text about an exercise
Report = Callable[[str, Any], None]
Stopped = Callable[[], AbstractContextManager[None]]


class GradedWorld:
    """Judges one notebook by the shipped sheet, whatever its kernel says.

    The kernel gets a copy of the accounts' files, so that it can call AWS, and never the sandbox's token.
    While AWS is asked, its processes are `stopped`: the accounts do not change between two questions.
    `report(kind, value)` is called with the exercises of the sheet, and with the grade after each check.
    """

    def __init__(
        self,
        sheet: Sheet,
        participant: str,
        folder: Path,
        sandbox: Sandbox,
        *,
        report: Report,
        stopped: Stopped,
    ) -> None:
        self.sheet, self._participant, self._folder, self._sandbox = sheet, participant, folder, sandbox
        self._report, self._stopped = report, stopped
        self._world: WorkshopWorld | None = None
        self._seed, self._worlds = 0, 0
        self._progress = SheetProgress(participant, sheet.name)
        self._grades: dict[str, ExerciseGrade] = {}
        self._secrets = set[str]()
        self._set_sheet(sheet)

    def serve(self, request: Message) -> Message:
        """Return the response to a request of the kernel. Raises InvalidInput for one that is none."""
        serve = _SERVED.get(str(request.get("do")))
        if serve is None:
            raise InvalidInput("The grader has no such request.")
        with self._stopped():
            return serve(self, request)

    def close(self) -> str:
        """Return what the notebook left in its accounts, in words."""
        if self._world is None:
            return CLEAN if self._worlds else NOT_OPENED
        left = [item for account in self._world.owned for item in self._world.contents(account)]
        return f"{len(left)} left" if left else CLEAN

    def without_secrets(self, text: str) -> str:
        """Return a text without the keys of the accounts, and whatever else looks like a secret."""
        return redact(text, self._secrets)

    def _open(self, request: Message) -> Message:
        name, participant = request["sheet"], str(request["participant"] or self._participant)
        if name != self.sheet.name:
            raise InvalidInput(
                f"This notebook is graded as {self.sheet.name}.", why=f"It opens {name!r:.80}."
            )
        self._draw(_whole(request["seed"]), participant)
        if self._world is None:
            self._make_world()
        return self._opened()

    def _draw(self, seed: int, participant: str) -> None:
        """Choose the exercises where they are drawn: by the first seed that the notebook names."""
        if self.sheet.drawn is None:
            return
        wanted = seed or self._seed or seed_of(participant)
        if self._seed not in (0, wanted):
            raise InvalidInput(
                f"The exercises of this grading are those of seed {self._seed}.",
                why="A notebook is graded by the exercises that it opens first.",
            )
        if not self._seed:
            self._seed = wanted
            self._set_sheet(self.sheet.of_seed(wanted))

    def _set_sheet(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self._grades = {each.name: each for each in ungraded(sheet)}
        self._report("exercises", [each.to_json() for each in self._grades.values()])

    def _make_world(self) -> None:
        self._worlds += 1
        self._world = open_world(self._sandbox, self._folder / f"judged-{self._worlds}", self.sheet.prepare)
        self._progress = replace(self._progress, world=self._world.fingerprint())
        files = self._world.accounts
        for pair in accounts.known_keys(files.credentials_file).values():
            self._secrets.update(pair)
        shutil.copytree(files.credentials_file.parent, self._given)

    @property
    def _given(self) -> Path:
        """The folder of the accounts' files that the kernel uses."""
        return self._folder / f"given-{self._worlds}"

    def _opened(self) -> Message:
        return {
            "folder": str(self._given),
            "endpoint": self._sandbox.endpoint,
            "instance": self._sandbox.instance,
            "participant": self._participant,
            "seed": self._seed,
        }

    def _check(self, request: Message) -> Message:
        exercise, world = self.sheet.exercise(str(request["exercise"])), self._require_world()
        found, self._progress = mark(world, exercise, request["answer"], self._progress)
        self._keep(exercise.name, found)
        return {"verdict": found.to_json()}

    def _keep(self, exercise: str, found: Verdict) -> None:
        """Keep the best outcome, and the text of the last check that is not better."""
        before, now = self._grades[exercise], self._progress.of(exercise)
        text = before.text if before.is_correct else _text(found)
        grade = replace(
            before, outcome=now.outcome, tries=now.tries, text=self.without_secrets(text)[:_LONGEST]
        )
        self._grades[exercise] = grade
        self._report("grade", grade.to_json())

    def _reset(self, request: Message) -> Message:
        self._draw(_whole(request["seed"]), self._participant)
        if self._world:
            abandon(self._world)
        self._make_world()
        return self._opened()

    def _clean_up(self, request: Message) -> Message:
        found: CleanUp = clean(self._require_world())
        if found.is_clean:
            self._world = None
        return {"clean_up": found.to_json()}

    def _require_world(self) -> WorkshopWorld:
        """Return the accounts, if they are there and answer. Raises InvalidInput."""
        if self._world and self._world.identify().value:
            return self._world
        raise InvalidInput(
            "The accounts of this sheet do not answer.",
            why="The sheet was cleaned up, or its administrator was removed.",
            hint="Run the cell with open_sheet again.",
        )


def _text(found: Verdict) -> str:
    if found.is_correct:
        return ""
    points_to = f"This points to: {found.points_to[0]}" if found.points_to else ""
    answered = f"AWS answered: {found.message}" if found.message else ""
    return " ".join(filter(None, (found.text, answered, points_to)))


def _whole(seed: object) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 10**9:
        raise InvalidInput("The seed is not a whole number from 0.")
    return seed


_SERVED: Mapping[str, Callable[[GradedWorld, Message], Message]] = {
    "open": GradedWorld._open,
    "check": GradedWorld._check,
    "reset": GradedWorld._reset,
    "clean-up": GradedWorld._clean_up,
}
