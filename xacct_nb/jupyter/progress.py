"""Papermill's bookkeeping on an executed notebook and its cells, true to what happened."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from xacct_nb.jupyter.cell_states import CellStates
from xacct_nb.jupyter.import_blocker import FORMATS, hide_packages
from xacct_nb.jupyter.messages import valid_message
from xacct_nb.jupyter.output_limit import OutputLimit
from xacct_nb.jupyter.runner_channel import PROGRESS, SECRETS, AddSecrets, ShowLine, line_in, secrets_in

with hide_packages(*FORMATS):
    from nbclient.exceptions import CellExecutionError
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NotebookExecutionManager
    from papermill.log import logger

if TYPE_CHECKING:
    from nbformat import NotebookNode

CellStarted = Callable[[int], None]
Redact = Callable[["NotebookNode"], "NotebookNode"]
Save = Callable[["NotebookNode"], None]
Message = Mapping[str, Any]  # of Jupyter's protocol
_IOPUB_TIMEOUT = 60  # seconds that outputs may arrive after a cell has ended


class NotebookProgress(NotebookExecutionManager):
    """Papermill's bookkeeping; the original notes `completed` on a cell that a dead kernel never ran.

    It saves before the kernel starts, as each code cell begins, and at the end. So the file always shows the
    cell in progress. It calls `on_start(index)` as a code cell begins.
    """

    PENDING = "not-run"

    def __init__(
        self,
        notebook: "NotebookNode",
        save: Save | None,
        on_start: CellStarted | None = None,
        **options: Any,  # papermill's
    ) -> None:
        super().__init__(notebook, **options)
        self.cell_states = CellStates(notebook)
        self._save, self._on_start = save or (lambda _: None), on_start or (lambda _: None)
        self._running: NotebookNode | None = None

    def save(self, **_: object) -> None:
        """Save the notebook as it is."""
        self._save(self.nb)
        self.last_save_time = self.now()

    def cell_start(self, cell: "NotebookNode", cell_index: int | None = None, **_: object) -> None:
        """Note that a code cell begins."""
        self._running = cell
        self.cell_states.start(cell)
        self._on_start(cell_index or 0)
        super().cell_start(cell, cell_index)

    def cell_complete(self, cell: "NotebookNode", cell_index: int | None = None, **_: object) -> None:
        """Note that a cell ended; an error among its outputs is a failure, as it is for papermill."""
        errors = [output for output in cell.get("outputs", []) if output.output_type == "error"]
        for error in errors:
            self.cell_states.fail(error.ename, error.evalue)
        self._end(cell, "failed" if errors else "completed", cell_index)

    def cell_exception(self, cell: "NotebookNode", cell_index: int | None = None, **given: Any) -> None:
        """Note that a cell ended with an error."""
        problem: CellExecutionError = given["exception"]
        self.cell_states.fail(problem.ename, problem.evalue)
        self._end(cell, "failed", cell_index)

    def stop(self, problem: BaseException) -> None:
        """Note that an error from outside the cells ended the notebook."""
        state = self.cell_states.stop(problem)
        if self._running:
            self._end(self._running, state)

    def notebook_complete(self, **_: object) -> None:
        """Note that no cell runs any more; those that were not reached stay `not-run`."""
        self.end_time, metadata = self.now(), self.nb.metadata.papermill
        metadata["end_time"] = self.end_time.isoformat()
        metadata["duration"] = (self.end_time - self.start_time).total_seconds()
        metadata["exception"] = True if self.cell_states.ending else None
        self.cell_states.close()
        self.cleanup_pbar()
        self.save()

    def _end(self, cell: "NotebookNode", state: str, index: int | None = None) -> None:
        metadata, now = cell.metadata.papermill, self.now()
        metadata |= {"status": state, "exception": state != "completed", "end_time": now.isoformat()}
        if cell.cell_type == "code":
            self.cell_states.end(cell, state)
            metadata["duration"] = cell.metadata.xacct_nb.seconds
        self._running = None
        if self.log_output and index is not None:
            logger.info(f"Ending Cell {index + 1:-<43}")  # as papermill writes it
        if self.pbar:
            self.pbar.update(1)


class ProgressClient(PapermillNotebookClient):
    """Papermill's client, which notes that a cell ended only when it did, and takes whatever a cell sends.

    It plays no front end: what a widget captures is among the outputs of its cell.
    """

    nb_man: NotebookProgress

    def __init__(
        self,
        progress: NotebookProgress,
        *,
        redact: Redact | None = None,
        add_secrets: AddSecrets | None = None,
        limit: OutputLimit | None = None,
        on_stderr: Callable[[str], None] | None = None,
        on_line: ShowLine | None = None,
        **traits: Any,  # nbclient's
    ) -> None:
        super().__init__(progress, **{"iopub_timeout": _IOPUB_TIMEOUT, **traits})
        add, show = add_secrets or (lambda _: None), on_line or (lambda _: None)
        self.comm_open_handlers = {
            SECRETS: lambda message: add(secrets_in(message)),
            PROGRESS: lambda message: show(line_in(message)),
        }
        self._redact = redact or (lambda output: output)
        self._limit = limit
        self._on_stderr = on_stderr

    def process_message(self, msg: Message, cell: "NotebookNode", cell_index: int) -> "NotebookNode | None":
        """Take one message of the kernel, made valid, as far as the limit has room for it."""
        message, output = valid_message(msg), None
        content = message["content"] if message and message["msg_type"] == "stream" else {}
        if self._on_stderr and content.get("name") == "stderr":
            self._on_stderr(str(content.get("text", "")))
        if message:
            for each in self._limit.fit(message, cell_index) if self._limit else [message]:
                output = super().process_message(each, cell, cell_index)
        return output

    async def _check_raise_for_error(
        self, cell: "NotebookNode", cell_index: int, exec_reply: Message | None
    ) -> None:
        """Raise CellExecutionError for a cell that failed, and for one that asked the kernel to end."""
        await super()._check_raise_for_error(cell, cell_index, exec_reply)
        payload = exec_reply["content"].get("payload") if exec_reply else None
        if any(each.get("source") == "ask_exit" for each in payload or ()):
            raise CellExecutionError("", "SystemExit", "The cell called exit().")

    def log_output_message(self, output: "NotebookNode") -> None:
        """Copy an output, redacted, to the log and the files that papermill was given."""
        super().log_output_message(self._redact(output))

    def papermill_execute_cells(self) -> None:
        """Run the cells up to the first that fails. An error from outside the cells is raised as it is."""
        for index, cell in enumerate(self.nb.cells):
            try:
                if cell.cell_type == "code":
                    self.nb_man.cell_start(cell, index)
                    self.execute_cell(cell, index)
            except CellExecutionError as problem:
                self.nb_man.cell_exception(cell, index, exception=problem)
                return
            self.nb_man.cell_complete(cell, index)
