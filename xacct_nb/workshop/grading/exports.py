"""The grades in other programs' forms: a CSV file for a spreadsheet, results.json for Gradescope."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from xacct_nb.redaction.invisible import on_one_line
from xacct_nb.workshop.grading.grades import CLEAN, ClassGrades, ExerciseGrade, NotebookGrade
from xacct_nb.workshop.opening import participant_name

_COLUMNS = (
    "participant",
    "sheet",
    "correct",
    "of",
    "clean_up",
    "graded",
    "reason",
    "exercises",
    "seconds",
    "file",
)
# A spreadsheet takes a cell that begins with one of these for a formula.
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_PLAIN = {"output_format": "text", "test_output_format": "text", "test_name_format": "text"}


def csv_text(grades: ClassGrades) -> str:
    """Return a line for each notebook, and for each participant without one; no cell is a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for cells in _lines(grades):
        writer.writerow([_no_formula(cell) for cell in cells])
    return out.getvalue()


def _lines(grades: ClassGrades) -> Iterator[tuple[object, ...]]:
    for each in grades.notebooks:
        outcomes = "; ".join(f"{exercise.name}: {exercise.outcome}" for exercise in each.exercises)
        graded = "no" if each.problem else "yes"
        about = each.participant, each.sheet, each.correct, len(each.exercises), each.clean_up, graded
        yield *about, each.why, outcomes, each.seconds, each.file
    for missing in grades.left_out:
        if missing.is_missing:
            yield missing.participant, "", 0, 0, "", "no", missing.reason, "", 0, missing.file


def _no_formula(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    plain = on_one_line(cell)
    return f"'{plain}" if cell.lstrip(" ").startswith(_FORMULA) else plain


def gradescope_results(grades: ClassGrades) -> dict[str, dict[str, Any]]:
    """Return the content of a results.json for each participant, by a name that can name a folder.

    Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/
    """
    missing = [each for each in grades.left_out if each.is_missing]
    people = dict.fromkeys(
        [*(each.participant for each in grades.notebooks), *(each.participant for each in missing)]
    )
    found = {}
    for person in people:
        own = [each for each in grades.notebooks if each.participant == person]
        notes = [f"{each.file}: {each.reason}" for each in missing if each.participant == person]
        found[participant_name(person or "nobody")] = _results(own, notes)
    return found


def _results(notebooks: list[NotebookGrade], notes: list[str]) -> dict[str, Any]:
    tests = [test for each in notebooks for test in _tests(each)]
    lines = [
        f"{each.file}: {each.problem or each.reason}" for each in notebooks if each.problem or each.reason
    ]
    results = {
        **_PLAIN,
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "execution_time": round(sum(each.seconds for each in notebooks)),
        "output": "\n".join([*lines, *notes]) or "Every notebook ran to its end.",
        "tests": tests,
    }
    return results if tests else {**results, "score": 0}


def _tests(grade: NotebookGrade) -> Iterator[Mapping[str, Any]]:
    for each in grade.exercises:
        yield _test(f"{grade.sheet}: {each.title}", each.is_correct, 1, _output(each))
    if grade.exercises:
        yield _test(f"{grade.sheet}: clean-up", grade.clean_up == CLEAN, 0, grade.clean_up)


def _test(name: str, passed: bool, most: int, output: str) -> Mapping[str, Any]:
    return {
        "name": name,
        "score": most if passed else 0,
        "max_score": most,
        "status": "passed" if passed else "failed",
        "output": output,
        "visibility": "visible",
    }


def _output(grade: ExerciseGrade) -> str:
    return f"{grade.why} Checked {grade.tries} times."
