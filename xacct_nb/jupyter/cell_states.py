"""How far a notebook came, cell by cell, as it stands in the notebook's own metadata."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from xacct_nb.errors import error_classes

if TYPE_CHECKING:
    from nbformat import NotebookNode

NAME = "xacct_nb"  # of the metadata
# What ended a notebook from outside its cells. jupyter_client raises a RuntimeError where no kernel comes up.
_ENDINGS = {"CellTimeoutError": "TimedOut", "DeadKernelError": "KernelDied", "RuntimeError": "KernelDied"}
_STATES = {"TimedOut": "timed-out"}


class Course:
    """The state of each code cell, and how the notebook ended.

    States: `not-run`, `running`, `completed`, `failed`, `timed-out`, `aborted`. `ending` is "" for a notebook
    that came to its end, else the class name of the error that ended it, with its text in `words`.

    A cell's metadata say `{"state", "seconds"}`, the notebook's `{"ending"}`: `running`, `completed`, or the
    status of a record (`failed`, `kernel-died`, `timed-out`, `interrupted`), then with the `error`.
    """

    def __init__(self, notebook: "NotebookNode") -> None:
        self.notebook, self.ending, self.words = notebook, "", ""
        self._began = 0.0
        notebook.metadata[NAME] = {"ending": "running"}
        for _, cell in self.code():
            cell.metadata[NAME] = {"state": "not-run"}

    def code(self) -> "Iterator[tuple[int, NotebookNode]]":
        """The code cells, each with its place in the notebook."""
        return ((index, cell) for index, cell in enumerate(self.notebook.cells) if cell.cell_type == "code")

    def start(self, cell: "NotebookNode") -> None:
        """A cell begins."""
        self._began = time.monotonic()
        cell.metadata[NAME] = {"state": "running"}

    def end(self, cell: "NotebookNode", state: str) -> None:
        """A cell ended."""
        cell.metadata[NAME] = {"state": state, "seconds": round(time.monotonic() - self._began, 3)}

    def fail(self, name: str, words: str) -> None:
        """An error ends the notebook; of several the last one counts."""
        self.ending, self.words = _ENDINGS.get(name, name), words

    def stop(self, problem: BaseException) -> str:
        """Something other than a cell's own error ends the notebook; the state of the cell that it met."""
        self.fail(type(problem).__name__, str(problem).partition("\n")[0])
        return _STATES.get(self.ending, "aborted")

    def close(self) -> None:
        """No cell runs any more."""
        if not self.ending:
            self.notebook.metadata[NAME] = {"ending": "completed"}
            return
        error = {"code": self.ending, "what": self.words}
        self.notebook.metadata[NAME] = {"ending": _status(self.ending), "error": error}

    def states(self) -> list[dict[str, Any]]:
        """One object a code cell, in their order."""
        return [{"cell": index, **cell.metadata[NAME]} for index, cell in self.code()]


def _status(ending: str) -> str:
    kind = error_classes().get(ending)
    return kind.status if kind else "interrupted" if ending == "KeyboardInterrupt" else "failed"
