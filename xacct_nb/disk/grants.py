"""Grant files (YAML or JSON), and the references to secrets in them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from xacct_nb.errors import UnreadableGrant, UnresolvedSecret


def read_fields(path: Path) -> dict[str, Any]:
    """The fields of a grant file. Raises UnreadableGrant."""
    try:
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise _unreadable(path, str(getattr(problem, "strerror", "") or "It is not UTF-8 text.")) from problem
    except yaml.YAMLError as problem:
        raise _unreadable(path, f"It is neither YAML nor JSON: {_place(problem)}.") from problem
    if not isinstance(fields, Mapping) or not all(isinstance(name, str) for name in fields):
        raise _unreadable(path, "It does not hold fields.")
    return dict(fields)


def look_up(reference: str) -> str:
    """The secret behind `env:NAME` or `file:PATH` (its text without the last line break). Raises UnresolvedSecret."""
    kind, _, name = reference.partition(":")
    try:
        value = (
            os.environ[name]
            if kind == "env"
            else Path(name).expanduser().read_text(encoding="utf-8").rstrip("\n")
        )
    except (KeyError, OSError, UnicodeDecodeError) as problem:
        missing = "There is no such environment variable." if kind == "env" else "The file cannot be read."
        raise UnresolvedSecret(
            f"The reference {reference!r} leads nowhere.",
            why=missing,
            hint="Set it before the run, where the run is started.",
        ) from problem
    if not value:
        raise UnresolvedSecret(
            f"The reference {reference!r} leads to nothing.",
            why="The value is empty.",
            hint="Set it before the run, where the run is started.",
        )
    return value


def _place(problem: yaml.YAMLError) -> str:
    # The message of the parser may quote the file, and so a secret: only the place is told.
    mark = getattr(problem, "problem_mark", None)
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else "it cannot be parsed"


def _unreadable(path: Path, why: str) -> UnreadableGrant:
    return UnreadableGrant(
        f"The grant file {str(path)!r} cannot be used.",
        why=why,
        hint="A grant file is YAML or JSON with the fields name, sources, destinations, ...",
    )
