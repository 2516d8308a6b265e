"""Runs a notebook with papermill, and notes the state of each cell as it was."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from xacct_nb.errors import UnknownNotebook
from xacct_nb.jupyter.cell_states import CellStates
from xacct_nb.jupyter.import_blocker import FORMATS, hide_packages
from xacct_nb.jupyter.kernels import manager_for
from xacct_nb.jupyter.output_file import output_file_for
from xacct_nb.jupyter.output_limit import OutputLimit
from xacct_nb.jupyter.prepared import PreparedKernel
from xacct_nb.jupyter.progress import CellStarted, NotebookProgress, ProgressClient, Save
from xacct_nb.jupyter.runner_channel import AddSecrets, ShowLine
from xacct_nb.jupyter.signals import finish_on_signals
from xacct_nb.redaction.redact import redact_all

with hide_packages(*FORMATS):
    from nbformat import NotebookNode, ValidationError
    from nbformat.v4 import new_code_cell
    from papermill.engines import NBClientEngine
    from papermill.iorw import load_notebook_node
    from papermill.log import logger
    from papermill.parameterize import parameterize_notebook
    from papermill.utils import find_first_tagged_cell_index

ReportCell = Callable[[int, int, str], None]
_KERNEL = "python3"  # whatever name a notebook carries from another machine
_INJECTED = "injected-parameters"
_NO_NOTEBOOK = (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, ValidationError)


class NotebookEngine(NBClientEngine):
    """Papermill's engine with quick kernels and true cell states (`papermill --engine xacct-nb`).

    Whatever ends the notebook, the cells' `papermill.status` and `metadata.xacct_nb` say what ran. The file
    is redacted and replaced whole; papermill's own last write puts the same text in its place. One that holds
    an executed notebook is refused; with --no-request-save-on-cell-execute the engine does not know the file,
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
        **options: Any,  # papermill's, and the traits of nbclient's client
    ) -> NotebookNode:
        """Return the executed notebook, redacted."""
        output = output_file_for(nb, output_path)
        output.refuse_executed()
        progress = NotebookProgress(
            nb,
            output.save,
            progress_bar=progress_bar,
            log_output=log_output,
            autosave_cell_every=autosave_cell_every,
        )
        traits: dict[str, Any] = {
            "log_output": log_output,
            "redact": output.redact_output,
            "add_secrets": output.secrets.update,
        }
        try:
            with finish_on_signals():
                _execute(progress, kernel_name, None, **traits, **_traits(options))
        except Exception as problem:
            problem.args = tuple(redact_all(problem.args, output.secrets))
            raise
        return output.redact(nb)


def run(
    path: Path,
    parameters: Mapping[str, object],
    *,
    report: ReportCell | None = None,
    timeout: int | None = None,
    prepared: PreparedKernel | None = None,
    save: Save | None = None,
    add_secrets: AddSecrets | None = None,
    on_stderr: Callable[[str], None] | None = None,
    on_line: ShowLine | None = None,
    limit: OutputLimit | None = None,
    **traits: Any,
) -> tuple[NotebookNode, CellStates]:
    """Execute the notebook; return it with its cells' states. A failure is in the states, not an exception.

    `report(done, of, title)` is called as each code cell begins. `timeout` is in seconds for each cell.
    `prepared` is the process that becomes the kernel. `save(notebook)` is called before the kernel starts,
    as each code cell begins, and at the end, with the states of all cells in their metadata.
    `add_secrets(secrets)` is called with secrets that the kernel learns, ahead of outputs that may hold them.
    `on_stderr(text)` is called with what a cell writes to standard error, `on_line(line)` with what the run
    just did. `limit` is how much output is kept. `traits` are those of nbclient's client: with `allow_errors`
    true, the cells after one that failed run too.
    """
    notebook = _parameterized(_loaded(path), parameters)
    on_start = _reporter(notebook, report) if report else None
    progress = NotebookProgress(notebook, save, on_start, progress_bar=False)
    listeners = {"add_secrets": add_secrets, "on_stderr": on_stderr, "on_line": on_line}
    try:
        _execute(
            progress, _KERNEL, prepared, timeout=timeout, limit=limit or OutputLimit(), **listeners, **traits
        )
    except BaseException as problem:  # whatever it is, it ended the notebook, and the record must say so
        progress.cell_states.problem = problem
    return notebook, progress.cell_states


def _loaded(path: Path) -> NotebookNode:
    """Return the notebook without the outputs of earlier runs. Raises UnknownNotebook."""
    try:
        notebook: NotebookNode = load_notebook_node(str(path))
        for cell in notebook.cells:
            cell.update({"outputs": [], "execution_count": None} if cell.cell_type == "code" else {})
    except _NO_NOTEBOOK as problem:
        raise UnknownNotebook(
            f"{str(path)!r} is no notebook that can be run.",
            why=f"{type(problem).__name__}: {str(problem).partition(chr(10))[0]}",
            hint="Open it in JupyterLab, and save it again.",
        ) from problem
    return notebook


def _parameterized(notebook: NotebookNode, parameters: Mapping[str, object]) -> NotebookNode:
    if not parameters:
        return notebook
    if all(find_first_tagged_cell_index(notebook, tag) < 0 for tag in ("parameters", _INJECTED)):
        # Without a cell to replace, papermill warns.
        notebook.cells.insert(0, new_code_cell(metadata={"tags": [_INJECTED]}))
    given: NotebookNode = parameterize_notebook(
        notebook, dict(parameters), kernel_name=_KERNEL, language="python"
    )
    return given


def _execute(progress: NotebookProgress, kernel: str, prepared: PreparedKernel | None, **traits: Any) -> None:
    defaults: dict[str, Any] = {
        "kernel_manager_class": manager_for(prepared),
        "shutdown_kernel": "immediate",
        "store_widget_state": False,
    }
    try:
        progress.notebook_start()
        ProgressClient(progress, kernel_name=kernel, **defaults | traits).execute()
    except BaseException as problem:
        progress.stop(problem)
        raise
    finally:
        progress.notebook_complete()


def _traits(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return papermill's options under nbclient's names."""
    renamed = {"execution_timeout": "timeout", "start_timeout": "startup_timeout"}
    given = {name: value for name, value in options.items() if value is not None and name != "input_path"}
    return {"log": logger, **{renamed.get(name, name): value for name, value in given.items()}}


def _reporter(notebook: NotebookNode, report: ReportCell) -> CellStarted:
    code = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]

    def on_start(index: int) -> None:
        # A reader that closed its pipe (`xacct-nb run ... 2>&1 | head -1`) does not end the run.
        with suppress(OSError):
            report(code.index(index), len(code), _title(notebook, index))

    return on_start


def _title(notebook: NotebookNode, index: int) -> str:
    """Return the heading above a cell; papermill's own cell has none."""
    if _INJECTED in notebook.cells[index].metadata.get("tags", []):
        return "The parameters of this run"
    above = (
        line
        for cell in reversed(notebook.cells[:index])
        if cell.cell_type == "markdown"
        for line in reversed(cell.source.splitlines())
        if line.startswith("#")
    )
    return next(above, "").lstrip("# ")
