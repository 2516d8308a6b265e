"""The solution notebook of every sheet, as it is shipped, is graded with every exercise correct."""

from pathlib import Path

import pytest

from xacct_nb.workshop.exercise import Sheet
from xacct_nb.workshop.grading.grades import CLEAN, ClassGrades
from xacct_nb.workshop.grading.grading_run import grade_folder
from xacct_nb.workshop.sheets import all_sheets

SOLUTIONS = Path(__file__).parent.parent / "notebooks" / "workshop" / "solutions"


@pytest.fixture(scope="module")
def grades(tmp_path_factory: pytest.TempPathFactory) -> ClassGrades:
    """The grades of all of them, handed in by one participant."""
    folder = tmp_path_factory.mktemp("class")
    (folder / "ann").mkdir()
    for path in SOLUTIONS.glob("*.ipynb"):
        (folder / "ann" / path.name).write_bytes(path.read_bytes())
    return grade_folder(folder, jobs=2)


@pytest.mark.parametrize("sheet", all_sheets(), ids=lambda sheet: sheet.stem)
def test_the_solutions_of_a_sheet_are_correct_and_leave_nothing(grades: ClassGrades, sheet: Sheet) -> None:
    (grade,) = (each for each in grades.notebooks if each.sheet == sheet.stem)

    assert (grade.reason, grade.problem) == ("", "")
    assert [each.why for each in grade.exercises if not each.is_correct] == []
    assert tuple(each.name for each in grade.exercises) == tuple(sheet.by_name)
    assert grade.clean_up == CLEAN
