"""Every exercise judges what AWS answers: right answers of any form pass, wrong and too wide ones do not."""

from pathlib import Path

import pytest

from support.workshop import checked, opened, solved_before
from xacct_nb.views import text
from xacct_nb.workshop.exercise import Exercise, Sheet
from xacct_nb.workshop.opened_sheet import OpenSheet
from xacct_nb.workshop.sheets import all_sheets
from xacct_nb.workshop.verdict import CORRECT, NOT_ATTEMPTED, NOT_YET

EXERCISES = [
    pytest.param(part, exercise, id=f"{sheet.number}-{sheet.name}-{exercise.name}")
    for sheet in all_sheets()
    for part in sheet.parts
    for exercise in part.exercises
]
pytestmark = pytest.mark.parametrize(("sheet", "exercise"), EXERCISES)


@pytest.fixture
def open_sheet(sheet: Sheet, exercise: Exercise, tmp_path: Path) -> OpenSheet:
    """The sheet with everything before the exercise solved."""
    found = opened(sheet, tmp_path)
    solved_before(found, exercise)
    return found


def test_the_starter_is_not_attempted(open_sheet: OpenSheet, exercise: Exercise) -> None:
    verdict = checked(open_sheet, exercise, exercise.starter)

    assert verdict.outcome == NOT_ATTEMPTED


def test_the_solution_is_correct_and_says_why_it_matters(open_sheet: OpenSheet, exercise: Exercise) -> None:
    verdict = checked(open_sheet, exercise, exercise.solution)

    assert verdict.outcome == CORRECT, str(verdict)
    assert verdict.why == exercise.why


def test_two_other_right_answers_are_correct(sheet: Sheet, exercise: Exercise, tmp_path: Path) -> None:
    verdicts = []
    for number, code in enumerate(exercise.others):
        found = opened(sheet, tmp_path, f"ann{number}")
        solved_before(found, exercise)
        verdicts.append(checked(found, exercise, code))

    assert [str(verdict) for verdict in verdicts if verdict.outcome != CORRECT] == []
    assert len(set(exercise.others) - {exercise.solution}) >= 2


def test_the_most_common_wrong_answer_is_not_yet_and_says_why(
    open_sheet: OpenSheet, exercise: Exercise
) -> None:
    verdict = checked(open_sheet, exercise, exercise.wrong.code)

    assert verdict.outcome == NOT_YET, str(verdict)
    assert exercise.wrong.reason in text(verdict.view())


def test_what_gives_too_much_access_is_not_yet(open_sheet: OpenSheet, exercise: Exercise) -> None:
    if not exercise.too_wide:
        pytest.skip("No answer of this exercise can give too much.")

    verdict = checked(open_sheet, exercise, exercise.too_wide)

    assert verdict.outcome == NOT_YET, str(verdict)


def test_the_exercise_can_be_solved_after_a_wrong_answer(open_sheet: OpenSheet, exercise: Exercise) -> None:
    checked(open_sheet, exercise, exercise.wrong.code)

    verdict = checked(open_sheet, exercise, exercise.solution)

    assert verdict.outcome == CORRECT, str(verdict)
