"""Grades all notebooks of a folder, several at once, and ends everything that they started."""

import os
import selectors
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from xacct_nb.storage.temporary_folders import remove_abandoned_folders
from xacct_nb.workshop.grading import processes
from xacct_nb.workshop.grading.grades import ClassGrades, NotebookGrade
from xacct_nb.workshop.grading.started_worker import StartedWorker
from xacct_nb.workshop.grading.submissions import LeftOut, Submission, submissions_in
from xacct_nb.workshop.sheets import sheet_named

TIME_LIMIT = 120.0  # seconds for the cells of a notebook

Report = Callable[[int, int, NotebookGrade], None]
"""Called with how many notebooks are graded, of how many, and the last one."""
EndOrphans = Callable[[set[int]], None]


def grade_folder(
    folder: Path,
    *,
    sheet: str = "",
    time_limit: float = TIME_LIMIT,
    jobs: int = 0,
    report: Report = lambda *_: None,
) -> ClassGrades:
    """Grade every notebook in a folder, `jobs` at once (0: one for each core), and return the grades.

    `time_limit` is in seconds for the cells of a notebook. With a `sheet`, notebooks of other sheets are not
    graded. Raises InvalidInput where the folder cannot be read, or there is no such sheet.
    """
    began, name = time.monotonic(), sheet_named(sheet).name if sheet else ""
    found = list(submissions_in(folder))
    submissions = [each for each in found if isinstance(each, Submission)]
    remove_abandoned_folders()
    with _orphans() as end_orphans:
        grades = GradingRun(submissions, name, time_limit, end_orphans).grade(jobs or _cores(), report)
    left_out = tuple(each for each in found if isinstance(each, LeftOut))
    return ClassGrades(grades, left_out, round(time.monotonic() - began, 1))


class GradingRun:
    """The notebooks that wait, those that are being graded, and the grades."""

    def __init__(
        self, submissions: Sequence[Submission], sheet: str, time_limit: float, end_orphans: EndOrphans
    ) -> None:
        self._waiting, self._total = list(enumerate(submissions))[::-1], len(submissions)
        self._sheet, self._time_limit, self._end_orphans = sheet, time_limit, end_orphans
        self._running = list[StartedWorker]()
        self._grades = dict[int, NotebookGrade]()

    def grade(self, jobs: int, report: Report) -> tuple[NotebookGrade, ...]:
        """Grade all notebooks. If it is interrupted, nothing of them goes on."""
        try:
            with selectors.DefaultSelector() as selector:
                while self._waiting or self._running:
                    self._start(selector, jobs)
                    for worker in self._ended(selector):
                        selector.unregister(worker.output)
                        report(*self._finish(worker))
        finally:
            while self._running:
                self._finish(self._running[0])
        return tuple(grade for _, grade in sorted(self._grades.items()))

    def _start(self, selector: selectors.BaseSelector, jobs: int) -> None:
        while self._waiting and len(self._running) < jobs:
            worker = StartedWorker(*self._waiting.pop(), self._sheet, self._time_limit)
            self._running.append(worker)
            selector.register(worker.output, selectors.EVENT_READ, worker)

    def _ended(self, selector: selectors.BaseSelector) -> Sequence[StartedWorker]:
        """Read what the workers say, and return those that have ended, or have to."""
        ended = [key.data for key, _ in selector.select(timeout=0.5) if not key.data.read()]
        for worker in self._running:
            if worker not in ended and time.monotonic() > worker.deadline:
                worker.stop()
                ended.append(worker)
        return ended

    def _finish(self, worker: StartedWorker) -> tuple[int, int, NotebookGrade]:
        grade = worker.close()
        self._running.remove(worker)
        self._end_orphans({each.pid for each in self._running})
        worker.remove_files()
        self._grades[worker.number] = grade
        return len(self._grades), self._total, grade


@contextmanager
def _orphans() -> Iterator[EndOrphans]:
    """Adopt the processes that notebooks leave behind; yield what kills those of ended workers.

    They have left this process's session. Its own children, and those that were there before, stay.
    """
    before, session = processes.children(), os.getsid(0)

    def orphans(workers: set[int]) -> set[int]:
        return {pid for pid in processes.children() - before - workers if _session(pid) not in (0, session)}

    processes.adopt_orphans()
    try:
        yield lambda workers: processes.kill_all(lambda: processes.below(orphans(workers)))
    finally:
        processes.adopt_orphans(False)


def _session(pid: int) -> int:
    with suppress(ProcessLookupError):
        return os.getsid(pid)
    return 0


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
