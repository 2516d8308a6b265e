"""How long a class is graded: solutions of all sheets, ten and thirty participants: `make bench`."""

import json
import time
from itertools import cycle, islice
from pathlib import Path

from xacct_nb.workshop.grading.grading_run import grade_folder
from xacct_nb.workshop.publish import solution_notebook
from xacct_nb.workshop.sheets import all_sheets


def seconds_for(participants: int, folder: Path) -> float:
    """Grade so many notebooks, all of them right, and return the seconds for each."""
    for number, sheet in enumerate(islice(cycle(all_sheets()), participants)):
        path = folder / f"participant-{number}" / f"{sheet.stem}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(solution_notebook(sheet)))
    began = time.perf_counter()
    grades = grade_folder(folder)
    took = time.perf_counter() - began

    assert [each.why for each in grades.notebooks if each.correct < len(each.exercises)] == []
    return took / participants


def test_thirty_are_graded_at_four_seconds_each_and_as_fast_as_ten(tmp_path: Path) -> None:
    ten, thirty = (seconds_for(count, tmp_path / str(count)) for count in (10, 30))
    print(f"\ngrading: 10 notebooks {ten:.1f} s each, 30 notebooks {thirty:.1f} s each")

    assert thirty < 4.0
    assert thirty < 1.25 * ten
