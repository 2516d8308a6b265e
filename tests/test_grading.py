"""Grading: each notebook costs itself only, and what counts is what the grader's own process judged."""

import fcntl
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.submissions import (
    EXERCISES,
    OPEN,
    SHEET,
    hand_in,
    of_cells,
    solution,
    solved_with,
    starter,
    with_outputs,
)
from xacct_nb.storage.temporary_folders import PREFIXES
from xacct_nb.views import html, text
from xacct_nb.workshop.grading.grades import CLEAN, ClassGrades, NotebookGrade
from xacct_nb.workshop.grading.grading_run import grade_folder
from xacct_nb.workshop.verdict import CORRECT, NOT_ATTEMPTED, NOT_YET

LIMIT = 30.0  # seconds, of which only the notebook that hangs takes more than a few
CORRECT_OUTPUT = {"output_type": "stream", "name": "stdout", "text": "Correct."}
MARK = "xacct-nb-left-behind"  # in the command of a process that a notebook leaves

# What judges is patched first, then what asks: none of it reaches the process that judges.
CHEAT = f"""
import json
import botocore.client
from xacct_nb.workshop import judging, marking
from xacct_nb.workshop.verdict import CORRECT, Verdict
right = Verdict(CORRECT, "Correct.")
marking.mark = lambda world, exercise, answer, before: (right, before)
judging.judge = judging.compare = lambda *given: right
botocore.client.BaseClient._make_api_call = lambda self, name, given: {{"ResponseMetadata": {{}}}}
done = {{name: {{"outcome": CORRECT, "tries": 1}} for name in {EXERCISES!r}}}
progress = json.loads((sheet.folder / "progress.json").read_text())
(sheet.folder / "progress.json").write_text(json.dumps(progress | {{"exercises": done}}))
object.__setattr__(sheet.sheet, "exercises", sheet.sheet.exercises[:1])
"""
CHECKS = tuple(f'sheet.check("{name}", 1)' for name in reversed(EXERCISES[1:]))
PATCH_CHECK = "type(sheet).check = lambda *given, **named: right"
# A role that trusts everybody at one moment and nobody at the next is right at none: a check sees one moment.
TOGGLE = """
import json, threading
iam = sheet.client("destination-admin", "iam")
def trust(who):
    statement = {"Effect": "Allow", "Principal": {"AWS": who}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
def toggle():
    for number in range(10**9):
        who = sheet.source if number % 2 else sheet.role_arn("hub", "source")
        iam.update_assume_role_policy(RoleName="reports-reader", PolicyDocument=trust(who))
"""
# Its cells hold where nobody was cheated; else one of them fails, which is the reason in the grade.
PROBE = (
    "from xacct_nb import workshop",
    """
given = {"participant": "somebody", "sandbox": False, "source_profile": "default"}
sheet = workshop.open_sheet("two_policies", given)
assert str(sheet.folder).startswith(__import__("tempfile").gettempdir().removesuffix("/tmp"))
""",
    f"""
assert sheet.check("{EXERCISES[0]}", None).outcome == "not-attempted"
{SHEET.by_name[EXERCISES[0]].solution}
assert sheet.check("{EXERCISES[0]}", answer).is_correct
""",
    SHEET.by_name[EXERCISES[1]].solution,
    TOGGLE,
    "threading.Thread(target=toggle, daemon=True).start()",
    f'assert not any([sheet.check("{EXERCISES[1]}", "done").is_correct for _ in range(10)])',
    """
def refused(deed, *given):
    try:
        deed(*given)
    except Exception as problem:
        return type(problem).__name__ == "InvalidInput"
assert refused(sheet.check, "no_such_exercise")
assert refused(sheet.check, "who_reads", {1, 2})
assert refused(workshop.open_sheet, "who_is_trusted")
assert refused(sheet.reset, -1)
""",
    """
import os
from pathlib import Path
assert "PLANTED" not in os.environ
assert not any(name.startswith("AWS_SECRET") for name in os.environ)
assert not list(Path(os.environ["TMPDIR"]).rglob("sandbox.json"))
assert Path.home() != Path("~root").expanduser()
""",
    f"""
sheet.reset()
assert not sheet.check("{EXERCISES[0]}", "done").is_correct
""",
    "assert sheet.clean_up().is_clean",
)
LEAVE_PROCESSES = f"""
import os, subprocess, sys, time
waiting = [sys.executable, "-c", "import time; time.sleep(600)", "{MARK}"]
subprocess.Popen(waiting, start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(waiting[0], waiting)
    os._exit(0)
"""
KILL_THE_GRADER = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)"
SHUT_FOLDERS = 'os.makedirs("a/b")\nopen("a/b/c", "w").close()\nos.chmod("a", 0)\nos.symlink("/etc", "etc")'
SECRET = 'raise ValueError(open(sheet.folder / "credentials").read())'
HOSTILE_NAME = "=cmd\x1b[31m<script>\u202e"

