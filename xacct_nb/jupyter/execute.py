"""Runs a notebook with papermill, and tells truly how far it came."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from xacct_nb.jupyter.cell_states import Course
from xacct_nb.jupyter.import_blocker import FORMATS, spared
from xacct_nb.jupyter.kernels import manager_for
from xacct_nb.jupyter.output_file import outlet_of
from xacct_nb.jupyter.prepared import Prepared
from xacct_nb.jupyter.progress import Begins, Client, Save, Stamps
from xacct_nb.jupyter.secret_channel import Hear
from xacct_nb.jupyter.signals import ended_in_order
from xacct_nb.redaction.redact import redact_all

with spared(*FORMATS):
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from nbformat import NotebookNode
    from nbformat.v4 import new_code_cell
    from papermill.engines import NBClientEngine
    from papermill.iorw import load_notebook_node
    from papermill.log import logger
    from papermill.parameterize import parameterize_notebook
    from papermill.utils import find_first_tagged_cell_index

Tell = Callable[[int, int, str], None]
_KERNEL = "python3"  # whatever name a notebook carries from another machine
_INJECTED = "injected-parameters"
_ENDS = (DeadKernelError, CellTimeoutError, KeyboardInterrupt, RuntimeError)


class Engine(NBClientEngine):
    """Papermill's engine with quick kernels and true stamps (`papermill --engine xacct-nb`).

    Whatever ends it, the cells' `papermill.status` and `metadata.xacct_nb` say what ran. The file is redacted
    and replaced whole, but for papermill's own last write, which puts the same text in its place. A file that
    holds an executed notebook is refused; with --no-request-save-on-cell-execute the engine knows no file,
    and papermill overwrites it. Exceptions and exit codes are papermill's.
    """

    @classmethod
    def execute_notebook(
        cls,
        nb: NotebookNode,
        kernel_name: str,
        output_path: str | None = None,
        *,
        progress_bar: bool | dict[str, Any] = True,
        log_output: bool = False,
        autosave_cell_every: int = 30,
        **options: Any,
    ) -> NotebookNode:
        """The executed notebook, redacted; `options` are papermill's and the traits of nbclient's client."""
        outlet = outlet_of(nb, output_path)
        outlet.refuse_older()
        stamps = Stamps(
            nb,
            outlet.save,
            progress_bar=progress_bar,
            log_output=log_output,
            autosave_cell_every=autosave_cell_every,
        )
        around: dict[str, Any] = {
            "log_output": log_output,
            "clean": outlet.clean_output,
            "hear": outlet.secrets.update,
        }
        try:
            with ended_in_order():
                _execute(stamps, kernel_name, **around | _traits(options))
        except Exception as problem:
            problem.args = tuple(redact_all(problem.args, outlet.secrets))
            raise
        return outlet.clean(nb)


def run(
    path: Path,
    parameters: Mapping[str, Any],
    *,
    tell: Tell | None = None,
    timeout: int | None = None,
    prepared: Prepared | None = None,
    save: Save | None = None,
    hear: Hear | None = None,
) -> tuple[NotebookNode, Course]:
    """The executed notebook and its course; a failure is in the course, not an exception.

    `tell(done, of, title)` is called as each code cell begins; `timeout` is in seconds for each cell;
    `prepared` is the process that becomes the kernel; `save(notebook)` is called before the kernel starts,
    as each code cell begins, and at the end, with the states of all cells in their metadata; `hear(secrets)`
    is called with secrets that the kernel gets to know, before the outputs that may hold them.
    """
    notebook = _given(load_notebook_node(str(path)), parameters)
    stamps = Stamps(notebook, save, _teller(notebook, tell) if tell else None, progress_bar=False)
    with suppress(*_ENDS):
        _execute(stamps, _KERNEL, prepared, timeout=timeout, hear=hear)
    return notebook, stamps.course


def _given(notebook: NotebookNode, parameters: Mapping[str, Any]) -> NotebookNode:
    if not parameters:
        return notebook
    if all(find_first_tagged_cell_index(notebook, tag) < 0 for tag in ("parameters", _INJECTED)):
        # Where it is to stand; papermill warns of a notebook that says no place.
        notebook.cells.insert(0, new_code_cell(metadata={"tags": [_INJECTED]}))
    given: NotebookNode = parameterize_notebook(
        notebook, dict(parameters), kernel_name=_KERNEL, language="python"
    )
    return given


def _execute(stamps: Stamps, kernel: str, prepared: Prepared | None = None, **traits: Any) -> None:
    usual: dict[str, Any] = {
        "kernel_manager_class": manager_for(prepared),
        "shutdown_kernel": "immediate",
        "store_widget_state": False,
    }
    try:
        stamps.notebook_start()
        Client(stamps, kernel_name=kernel, **usual | traits).execute()
    except BaseException as problem:
        stamps.stop(problem)
        raise
    finally:
        stamps.notebook_complete()


def _traits(options: Mapping[str, Any]) -> dict[str, Any]:
    """Papermill's options in nbclient's names."""
    renamed = {"execution_timeout": "timeout", "start_timeout": "startup_timeout", "input_path": ""}
    named = {renamed.get(name, name): value for name, value in options.items() if value is not None}
    named.pop("", None)
    return {"log": logger, **named}


def _teller(notebook: NotebookNode, tell: Tell) -> Begins:
    code = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]

    def begins(index: int) -> None:
        # Where nobody listens any more (`xacct-nb run ... 2>&1 | head -1`), a run still comes to its end.
        with suppress(OSError):
            tell(code.index(index), len(code), _title(notebook, index))

    return begins


def _title(notebook: NotebookNode, index: int) -> str:
    """The heading that a cell stands under; papermill's own cell has none."""
    if _INJECTED in notebook.cells[index].metadata.get("tags", []):
        return "What was given"
    above = (
        line
        for cell in reversed(notebook.cells[:index])
        if cell.cell_type == "markdown"
        for line in reversed(cell.source.splitlines())
        if line.startswith("#")
    )
    return next(above, "").lstrip("# ")
