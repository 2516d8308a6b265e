"""The workshop: sheets with exercises that check themselves in the sandbox."""

from typing import Any

__all__ = ["open_sheet"]


def __getattr__(name: str) -> Any:
    if name == "open_sheet":  # loaded when it is first used: commands that only list sheets do not need it
        from xacct_nb.workshop.opening import open_sheet

        return open_sheet
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