NOTEBOOKS: Mapping[str, dict[str, Any]] = {
    "sol/01_two_policies.ipynb": solution(),
    "start/any name.ipynb": starter(),
    "cheat/two_policies.ipynb": with_outputs(
        of_cells(OPEN, CHEAT, *CHECKS, CHECKS[0], PATCH_CHECK, *CHECKS), [CORRECT_OUTPUT]
    ),
    "hang.ipynb": solved_with("import time\ntime.sleep(600)"),
    "killer_two_policies.ipynb": solved_with(LEAVE_PROCESSES, KILL_THE_GRADER),
    "dies.ipynb": solved_with(LEAVE_PROCESSES, "os.kill(os.getpid(), 9)"),
    "loud.ipynb": solved_with('while True:\n    print("x" * 100_000)'),
    "probe_two_policies.ipynb": of_cells(*PROBE),
    f"{HOSTILE_NAME}.ipynb": solved_with(
        "1 / 0", SECRET, "import sys; sys.exit(1)", "x = bytearray(10**11)", LEAVE_PROCESSES, SHUT_FOLDERS
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a class handed in, and what else lies about there."""
    found = tmp_path_factory.mktemp("class")
    for name, notebook in NOTEBOOKS.items():
        hand_in(found, name, notebook)
    hand_in(found, "broken.ipynb", "{")
    hand_in(found, "huge.ipynb", json.dumps(of_cells(OPEN)).encode() + b" " * 50_000_000)
    hand_in(found, "other.ipynb", of_cells("1 + 1"))
    hand_in(found, "README.md", "Notes")
    hand_in(found, "sol/.ipynb_checkpoints/01_two_policies.ipynb", starter())
    outside = hand_in(found.parent, "outside.ipynb", solution())
    (found / "link.ipynb").symlink_to(outside)
    (found / "linked").symlink_to(found.parent)
    (found / "nothing").mkdir()
    os.mkfifo(found / "pipe.ipynb")
    return found


@pytest.fixture(scope="module")
def grades(folder: Path) -> ClassGrades:
    """The grades of one run over all of them, three at a time."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PLANTED", "a secret of the grader")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "another one")
        return grade_folder(folder, time_limit=LIMIT, jobs=3)


def of(grades: ClassGrades, participant: str) -> NotebookGrade:
    return next(each for each in grades.notebooks if each.participant == participant)


def outcomes(grade: NotebookGrade) -> list[str]:
    return [each.outcome for each in grade.exercises]


def test_a_solution_has_every_exercise_correct_and_leaves_nothing(grades: ClassGrades) -> None:
    grade = of(grades, "sol")

    assert (grade.correct, len(grade.exercises)) == (len(EXERCISES), len(EXERCISES)), grade
    assert (grade.sheet, grade.clean_up, grade.why) == (SHEET.stem, CLEAN, "")


