"""What a grading found: the exercises of each notebook, those of the class, and why something is missing."""

from dataclasses import dataclass
from typing import Any

from xacct_nb.validation import Serializable
from xacct_nb.views import Page, Shown, Table, Text, View
from xacct_nb.workshop.exercise import Sheet
from xacct_nb.workshop.grading.submissions import LeftOut
from xacct_nb.workshop.verdict import CORRECT, NOT_ATTEMPTED

NOT_CHECKED = "The notebook did not check it."
CLEAN, NOT_OPENED, UNKNOWN = "clean", "not opened", "unknown"
_BEST = (
    "Of several checks of an exercise, the best one counts. The checks were judged by the grader, with the "
    "exercises of this installation. A notebook without a check of an exercise has not attempted it."
)
_LONGEST = 160  # characters of a reason in the table


@dataclass(frozen=True)
class ExerciseGrade(Serializable):
    """The best outcome of an exercise, after `tries` checks; `text` says why it is not correct."""

    name: str
    title: str
    outcome: str = NOT_ATTEMPTED
    tries: int = 0
    text: str = NOT_CHECKED

    @property
    def is_correct(self) -> bool:
        """Return whether one check found it correct."""
        return self.outcome == CORRECT

    @property
    def why(self) -> str:
        """Return which exercise it is, its outcome, and why."""
        return f"{self.name}: {self.outcome.replace('-', ' ')}. {self.text}".strip()


@dataclass(frozen=True)
class NotebookGrade(Serializable):
    """A notebook of a participant. `problem` is why it could not be graded, "" where it was.

    `reason` is what went wrong first while it ran, "" for nothing. `clean_up` says what the notebook left.
    It is not `wanted` where only another sheet is graded.
    """

    participant: str
    file: str
    sheet: str = ""
    exercises: tuple[ExerciseGrade, ...] = ()
    clean_up: str = UNKNOWN
    reason: str = ""
    problem: str = ""
    wanted: bool = True
    seconds: float = 0.0

    @property
    def correct(self) -> int:
        """Return how many exercises are correct."""
        return sum(each.is_correct for each in self.exercises)

    @property
    def score(self) -> str:
        """Return how many exercises are correct, of how many."""
        return "not graded" if self.problem else f"{self.correct} of {len(self.exercises)}"

    @property
    def why(self) -> str:
        """Return why not everything is correct, "" where it is."""
        first = next((each for each in self.exercises if not each.is_correct), None)
        return self.problem or self.reason or (first.why if first else "")

    def to_json(self) -> dict[str, Any]:
        """Return plain data, with the score."""
        return {**super().to_json(), "correct": self.correct, "of": len(self.exercises)}


@dataclass(frozen=True, repr=False)
class ClassGrades(Shown, Serializable):
    """The grades of all notebooks in a folder, and what in it was not graded."""

    notebooks: tuple[NotebookGrade, ...]
    left_out: tuple[LeftOut, ...] = ()
    seconds: float = 0.0

    @property
    def is_complete(self) -> bool:
        """Return whether everything that should be graded was."""
        missing = any(each.is_missing for each in self.left_out)
        return not missing and not any(each.problem and each.wanted for each in self.notebooks)

    def to_json(self) -> dict[str, Any]:
        """Return plain data, with `is_complete`."""
        return {**super().to_json(), "is_complete": self.is_complete}

    def view(self) -> View:
        """Return a row for each notebook, and what was not graded."""
        parts: list[View] = [Text(self.summary)]
        if self.notebooks:
            rows = tuple(map(_row, self.notebooks))
            headers = ("participant", "sheet", "correct", "clean-up", "reason")
            parts += [Table(headers, rows, tones=tuple(map(_tone, self.notebooks))), Text(_BEST, "note")]
        if self.left_out:
            rows = tuple((each.file, each.reason) for each in self.left_out)
            tones = tuple("bad" if each.is_missing else "note" for each in self.left_out)
            parts.append(Table(("not graded", "reason"), rows, tones=tones))
        return Page("Grades", tuple(parts))

    @property
    def summary(self) -> str:
        """Return the grading in one line."""
        graded = [each for each in self.notebooks if not each.problem]
        whole = sum(each.correct == len(each.exercises) for each in graded)
        people = len({each.participant for each in self.notebooks})
        each_one = f", {self.seconds / len(self.notebooks):.1f} s for each" if self.notebooks else ""
        return (
            f"{people} participant{'s' * (people != 1)}, {len(graded)} of {len(self.notebooks)} notebooks "
            f"graded, {whole} with every exercise correct. {self.seconds:.0f} s{each_one}."
        )


def ungraded(sheet: Sheet) -> tuple[ExerciseGrade, ...]:
    """Return the exercises of a sheet before anything was checked."""
    return tuple(ExerciseGrade(each.name, each.title) for each in sheet.exercises)


def _row(grade: NotebookGrade) -> tuple[str, ...]:
    why = grade.why if len(grade.why) <= _LONGEST else f"{grade.why[: _LONGEST - 3]}..."
    clean = "" if grade.problem else grade.clean_up
    return grade.participant, grade.sheet, grade.score, clean, why


def _tone(grade: NotebookGrade) -> str:
    if grade.problem:
        return "bad" if grade.wanted else "note"
    return "good" if grade.correct == len(grade.exercises) and not grade.reason else ""
