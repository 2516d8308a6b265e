"""The process that grades one notebook: it runs the cells in a kernel, and judges the checks itself.

    python -m xacct_nb.workshop.grading.worker

It reads one line of JSON on standard input, the fields of `Job`, and writes one line for each thing that it
learns: `[KIND, VALUE]`. So what it found stays found, whatever ends it.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

from xacct_nb.errors import XacctError
from xacct_nb.jupyter.cell_states import CellStates
from xacct_nb.jupyter.output_limit import Message, OutputLimit
from xacct_nb.jupyter.prepared import PreparedKernel
from xacct_nb.workshop.checks import CHECKS_VARIABLE, CheckServer
from xacct_nb.workshop.grading import processes
from xacct_nb.workshop.grading.submitted_notebook import (
    SubmittedNotebook,
    read_submitted,
    sheet_of,
)
from xacct_nb.workshop.sheets import sheet_named

_PREPARATIONS = ("xacct_nb.workshop.grading.kernel:prepare",)
_MOST_OUTPUT = 30_000_000  # characters
_LONGEST = 300  # characters of a reason
_PATIENCE = 10.0  # seconds for the check that is being judged when the time is over


@dataclass(frozen=True)
class Job:
    """One notebook to grade. `name` is its file's name, `scratch` a folder for everything that it makes."""

    path: str
    name: str
    participant: str
    sheet: str
    scratch: str
    time_limit: float
    parent: int


class Reporter:
    """Writes what the worker learns to its standard output, which no other process has."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._out = os.fdopen(os.dup(1), "wb", buffering=0)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)

    def __call__(self, kind: str, value: Any) -> None:
        """Write one thing."""
        with self._lock:
            self._out.write(json.dumps([kind, value]).encode() + b"\n")


class FloodLimit(OutputLimit):
    """Keeps little of the output, and calls `stop` once when there is far too much of it."""

    def __init__(self, stop: "Any") -> None:
        super().__init__(cell=100_000, notebook=1_000_000, outputs=200)
        self._stop, self._seen, self.is_flooded = stop, 0, False

    def fit(self, message: Message, cell: int) -> Iterator[Message]:
        """Yield what there is room for, until the notebook is stopped."""
        self._seen += max(200, _length(message["content"]))
        if self._seen > _MOST_OUTPUT and not self.is_flooded:
            self.is_flooded = True
            self._stop()
        if not self.is_flooded:
            yield from super().fit(message, cell)


def _length(content: Any) -> int:
    """Return how many characters are in all texts of a message, however deep they are in it."""
    length, left = 0, [content]
    while left:
        each = left.pop()
        if isinstance(each, str):
            length += len(each)
        elif isinstance(each, dict | list):
            left.extend(each.values() if isinstance(each, dict) else each)
    return length


def main() -> None:
    """Grade the notebook of the line on standard input."""
    job, report = Job(**json.loads(sys.stdin.readline())), Reporter()
    processes.end_with_parent(job.parent)
    processes.adopt_orphans()
    processes.hide_memory()
    try:
        notebook = read_submitted(Path(job.path))
        sheet = sheet_of(notebook, job.name, job.sheet)
        expected = sheet_named(job.sheet) if job.sheet else sheet
        if sheet is not expected:
            report("wanted", False)
            report("problem", f"It is a notebook of {sheet.name}. Only {expected.name} is graded.")
            return
        report("sheet", sheet.stem)
        _grade(job, notebook, sheet, report)
    except XacctError as problem:
        report("problem", " ".join(filter(None, (problem.what, problem.why))))
    except Exception as problem:  # the outermost way in: the grader shows it beside the notebook
        report("problem", f"The grader failed: {type(problem).__name__}: {str(problem)[:_LONGEST]}")


def _grade(job: Job, notebook: SubmittedNotebook, sheet: Any, report: Reporter) -> None:
    from xacct_nb.runs.sandboxes import empty_sandbox

    scratch = Path(job.scratch)
    (scratch / "work").mkdir()
    os.chdir(scratch / "work")
    with PreparedKernel(_PREPARATIONS) as kernel, empty_sandbox() as sandbox:
        from xacct_nb.workshop.grading.graded_world import GradedWorld

        # It has the token, and nobody has to find this sandbox again.
        (sandbox.folder / "sandbox.json").unlink(missing_ok=True)
        below = partial(below_worker, sandbox.pid)
        world = GradedWorld(
            sheet,
            job.participant,
            scratch,
            sandbox,
            report=report,
            stopped=partial(processes.stopped, below),
        )
        server = CheckServer(world.serve)
        kernel.environment[CHECKS_VARIABLE] = server.address
        try:
            reason = _run(job, notebook, kernel, report)
        finally:
            processes.kill_all(below)
            server.close(_PATIENCE)
        report("reason", world.without_secrets(reason))
        report("clean-up", world.close())


def below_worker(sandbox: int) -> set[int]:
    """Return every process below this one but the sandbox's; what AWS Lambda runs there is the notebook's."""
    return processes.below(processes.children()) - {sandbox}


def _run(job: Job, notebook: SubmittedNotebook, kernel: PreparedKernel, report: Reporter) -> str:
    """Run the cells; return what went wrong first, "" for nothing."""
    from xacct_nb.jupyter import execute

    path = Path(job.scratch, "submitted.ipynb")
    notebook.write(path)
    limit = FloodLimit(partial(_kill_group, kernel.process.pid))
    places = ["Before the first cell"]

    def begin(done: int, total: int, title: str) -> None:
        named = f' ("{title[:80]}")' if title else ""
        places.append(f"Code cell {done + 1} of {total}{named}")
        report("cell", places[-1])

    report("began", time.time())
    until = time.monotonic() + job.time_limit
    executed, states = execute.run(
        path,
        {},
        report=begin,
        prepared=kernel,
        limit=limit,
        allow_errors=True,
        timeout_func=lambda _: max(1, round(until - time.monotonic())),
    )
    ending = "Flooded" if limit.is_flooded else _ending(states)
    ended = _ENDED.get(ending, ending).format(limit=job.time_limit, output=_MOST_OUTPUT)
    return " ".join((*_first_error(executed, places), *([f"{places[-1]}: {ended}"] if ended else [])))


_ENDED = {
    "Flooded": "it wrote more than {output:,} characters, and was ended.",
    "TimedOut": "the notebook had not ended after {limit:.0f} s.",
    "KernelDied": "the kernel died.",
    "Exit": "it called exit(), and the kernel ended.",
}


def _ending(states: CellStates) -> str:
    """Return what ended the notebook before its last cell had run, "" for nothing."""
    if states.problem:
        return states.ending
    return "Exit" if any(each["state"] == "not-run" for each in states.to_json()) else ""


def _first_error(notebook: Any, places: Sequence[str]) -> Iterator[str]:
    """Yield where the first error was, and what it said, if there was one."""
    code = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    errors = (
        f"{place}: {each.ename}: {each.evalue}"
        for place, outputs in zip(places[1:], code, strict=False)
        for each in outputs
        if each.output_type == "error"
    )
    yield from (error.replace("\n", " ")[:_LONGEST] for error in islice(errors, 1))


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    main()
