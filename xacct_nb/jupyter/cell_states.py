"""The state of each cell of a notebook, in the notebook's own metadata."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from xacct_nb.errors import error_classes
from xacct_nb.jupyter.output_limit import shortened

if TYPE_CHECKING:
    from nbformat import NotebookNode

METADATA_NAME = "xacct_nb"
_LONGEST_NAME = 200
# What ends a notebook from outside its cells. jupyter_client raises a RuntimeError where no kernel starts.
_FROM_OUTSIDE = {
    "CellTimeoutError": "TimedOut",
    "DeadKernelError": "KernelDied",
    "RuntimeError": "KernelDied",
}


class CellStates:
    """The state of each code cell, and how the notebook ended.

    States: `not-run`, `running`, `completed`, `failed`, `timed-out`, `aborted`. `ending` is "" for a notebook
    that ran to its end, else the class name of the error that ended it, with its text in `message`. `problem`
    is an error from outside the cells.

    A cell's metadata have `{"state", "seconds"}`, the notebook's `{"ending"}`: `running`, `completed`, or the
    status of a record (`failed`, `kernel-died`, `timed-out`, `interrupted`), then with the `error`.
    """

    def __init__(self, notebook: "NotebookNode") -> None:
        self.notebook, self.ending, self.message = notebook, "", ""
        self.problem: BaseException | None = None
        self._began = 0.0
        notebook.metadata[METADATA_NAME] = {"ending": "running"}
        for _, cell in self.code_cells():
            cell.metadata[METADATA_NAME] = {"state": "not-run"}

    @property
    def status(self) -> str:
        """The status of a record of this ending; "" for a notebook that ran to its end."""
        error = error_classes().get(self.ending)
        if error and (self.problem or self.ending not in _FROM_OUTSIDE.values()):
            return error.status
        return "interrupted" if self.ending == "KeyboardInterrupt" else "failed" if self.ending else ""

    def code_cells(self) -> "Iterator[tuple[int, NotebookNode]]":
        """Return the code cells, each with its index in the notebook."""
        return ((index, cell) for index, cell in enumerate(self.notebook.cells) if cell.cell_type == "code")

    def start(self, cell: "NotebookNode") -> None:
        """Note that a cell begins."""
        self._began = time.monotonic()
        cell.metadata[METADATA_NAME] = {"state": "running"}

    def end(self, cell: "NotebookNode", state: str) -> None:
        """Note that a cell ended, and how long it took."""
        seconds = round(time.monotonic() - self._began, 3)
        cell.metadata[METADATA_NAME] = {"state": state, "seconds": seconds}

    def fail(self, name: str, message: str) -> None:
        """Note the error of a cell that ends the notebook; of several, the last one stays."""
        self.ending, self.message = shortened(name, _LONGEST_NAME), shortened(message)

    def stop(self, problem: BaseException) -> str:
        """Note an error from outside the cells; return the state of the cell that it interrupted."""
        name = type(problem).__name__
        self.fail(_FROM_OUTSIDE.get(name, name), str(problem).partition("\n")[0])
        self.problem = problem
        return "timed-out" if self.ending == "TimedOut" else "aborted"

    def close(self) -> None:
        """Note how the notebook ended."""
        error = {"error": {"code": self.ending, "what": self.message}} if self.ending else {}
        self.notebook.metadata[METADATA_NAME] = {"ending": self.status or "completed", **error}

    def to_json(self) -> list[dict[str, object]]:
        """Return one object a code cell, in their order."""
        return [{"cell": index, **cell.metadata[METADATA_NAME]} for index, cell in self.code_cells()]
