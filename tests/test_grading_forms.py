"""The grades as files: CSV that no spreadsheet executes, results.json for Gradescope; and the command."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from support.processes import INTERRUPTIBLE, wait_until
from support.submissions import EXERCISES, OPEN, SHEET, hand_in, of_cells, solution
from xacct_nb.errors import InvalidInput, UnknownNotebook
from xacct_nb.workshop.grading.exports import csv_text, gradescope_results
from xacct_nb.workshop.grading.grades import CLEAN, ClassGrades, ExerciseGrade, NotebookGrade
from xacct_nb.workshop.grading.submissions import LeftOut, Submission, submissions_in
from xacct_nb.workshop.grading.submitted_notebook import read_submitted, sheet_of
from xacct_nb.workshop.verdict import CORRECT, NOT_YET

RIGHT = ExerciseGrade("first", "Let <b>her</b> in", CORRECT, 1, "")
WRONG = ExerciseGrade("second", "Keep him out", NOT_YET, 3, "AWS allows what it has to deny.")
GRADES = ClassGrades(
    (
        NotebookGrade("ann", "ann.ipynb", "01_two_policies", (RIGHT, WRONG), CLEAN, "", seconds=2.4),
        NotebookGrade("=1+2", "=1+2.ipynb", problem="It is no notebook."),
        NotebookGrade(
            "../bob", "x", "02_who_is_trusted", (RIGHT,), "3 left", "Code cell 1 of 2:\n=HYPERLINK()"
        ),
    ),
    (LeftOut("eve", "It has no notebook.", "eve", is_missing=True), LeftOut("notes.txt", "Another file.")),
)


class TestCsv:
    def test_it_has_a_line_for_each_notebook_and_each_participant_without_one(self) -> None:
        rows = list(csv.DictReader(io.StringIO(csv_text(GRADES))))

        assert [(row["correct"], row["of"], row["graded"]) for row in rows] == [
            ("1", "2", "yes"), ("0", "0", "no"), ("1", "1", "yes"), ("0", "0", "no"),
        ]  # fmt: skip
        assert rows[0]["exercises"] == "first: correct; second: not-yet"
        assert rows[0]["reason"] == "second: not yet. AWS allows what it has to deny."

    @pytest.mark.parametrize("name", ["=1+2", "+1", "-1", "@SUM(1)", "\t=1", " =1", "\r=1"])
    def test_no_cell_is_a_formula(self, name: str) -> None:
        text = csv_text(ClassGrades((NotebookGrade(name, name, "", reason=name),)))
        cells = next(csv.DictReader(io.StringIO(text)))

        assert all(not cell.lstrip().startswith(("=", "+", "-", "@")) for cell in cells.values())
        assert len(text.splitlines()) == 2


class TestGradescope:
    def test_every_exercise_is_a_test_of_one_point_and_the_clean_up_one_of_none(self) -> None:
        results = gradescope_results(GRADES)["ann"]

        assert [(each["score"], each["max_score"], each["status"]) for each in results["tests"]] == [
            (1, 1, "passed"), (0, 1, "failed"), (0, 0, "passed"),
        ]  # fmt: skip
        assert (
            results["test_output_format"] == results["test_name_format"] == results["output_format"] == "text"
        )
        assert "AWS allows what it has to deny" in results["tests"][1]["output"]

    def test_who_cannot_be_graded_has_no_points_and_reads_why(self) -> None:
        results = gradescope_results(GRADES)

        assert (results["eve"]["score"], results["eve"]["output"]) == (0, "eve: It has no notebook.")
        assert len(results) == 4
        assert all(Path(name).name == name and not name.startswith(".") for name in results)


class TestSubmissions:
    def test_the_participant_is_in_the_name_of_the_file_or_of_its_folder(self, tmp_path: Path) -> None:
        for name in (
            "ann.ipynb",
            "bob_two_policies.ipynb",
            "c d-01_two_policies.ipynb",
            "eve/01_two_policies.ipynb",
        ):
            hand_in(tmp_path / "class", name, "")
        hand_in(tmp_path / "class", "02_who_is_trusted.ipynb", "")

        found = [each for each in submissions_in(tmp_path / "class") if isinstance(each, Submission)]

        assert [each.participant for each in found] == ["class", "ann", "bob", "c d", "eve"]

    def test_a_folder_that_is_not_there_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput, match="cannot be read"):
            list(submissions_in(tmp_path / "none"))


class TestSheets:
    @pytest.fixture
    def read(self, tmp_path: Path):  # type: ignore[no-untyped-def]
        return lambda *cells: read_submitted(hand_in(tmp_path, "a.ipynb", of_cells(*cells)))

    def test_the_sheet_is_the_one_that_the_notebook_opens(self, read) -> None:  # type: ignore[no-untyped-def]
        notebook = read("%matplotlib inline", "x = 1 +", f"print(1)\n{OPEN}")

        assert sheet_of(notebook, "who_is_trusted.ipynb") is SHEET

    def test_nothing_is_run_to_find_it(self, read, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
        notebook = read(f"open({str(tmp_path / 'made')!r}, 'w')", f"open_sheet('{SHEET.name}'[:100])")

        assert sheet_of(notebook, "ann_two_policies.ipynb") is SHEET
        assert not (tmp_path / "made").exists()

    def test_another_sheet_than_the_one_that_is_graded_is_said(self, read) -> None:  # type: ignore[no-untyped-def]
        assert sheet_of(read(OPEN), "a.ipynb", "who_is_trusted").name == "two_policies"

        assert sheet_of(read("1"), "a.ipynb", "two_policies") is SHEET

    @pytest.mark.parametrize(
        "content",
        ["", "[]", "{}", '{"cells": 1}', '{"cells": [1]}', '{"cells": [{"cell_type": "code"}]}', "[" * 9_999,
         '{"cells": [{"cell_type": "code", "source": [1]}]}', '{"cells": [{"cell_type": "x", "source": ""}]}',
         "\ud800".encode("utf-8", "surrogatepass")],
    )  # fmt: skip
    def test_what_is_no_notebook_is_an_error(self, tmp_path: Path, content: str | bytes) -> None:
        with pytest.raises(UnknownNotebook):
            read_submitted(hand_in(tmp_path, "a.ipynb", content))


class TestCommand:
    def test_it_prints_the_grades_writes_the_files_and_says_when_one_is_missing(self, tmp_path: Path) -> None:
        hand_in(tmp_path / "class", "ann/first.ipynb", solution())
        hand_in(tmp_path / "class", "bob.ipynb", "{")
        hand_in(tmp_path / "class", "ann/other_who_is_trusted.ipynb", of_cells("1"))
        forms = ["--csv", "out/grades.csv", "--gradescope", "out/gradescope", "--sheet", "two_policies"]

        done = run(tmp_path, "class", "--json", "-", *forms)

        grades = ClassGrades.from_json(json.loads(done.stdout))
        assert done.returncode == 1
        assert [(each.participant, each.score) for each in grades.notebooks] == [
            ("ann", f"{len(EXERCISES)} of {len(EXERCISES)}"), ("ann", "not graded"), ("bob", "not graded"),
        ]  # fmt: skip
        assert [each.wanted for each in grades.notebooks] == [True, False, True]
        assert "[3/3] " in done.stderr
        assert (tmp_path / "out/grades.csv").read_text().startswith("\ufeffparticipant,")
        assert sorted(path.parent.name for path in tmp_path.rglob("results.json")) == ["ann", "bob"]

    def test_a_file_that_cannot_be_written_is_said_before_anything_is_graded(self, tmp_path: Path) -> None:
        hand_in(tmp_path / "class", "ann.ipynb", solution())
        (tmp_path / "file").touch()

        done = run(tmp_path, "class", "--csv", "file/grades.csv")

        assert (done.returncode, done.stdout) == (2, "")
        assert "Nothing can be written" in done.stderr
        assert "[1/1]" not in done.stderr

    def test_an_empty_folder_has_no_grades(self, tmp_path: Path) -> None:
        (tmp_path / "class").mkdir()

        done = run(tmp_path, "class")

        assert done.returncode == 0
        assert "0 of 0 notebooks graded" in done.stdout

    @pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
    def test_nothing_goes_on_when_it_is_ended(self, tmp_path: Path, how: signal.Signals) -> None:
        began = tmp_path / "began"
        hand_in(
            tmp_path / "class",
            "ann.ipynb",
            of_cells(OPEN, f"open({str(began)!r}, 'w')", "import time\ntime.sleep(600)"),
        )
        started = [*INTERRUPTIBLE, *command("class")]
        grader = subprocess.Popen(started, cwd=tmp_path, stderr=subprocess.DEVNULL, process_group=0)
        assert wait_until(began.exists)
        below = psutil.Process(grader.pid).children(recursive=True)

        os.kill(grader.pid, how)
        grader.wait()

        assert len(below) >= 3
        assert wait_until(lambda: not any(each.is_running() for each in below), 20)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "xacct_nb", "workshop", "grade", *arguments]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), cwd=folder, capture_output=True, text=True, check=False)
