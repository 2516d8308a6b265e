"""What a sheet is published as comes from its one source, and is fresh."""

import pytest

from support.desk import NOTEBOOKS
from xacct_nb.workshop.exercise import Sheet
from xacct_nb.workshop.publish import pages_of
from xacct_nb.workshop.sheets import all_sheets

ROOT = NOTEBOOKS.parent


@pytest.mark.parametrize("sheet", all_sheets(), ids=lambda sheet: sheet.stem)
def test_the_files_of_a_sheet_are_those_of_its_source(sheet: Sheet) -> None:
    stale = [path for path, content in pages_of(sheet) if (ROOT / path).read_text() != content]

    assert stale == [], "make sheets"


def test_no_file_is_left_of_a_sheet_that_is_not_there() -> None:
    known = {path for sheet in all_sheets() for path, _ in pages_of(sheet)}
    folders = [ROOT / "notebooks/workshop", ROOT / "docs/workshop"]
    found = {
        str(path.relative_to(ROOT))
        for folder in folders
        for path in folder.rglob("*.*")
        if path.is_file() and ".ipynb_checkpoints" not in path.parts
    }

    assert found - known == set()


def test_names_and_numbers_are_used_once() -> None:
    sheets = all_sheets()

    assert [sheet.number for sheet in sheets] == list(range(1, len(sheets) + 1))
    assert len({sheet.name for sheet in sheets}) == len(sheets)
    assert [sheet.name for sheet in sheets if len(sheet.by_name) != len(sheet.exercises)] == []


def test_each_takes_what_its_instructor_plans() -> None:
    planned = {sheet.name: sum(minutes for minutes, _ in sheet.instructor.timing) for sheet in all_sheets()}

    assert planned == {sheet.name: sheet.minutes for sheet in all_sheets()}
    assert [sheet.name for sheet in all_sheets() if not 15 <= sheet.minutes <= 25] == []
