"""Hooks into the cells of the notebook that this process is the kernel of."""

import sys
from collections.abc import Callable
from typing import Any

_EVENT = "post_run_cell"


def on_cell_end(note: Callable[[str, BaseException | None], None]) -> None:
    """Call `note` as each cell ends, with its id and its error; do nothing where IPython does not run.

    A second call replaces the first.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        return

    def after(result: Any) -> None:  # IPython's ExecutionResult; IPython may be missing here
        note(result.info.cell_id or result.info.raw_cell, result.error_in_exec)

    for each in [each for each in shell.events.callbacks[_EVENT] if hasattr(each, "of_xacct_nb")]:
        shell.events.unregister(_EVENT, each)
    after.of_xacct_nb = True  # type: ignore[attr-defined]
    shell.events.register(_EVENT, after)
