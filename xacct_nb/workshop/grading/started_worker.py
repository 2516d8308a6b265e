"""One notebook that is being graded, as the grader sees it: its process, and what that has said so far."""

import json
import os
import signal
import site
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from xacct_nb.redaction.invisible import printable
from xacct_nb.sandbox.server.state import held
from xacct_nb.storage.temporary_folders import GRADING_PREFIX
from xacct_nb.workshop.grading import processes
from xacct_nb.workshop.grading.grades import ExerciseGrade, NotebookGrade
from xacct_nb.workshop.grading.submissions import Submission
from xacct_nb.workshop.grading.worker import Job

_TO_START, _TO_END = 120.0, 20.0  # seconds before the first cell, and after the time limit
_LONGEST_LINE = 1_000_000
# The code of a participant gets no other variables of the grader: they may hold credentials.
_KEPT = (
    "PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "CONDA_PREFIX", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
    "PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX",
)  # fmt: skip


class StartedWorker:
    """A process that grades one notebook, in a folder of its own that is removed at its end."""

    def __init__(self, number: int, submission: Submission, sheet: str, time_limit: float) -> None:
        self.number, self._submission, self._time_limit = number, submission, time_limit
        self._held = ExitStack()
        self._scratch = Path(tempfile.mkdtemp(prefix=GRADING_PREFIX))
        self._held.enter_context(held(self._scratch))
        self._began = time.monotonic()
        self.deadline = self._began + _TO_START
        self._said: dict[str, Any] = {}
        self._exercises: dict[str, ExerciseGrade] = {}
        self._killed = ""
        self._rest = b""
        path = str(submission.path.absolute())
        name = submission.path.name
        self._start(
            Job(path, name, submission.participant, sheet, str(self._scratch), time_limit, os.getpid())
        )

    def _start(self, job: Job) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "xacct_nb.workshop.grading.worker"],
            env=_environment(self._scratch),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self._process.stdin
        assert self._process.stdout
        self.pid, self.output = self._process.pid, self._process.stdout.fileno()
        os.set_blocking(self.output, False)
        with suppress(BrokenPipeError), self._process.stdin as stdin:
            stdin.write(json.dumps(asdict(job)).encode() + b"\n")

    def read(self) -> bool:
        """Note what the process has said; return whether it may say more."""
        try:
            part = os.read(self.output, 65_536)
        except BlockingIOError:
            return True
        *lines, self._rest = (self._rest + part).split(b"\n")
        for line in lines:
            self._note(*json.loads(line))
        return bool(part) and len(self._rest) <= _LONGEST_LINE

    def _note(self, kind: str, value: Any) -> None:
        if kind == "exercises":
            self._exercises = {each["name"]: ExerciseGrade.from_json(each) for each in value}
        elif kind == "grade":
            self._exercises[value["name"]] = ExerciseGrade.from_json(value)
        else:
            self._said[kind] = value
        if kind == "began":
            self.deadline = time.monotonic() + self._time_limit + _TO_END

    def stop(self) -> None:
        """Note that the notebook has not ended in its time."""
        self._killed = f"the notebook had not ended after {self._time_limit:.0f} s, and was killed."

    def close(self) -> NotebookGrade:
        """Kill what still runs, and return the grade."""
        processes.kill_all(lambda: processes.below({self.pid}))
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()
        return self._grade()

    def remove_files(self) -> None:
        """Remove the folder of the process, once nothing of the notebook runs."""
        processes.remove_tree(self._scratch)
        self._held.close()

    def _grade(self) -> NotebookGrade:
        submission, said = self._submission, self._said
        grade = NotebookGrade(submission.participant, submission.file, seconds=self._seconds())
        grade = replace(
            grade,
            sheet=said.get("sheet", ""),
            wanted=said.get("wanted", True),
            exercises=tuple(self._exercises.values()),
        )
        if "problem" in said or "began" not in said:
            ended = "The grader's process for it ended before the first cell."
            return replace(grade, problem=printable(said.get("problem", ended)))
        reason = said.get("reason", f"{said.get('cell', 'Before the first cell')}: {self._killed or _KILLED}")
        return replace(grade, reason=printable(reason), clean_up=said.get("clean-up", grade.clean_up))

    def _seconds(self) -> float:
        return round(time.monotonic() - self._began, 1)


_KILLED = "the process that grades this notebook was killed."


def _environment(scratch: Path) -> dict[str, str]:
    """Return the variables of the process: its home and its temporary files are in its own folder."""
    home, temporary = scratch / "home", scratch / "tmp"
    for folder in (home, temporary):
        folder.mkdir(mode=0o700)
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    own = {"HOME": str(home), "TMPDIR": str(temporary), "NBFORMAT_VALIDATOR": "jsonschema"}
    # Only where this package may be installed for the user alone: else a notebook has a base of its own.
    user = {"PYTHONUSERBASE": site.getuserbase()} if site.ENABLE_USER_SITE else {}
    return user | kept | own