def test_a_starter_has_attempted_nothing(grades: ClassGrades) -> None:
    grade = of(grades, "start")

    assert outcomes(grade) == [NOT_ATTEMPTED] * len(EXERCISES)
    assert "not attempted" in grade.why


def test_a_patched_check_client_judge_sheet_progress_and_output_change_nothing(grades: ClassGrades) -> None:
    grade = of(grades, "cheat")

    assert grade.reason == ""
    assert [each.name for each in grade.exercises] == list(EXERCISES)
    assert outcomes(grade) == [NOT_ATTEMPTED, *[NOT_YET] * 3]
    assert "did not check it" in grade.exercises[0].text


def test_a_check_sees_one_moment_and_nothing_of_the_grader_is_in_reach(grades: ClassGrades) -> None:
    grade = of(grades, "probe")

    assert grade.reason == ""
    assert outcomes(grade) == [CORRECT, NOT_YET, NOT_ATTEMPTED, NOT_ATTEMPTED]
    assert (grade.exercises[0].tries, grade.exercises[1].tries) == (2, 10)
    assert grade.clean_up == CLEAN


@pytest.mark.parametrize(
    ("participant", "reason"),
    [
        ("hang", "had not ended after 30 s"),
        ("killer", "the process that grades this notebook was killed"),
        ("dies", "the kernel died"),
        ("loud", "wrote more than 30,000,000 characters"),
    ],
)
def test_a_notebook_that_ends_badly_keeps_what_passed_and_says_in_which_cell(
    grades: ClassGrades, participant: str, reason: str
) -> None:
    grade = of(grades, participant)

    assert outcomes(grade) == [CORRECT, *[NOT_ATTEMPTED] * 3], grade
    assert reason in grade.reason
    assert grade.reason.startswith("Code cell ")
    assert grade.problem == ""


def test_an_error_does_not_stop_the_cells_after_it_and_the_first_one_is_the_reason(
    grades: ClassGrades,
) -> None:
    grade = of(grades, "=cmd\\u001b[31m<script>\\u202e")

    assert grade.correct == len(EXERCISES)
    assert grade.reason.endswith("ZeroDivisionError: division by zero")


def is_held(folder: Path) -> bool:
    """Return whether a grading of another process uses a folder, or has just removed it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def test_nothing_lives_on_after_a_grading(grades: ClassGrades) -> None:
    running = [each for each in psutil.process_iter(["cmdline"]) if MARK in (each.info["cmdline"] or ())]
    ours = psutil.Process().children(recursive=True)
    folders = [each for each in Path(tempfile.gettempdir()).iterdir() if each.name.startswith(PREFIXES[-1])]
    left = [each.name for each in folders if not is_held(each)]

    assert running == []
    assert [each for each in ours if "grading" in " ".join(each.cmdline())] == []
    assert left == []
    assert grades.notebooks


def test_what_is_no_notebook_of_a_sheet_is_listed_with_the_reason(grades: ClassGrades) -> None:
    problems = {each.file: each.problem for each in grades.notebooks if each.problem}
    left_out = {each.file: each.reason for each in grades.left_out}

    assert "not valid JSON" in problems["broken.ipynb"]
    assert "longer than 20,000,000 bytes" in problems["huge.ipynb"]
    assert "no sheet of the workshop" in problems["other.ipynb"]
    assert "It is a link" in left_out["link.ipynb"]
    assert "It is a pipe" in left_out["pipe.ipynb"]
    assert left_out["nothing"] == "It has no notebook."
    assert "hidden" in left_out["sol/.ipynb_checkpoints"]
    assert {"README.md", "linked"} <= set(left_out)
    assert not grades.is_complete


def test_the_table_shows_names_from_files_as_text(grades: ClassGrades) -> None:
    shown, page = text(grades.view()), html(grades.view())

    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "the best one counts" in shown


def test_grades_go_to_json_and_back(grades: ClassGrades) -> None:
    data = json.loads(json.dumps(grades.to_json()))

    assert ClassGrades.from_json(data) == grades
