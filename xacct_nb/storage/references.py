"""References to secrets: env:NAME and file:PATH."""

import os
from pathlib import Path

from xacct_nb.errors import UnresolvedSecret
from xacct_nb.storage.bounded_read import read_small


def resolve_reference(reference: str) -> str:
    """Return the secret of `env:NAME` or `file:PATH`, without its line break. Raises UnresolvedSecret."""
    kind, _, name = reference.partition(":")
    if kind not in ("env", "file") or not name:
        # The text may be the secret itself, so it is not quoted.
        raise UnresolvedSecret(
            "This is not a reference to an external ID.",
            why="A reference is env:NAME or file:PATH; the external ID itself would appear in the record.",
            hint="Put it into a file or an environment variable, and give the reference to that.",
        )
    try:
        if kind == "env":
            value = os.environ[name]
        else:  # the runner reads it, and then the kernel does: a pipe would be empty by then
            content = read_small(Path(name).expanduser(), pipes=False, most=10_000)
            value = content.decode("utf-8").rstrip("\r\n")
    except (KeyError, OSError, ValueError, RuntimeError) as problem:
        raise _unresolved(reference, _why(kind, problem)) from problem
    if not value:
        raise _unresolved(reference, "The value is empty.")
    return value


def _why(kind: str, problem: Exception) -> str:
    if kind == "env":
        return "There is no such environment variable."
    text = "It is not UTF-8 text" if isinstance(problem, UnicodeDecodeError) else str(problem)
    return f"The file cannot be read. {getattr(problem, 'strerror', None) or text.rstrip('.')}."


def _unresolved(reference: str, why: str) -> UnresolvedSecret:
    return UnresolvedSecret(
        f"The reference {reference!r} cannot be resolved.",
        why=why,
        hint="Set it in the shell or the folder that starts the run.",
    )
