"""Runs a notebook with papermill, and tells truly how far it came."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from xacct_nb.jupyter.courses import Course
from xacct_nb.jupyter.kernels import manager_for
from xacct_nb.jupyter.prepared import Prepared
from xacct_nb.jupyter.spared import FORMATS, spared
from xacct_nb.jupyter.stamps import Begins, Client, Save, Stamps

with spared(*FORMATS):
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from nbformat import NotebookNode
    from nbformat.v4 import new_code_cell
    from papermill.engines import NBClientEngine
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook
    from papermill.utils import find_first_tagged_cell_index

Tell = Callable[[int, int, str], None]
_KERNEL = "python3"  # whatever name a notebook carries from another machine
_INJECTED = "injected-parameters"
_ENDS = (DeadKernelError, CellTimeoutError, KeyboardInterrupt, RuntimeError)


class Engine(NBClientEngine):
    """Papermill's engine with quick kernels and true stamps (`papermill --engine xacct-nb`)."""

    @classmethod
    def execute_notebook(
        cls,
        nb: NotebookNode,
        kernel_name: str,
        output_path: str | None = None,
        execution_timeout: int | None = None,
        start_timeout: int = 60,
        **options: Any,
    ) -> NotebookNode:
        """The executed notebook."""
        around = ("progress_bar", "log_output", "autosave_cell_every")
        given = {name: options[name] for name in around if name in options}
        stamps = Stamps(nb, None, output_path=output_path, **given)
        _execute(stamps, kernel_name, None, execution_timeout, start_timeout)
        return nb


def run(
    path: Path,
    parameters: Mapping[str, Any],
    *,
    tell: Tell | None = None,
    timeout: int | None = None,
    prepared: Prepared | None = None,
    save: Save | None = None,
) -> tuple[NotebookNode, Course]:
    """The executed notebook and its course; a failure is in the course, not an exception.

    `tell(done, of, title)` is called as each code cell begins; `timeout` is in seconds for each cell;
    `prepared` is the process that becomes the kernel; `save(notebook)` is called before the kernel starts,
    as each code cell begins, and at the end, with the states of all cells in their metadata.
    """
    notebook = _given(load_notebook_node(str(path)), parameters)
    stamps = Stamps(notebook, save, _teller(notebook, tell) if tell else None, progress_bar=False)
    with suppress(*_ENDS):
        _execute(stamps, _KERNEL, prepared, timeout)
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


def _execute(
    stamps: Stamps, kernel: str, prepared: Prepared | None, timeout: int | None, start_timeout: int = 60
) -> None:
    stamps.notebook_start()
    client = Client(
        stamps,
        kernel_name=kernel,
        kernel_manager_class=manager_for(prepared),
        shutdown_kernel="immediate",
        timeout=timeout or 0,
        startup_timeout=start_timeout,
        store_widget_state=False,
    )
    try:
        client.execute()
    except BaseException as problem:
        stamps.stop(problem)
        raise
    finally:
        stamps.notebook_complete()


def _teller(notebook: NotebookNode, tell: Tell) -> Begins:
    code = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    return lambda index: tell(code.index(index), len(code), _title(notebook, index))


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
