"""Papermill's stamps on an executed notebook and its cells, as what happened."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from xacct_nb.jupyter.cell_states import Course
from xacct_nb.jupyter.import_blocker import FORMATS, spared
from xacct_nb.jupyter.secret_channel import TARGET, Hear, taken

with spared(*FORMATS):
    from nbclient.exceptions import CellExecutionError
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NotebookExecutionManager
    from papermill.log import logger

if TYPE_CHECKING:
    from nbformat import NotebookNode

Begins = Callable[[int], None]
Clean = Callable[["NotebookNode"], "NotebookNode"]
Save = Callable[["NotebookNode"], None]


class Stamps(NotebookExecutionManager):
    """Papermill's bookkeeping; stock, it stamps `completed` on a cell that a dead kernel never ran.

    Saves before the kernel starts, as each code cell begins, and at the end, so that what is on disk names
    the cell in progress at any time. Calls `begins(index)` as a code cell begins.
    """

    PENDING = "not-run"

    def __init__(
        self, notebook: "NotebookNode", save: Save | None, begins: Begins | None = None, **options: Any
    ) -> None:
        super().__init__(notebook, **options)
        self.course = Course(notebook)
        self._save, self._begins = save or (lambda _: None), begins or (lambda _: None)
        self._running: NotebookNode | None = None

    def save(self, **_: Any) -> None:
        """Hands the notebook over as it stands."""
        self._save(self.nb)
        self.last_save_time = self.now()

    def cell_start(self, cell: "NotebookNode", cell_index: int | None = None, **_: Any) -> None:
        """A code cell begins."""
        self._running = cell
        self.course.start(cell)
        self._begins(cell_index or 0)
        super().cell_start(cell, cell_index)

    def cell_complete(self, cell: "NotebookNode", cell_index: int | None = None, **_: Any) -> None:
        """A cell came to its end; an error among its outputs is a failure, as it is for papermill itself."""
        errors = [output for output in cell.get("outputs", []) if output.output_type == "error"]
        for error in errors:
            self.course.fail(error.ename, error.evalue)
        self._end(cell, "failed" if errors else "completed", cell_index)

    def cell_exception(self, cell: "NotebookNode", cell_index: int | None = None, **given: Any) -> None:
        """A cell ended with an error."""
        problem = given["exception"]
        self.course.fail(problem.ename, problem.evalue)
        self._end(cell, "failed", cell_index)

    def stop(self, problem: BaseException) -> None:
        """Something other than a cell's own error ended the notebook."""
        state = self.course.stop(problem)
        if self._running:
            self._end(self._running, state)

    def notebook_complete(self, **_: Any) -> None:
        """No cell runs any more; those that were not reached stay `not-run`."""
        self.end_time, stamps = self.now(), self.nb.metadata.papermill
        stamps["end_time"] = self.end_time.isoformat()
        stamps["duration"] = (self.end_time - self.start_time).total_seconds()
        stamps["exception"] = True if self.course.ending else None
        self.course.close()
        self.cleanup_pbar()
        self.save()

    def _end(self, cell: "NotebookNode", state: str, index: int | None = None) -> None:
        stamps, now = cell.metadata.papermill, self.now()
        stamps |= {"status": state, "exception": state != "completed", "end_time": now.isoformat()}
        if cell.cell_type == "code":
            self.course.end(cell, state)
            stamps["duration"] = cell.metadata.xacct_nb.seconds
        self._running = None
        if self.log_output and index is not None:
            logger.info(f"Ending Cell {index + 1:-<43}")  # papermill's words
        if self.pbar:
            self.pbar.update(1)


class Client(PapermillNotebookClient):
    """Papermill's client, whose stamps on a cell wait for the cell."""

    nb_man: Stamps

    def __init__(
        self, stamps: Stamps, *, clean: Clean | None = None, hear: Hear | None = None, **traits: Any
    ) -> None:
        super().__init__(stamps, **traits)
        self.comm_open_handlers[TARGET] = taken(hear or (lambda _: None))
        self._clean = clean or (lambda output: output)

    def log_output_message(self, output: "NotebookNode") -> None:
        """Copies an output to the log and the files that papermill was given, without secrets."""
        super().log_output_message(self._clean(output))

    def papermill_execute_cells(self) -> None:
        """Runs the cells up to the first that fails; any other end comes out as its own exception."""
        for index, cell in enumerate(self.nb.cells):
            try:
                if cell.cell_type == "code":
                    self.nb_man.cell_start(cell, index)
                    self.execute_cell(cell, index)
            except CellExecutionError as problem:
                self.nb_man.cell_exception(cell, index, exception=problem)
                return
            self.nb_man.cell_complete(cell, index)
