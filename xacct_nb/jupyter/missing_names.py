"""What a cell says that uses a name before the cell that makes it was run: which cell that is."""

import ast
import json
import os
import runpy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xacct_nb.jupyter.cell_hooks import shell_of_this_kernel

STARTUP = Path(__file__).with_name("kernel_startup.py")
OWN_STARTUP_VARIABLE = "XACCT_PYTHONSTARTUP"  # the user's own PYTHONSTARTUP, which STARTUP runs too


def startup_environment(around: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with which a kernel explains missing names, and runs the user's own startup."""
    own = around.get("PYTHONSTARTUP", "")
    return {"PYTHONSTARTUP": str(STARTUP)} | ({OWN_STARTUP_VARIABLE: own} if own != str(STARTUP) else {})


def start_kernel(names: dict[str, Any]) -> None:
    """Run the user's own startup file in these names, and explain missing names from now on."""
    if own := os.environ.get(OWN_STARTUP_VARIABLE):
        names |= {name: each for name, each in runpy.run_path(own).items() if not name.startswith("__")}
    explain_missing_names()


def explain_missing_names() -> None:
    """Let a NameError of a cell name the cell to run first; another handler of errors stays."""
    shell = shell_of_this_kernel()
    if shell is not None and not shell.custom_exceptions:
        shell.set_custom_exc((NameError,), _show)


def explanation(name: str, notebook: Mapping[str, Any]) -> list[str]:
    """Return the lines that say which cell of the notebook makes a name; none where no cell makes it."""
    heading = next((heading for heading, source in _cells(notebook) if name in _made(source)), None)
    if heading is None:
        return []
    where = f"The cell under {heading!r} makes it" if heading else "A cell above makes it"
    return [
        f"cells-not-run: {name!r} is not there yet.",
        f"{where}, and that cell was not run since the kernel was started.",
        "Run the cells above this one first: in the menu Run, Run All Above Selected Cell.",
    ]


def _show(
    shell: Any, kind: type[BaseException], problem: Any, trace: Any, tb_offset: int | None = None
) -> None:
    """Show the error of a cell; IPython calls it as a method of the shell."""
    last = trace
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    own = last is not None and last.tb_frame.f_globals is shell.user_ns
    lines = explanation(problem.name or "", _notebook(shell.user_ns)) if own else []
    if lines:
        problem._render_traceback_ = lambda: lines
    shell.showtraceback((kind, problem, trace), tb_offset=tb_offset)


def _notebook(names: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the notebook of this kernel, as its server or its editor names it; empty where unknown."""
    path = names.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME", "")
    try:
        found = json.loads(Path(str(path)).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _cells(notebook: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each code cell's source, with the heading above it."""
    heading = ""
    for cell in notebook.get("cells", ()):
        source = "".join(cell.get("source", ""))
        if cell.get("cell_type") == "code":
            yield heading, source
        else:
            found = [line.lstrip("# ") for line in source.splitlines() if line.startswith("#")]
            heading = found[-1] if found else heading


def _made(source: str) -> set[str]:
    """Return the names that a cell assigns or imports."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:  # a magic of IPython
        return set()
    assigned = {each.id for each in nodes if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
    imported = [each for each in nodes if isinstance(each, (ast.Import, ast.ImportFrom))]
    return assigned | {name.asname or name.name for each in imported for name in each.names}
