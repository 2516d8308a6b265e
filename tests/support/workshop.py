"""Sheets of the workshop, opened in the in-process sandbox as a notebook opens them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from support import in_process_sandbox
from xacct_nb.workshop.exercise import Exercise, Sheet
from xacct_nb.workshop.opened_sheet import OpenSheet
from xacct_nb.workshop.verdict import Verdict


def opened(sheet: Sheet, folder: Path, participant: str = "ann") -> OpenSheet:
    """Open a sheet with two new accounts."""
    return OpenSheet(sheet, participant, folder / participant / sheet.name, in_process_sandbox.start())


def answer_of(sheet: OpenSheet, code: str) -> object:
    """Run the code of an answer cell, and return the answer."""
    names: dict[str, Any] = {"sheet": sheet}
    exec(code, names)
    return names["answer"]


def checked(sheet: OpenSheet, exercise: Exercise, code: str) -> Verdict:
    """Run the code of an answer cell, and check the answer."""
    return sheet.check(exercise.name, answer_of(sheet, code))


def solved_before(sheet: OpenSheet, exercise: Exercise) -> None:
    """Solve the exercises before this one."""
    names = list(sheet.sheet.by_name)
    solve(sheet, sheet.sheet.exercises[: names.index(exercise.name)])


def solve(sheet: OpenSheet, exercises: Iterable[Exercise]) -> None:
    """Solve these exercises."""
    for exercise in exercises:
        checked(sheet, exercise, exercise.solution)
