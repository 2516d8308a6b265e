"""Hooks into the cells of the notebook that this process is the kernel of."""

import sys
from collections.abc import Callable
from typing import Any

from xacct_nb.jupyter.served import in_voila

_EVENT = "post_run_cell"


def is_attended() -> bool:
    """Return whether a person can answer a form: not where papermill or nbconvert executes the notebook.

    Those send each cell with `allow_stdin` false, and so does Voila, which shows the forms to a person.
    """
    kernel = getattr(shell_of_this_kernel(), "kernel", None)
    if kernel is None or in_voila():
        return True
    return bool(kernel.get_parent("shell").get("content", {}).get("allow_stdin", True))


def on_cell_end(note: Callable[[str, BaseException | None], None]) -> None:
    """Call `note` as each cell ends, with its id and its error; do nothing where IPython does not run.

    A second call replaces the first.
    """
    if (shell := shell_of_this_kernel()) is None:
        return

    def after(result: Any) -> None:  # IPython's ExecutionResult; IPython may be missing here
        note(result.info.cell_id or result.info.raw_cell, result.error_in_exec)

    for each in [each for each in shell.events.callbacks[_EVENT] if hasattr(each, "of_xacct_nb")]:
        shell.events.unregister(_EVENT, each)
    after.of_xacct_nb = True  # type: ignore[attr-defined]
    shell.events.register(_EVENT, after)


def shell_of_this_kernel() -> Any:
    """Return IPython's shell, None where this process is not a kernel."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
