"""The secrets that references lead to: env:NAME and file:PATH."""

import os
from collections.abc import Callable
from pathlib import Path

from xacct_nb.errors import UnresolvedSecret


def look_up(reference: str) -> str:
    """The secret behind `env:NAME` or `file:PATH`, without its last line break. Raises UnresolvedSecret."""
    kind, _, name = reference.partition(":")
    if kind not in _READERS or not name:
        # What is no reference may be the secret itself: it is not quoted.
        raise UnresolvedSecret(
            "This is no reference to an external ID.",
            why="A reference reads env:NAME or file:PATH; what is given itself would stand in the record.",
            hint="Put it into a file or an environment variable, and say where it is.",
        )
    try:
        value = _READERS[kind](name)
    except (KeyError, OSError, ValueError) as problem:
        missing = "There is no such environment variable." if kind == "env" else "The file cannot be read."
        raise _leads(reference, "nowhere", missing) from problem
    if not value:
        raise _leads(reference, "to nothing", "The value is empty.")
    return value


_READERS: dict[str, Callable[[str], str]] = {
    "env": lambda name: os.environ[name],
    "file": lambda name: Path(name).expanduser().read_text(encoding="utf-8").rstrip("\r\n"),
}


def _leads(reference: str, where: str, why: str) -> UnresolvedSecret:
    return UnresolvedSecret(
        f"The reference {reference!r} leads {where}.",
        why=why,
        hint="Set it before the run, where the run is started.",
    )
