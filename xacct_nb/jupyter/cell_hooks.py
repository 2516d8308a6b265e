"""What a cell of a running notebook tells the package."""

import sys
from collections.abc import Callable
from typing import Any


def on_end(note: Callable[[str, BaseException | None], None]) -> None:
    """Has `note` called as a cell ends, with its id and its error; without IPython there are no cells."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        return

    def after(result: Any) -> None:
        note(result.info.cell_id or result.info.raw_cell, result.error_in_exec)

    for old in [
        each for each in shell.events.callbacks["post_run_cell"] if getattr(each, "of_xacct_nb", False)
    ]:
        shell.events.unregister("post_run_cell", old)
    after.of_xacct_nb = True  # type: ignore[attr-defined]
    shell.events.register("post_run_cell", after)
