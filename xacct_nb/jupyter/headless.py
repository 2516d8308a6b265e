"""Runs a notebook with papermill, and tells truly how far it came."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xacct_nb.jupyter.kernels import manager_for
from xacct_nb.jupyter.prepared import Prepared
from xacct_nb.jupyter.spared import FORMATS, spared

with spared(*FORMATS):
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from nbformat import NotebookNode
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

Tell = Callable[[int, int, str], None]
_KERNEL = "python3"  # whatever name a notebook carries from another machine


@dataclass
class Course:
    """How far a notebook came: the state of each code cell, and how it ended.

    States: `completed`, `failed`, `timed-out`, `aborted`, `not-run`. `ending` is "" for a notebook that came
    to its end, else the class name of the error that ended it, with its text in `words`.
    """

    cells: dict[int, dict[str, Any]] = field(default_factory=dict)
    ending: str = ""
    words: str = ""

    def start(self, index: int) -> None:
        """A cell begins."""
        self.cells[index] |= {"state": "aborted", "began": time.monotonic()}

    def end(self, index: int, state: str) -> None:
        """A cell ended."""
        cell = self.cells[index]
        cell |= {"state": state, "seconds": round(time.monotonic() - cell.pop("began"), 3)}

    def stop(self, problem: BaseException) -> None:
        """Something other than a cell's own error ended the notebook."""
        state = "timed-out" if isinstance(problem, CellTimeoutError) else "aborted"
        for index, cell in self.cells.items():
            if "began" in cell:
                self.end(index, state)
        # jupyter_client raises a RuntimeError where a kernel does not come up.
        endings = {
            "CellTimeoutError": "TimedOut",
            "DeadKernelError": "KernelDied",
            "RuntimeError": "KernelDied",
        }
        self.ending = endings.get(type(problem).__name__, type(problem).__name__)
        self.words = str(problem)

    def states(self) -> list[dict[str, Any]]:
        """One object a code cell, in their order."""
        return [{"cell": index, **cell} for index, cell in sorted(self.cells.items())]


class Engine(NBClientEngine):
    """Papermill's engine with quick kernels (`papermill --engine xacct-nb`)."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        course: Course | None = None,
        tell: Tell | None = None,
        prepared: Prepared | None = None,
        execution_timeout: int | None = None,
        start_timeout: int = 60,
        **_: Any,
    ) -> Any:
        """Runs the notebook's cells in a kernel of its own, noting the course of each."""
        noted = course or Course()
        client = PapermillNotebookClient(
            nb_man,
            kernel_name=kernel_name,
            kernel_manager_class=manager_for(prepared),
            shutdown_kernel="immediate",
            timeout=execution_timeout or 0,
            startup_timeout=start_timeout,
            store_widget_state=False,
            **_hooks(nb_man.nb, noted, tell or (lambda *_: None)),
        )
        return client.execute()


def run(
    path: Path,
    parameters: Mapping[str, Any],
    *,
    tell: Tell | None = None,
    timeout: int | None = None,
    prepared: Prepared | None = None,
) -> tuple[NotebookNode, Course]:
    """The executed notebook and its course; a failure is in the course, not an exception.

    `tell(done, of, title)` is called as each code cell begins; `timeout` is in seconds for each cell;
    `prepared` is the process that becomes the kernel.
    """
    source = load_notebook_node(str(path))
    notebook = parameterize_notebook(source, dict(parameters), kernel_name=_KERNEL, language="python")
    course = Course()
    try:
        Engine.execute_notebook(
            notebook,
            _KERNEL,
            progress_bar=False,
            course=course,
            tell=tell,
            prepared=prepared,
            execution_timeout=timeout,
        )
    except (DeadKernelError, CellTimeoutError, KeyboardInterrupt, RuntimeError) as problem:
        course.stop(problem)
    return notebook, course


def _hooks(notebook: NotebookNode, course: Course, tell: Tell) -> dict[str, Any]:
    code = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    course.cells = {index: {"state": "not-run"} for index in code}

    def started(cell: Any, cell_index: int) -> None:
        if cell_index in course.cells:
            tell(code.index(cell_index), len(code), _title(notebook, cell_index))
            course.start(cell_index)

    def executed(cell: Any, cell_index: int, execute_reply: Any) -> None:
        content = execute_reply["content"]
        course.end(cell_index, "completed" if content["status"] == "ok" else "failed")
        if content["status"] == "error":
            course.ending, course.words = content["ename"], content["evalue"]

    return {"on_cell_start": started, "on_cell_executed": executed}


def _title(notebook: NotebookNode, index: int) -> str:
    """The heading that a cell stands under; papermill's own cell has none."""
    if "injected-parameters" in notebook.cells[index].metadata.get("tags", []):
        return "What was given"
    above = (
        line
        for cell in reversed(notebook.cells[:index])
        if cell.cell_type == "markdown"
        for line in reversed(cell.source.splitlines())
        if line.startswith("#")
    )
    return next(above, "").lstrip("# ")
