"""The secrets that references lead to: env:NAME and file:PATH."""

import os
from collections.abc import Callable
from pathlib import Path

from xacct_nb.errors import UnresolvedSecret
from xacct_nb.storage.bounded_read import read_small

_MOST = 10_000


def resolve_reference(reference: str) -> str:
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
    except (KeyError, OSError, ValueError, RuntimeError) as problem:
        raise _leads(reference, "nowhere", _why(kind, problem)) from problem
    if not value:
        raise _leads(reference, "to nothing", "The value is empty.")
    return value


_READERS: dict[str, Callable[[str], str]] = {
    "env": lambda name: os.environ[name],
    "file": lambda name: _text_of(Path(name).expanduser()),
}


def _text_of(path: Path) -> str:
    # It is read where the run is checked, and again in its kernel: a pipe is empty by then.
    return read_small(path, pipes=False, most=_MOST).decode("utf-8").rstrip("\r\n")


def _why(kind: str, problem: Exception) -> str:
    if kind == "env":
        return "There is no such environment variable."
    words = "It is not UTF-8 text" if isinstance(problem, UnicodeDecodeError) else str(problem)
    return f"The file cannot be read. {getattr(problem, 'strerror', None) or words.rstrip('.')}."


def _leads(reference: str, where: str, why: str) -> UnresolvedSecret:
    return UnresolvedSecret(
        f"The reference {reference!r} leads {where}.",
        why=why,
        hint="Set it before the run, where the run is started.",
    )
