"""The notebooks in a folder of submissions: whose each is, and what is left out, with the reason."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xacct_nb.errors import InvalidInput
from xacct_nb.redaction.invisible import on_one_line
from xacct_nb.storage.plain_files import kind_of
from xacct_nb.validation import Serializable
from xacct_nb.workshop.sheets import all_sheets

_ENDING = ".ipynb"
_MOST, _LONGEST = 5_000, 600  # notebooks; characters of a name
_JUPYTERS_OWN = "It is hidden, such as Jupyter's own copies."
_NO_NOTEBOOK = "Its name does not end in .ipynb."


@dataclass(frozen=True)
class Submission:
    """A notebook of a participant; `file` is its path in the folder, safe to show."""

    participant: str
    file: str
    path: Path


@dataclass(frozen=True)
class LeftOut(Serializable):
    """What is in the folder of submissions and is not graded. With `is_missing` it should have been."""

    file: str
    reason: str
    participant: str = ""
    is_missing: bool = False


def submissions_in(folder: Path) -> Iterator[Submission | LeftOut]:
    """Yield what is in a folder: NAME.ipynb, NAME_SHEET.ipynb, NAME/SHEET.ipynb, and what is something else.

    No link is followed. Raises InvalidInput where the folder cannot be read.
    """
    try:
        entries = _entries(folder)
    except OSError as problem:
        raise InvalidInput(
            f"The folder {str(folder)!r} cannot be read.",
            why=f"{problem.strerror}.",
            hint="Name the folder with the submitted notebooks.",
        ) from problem
    for path in entries:
        if kind_of(path) == "folder" and not path.name.startswith("."):
            yield from _of_participant(path)
        else:
            yield _found(path, _participant(path, folder), path.name)


def _of_participant(folder: Path) -> Iterator[Submission | LeftOut]:
    participant = _shown(folder.name)
    try:
        entries = _entries(folder)
    except OSError as problem:
        yield LeftOut(participant, f"It cannot be read: {problem.strerror}.", participant, is_missing=True)
        return
    found = [_found(path, participant, f"{folder.name}/{path.name}") for path in entries]
    if not any(isinstance(each, Submission) for each in found):
        yield LeftOut(participant, "It has no notebook.", participant, is_missing=True)
    yield from found


def _found(path: Path, participant: str, name: str) -> Submission | LeftOut:
    kind, file = kind_of(path), _shown(name)
    if path.name.startswith("."):
        return LeftOut(file, _JUPYTERS_OWN)
    if kind == "folder":
        return LeftOut(file, "It is a folder in a participant's folder.")
    if not path.name.endswith(_ENDING):
        return LeftOut(file, _NO_NOTEBOOK)
    if kind != "file":
        return LeftOut(file, f"It is a {kind}, which is not followed.", participant, is_missing=True)
    return Submission(participant, file, path)


def _participant(path: Path, folder: Path) -> str:
    """Return whose a notebook in the folder itself is: by its name, without that of a sheet."""
    stem = path.name.removesuffix(_ENDING)
    for sheet in all_sheets():
        for name in (sheet.stem, sheet.name):
            if stem == name:
                return _shown(folder.absolute().name)
            if found := re.fullmatch(rf"(.+)[ _-]{name}", stem, re.DOTALL):
                return _shown(found[1])
    return _shown(stem)


def _entries(folder: Path) -> list[Path]:
    names = sorted(os.listdir(folder), key=lambda name: (name.casefold(), name))
    if len(names) > _MOST:
        raise OSError(0, f"It has more than {_MOST:,} entries")
    return [folder / name for name in names]


def _shown(name: str) -> str:
    """Return a file's name, which anybody may have chosen, as text that is safe to show."""
    return on_one_line(name)[:_LONGEST]
