"""The kinds of files that a check knows: one row for each, with how it is recognised and loaded."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xacct_nb.changes.check_report import FilePlaces
from xacct_nb.grants.grant import Grant, from_parameters
from xacct_nb.storage.grant_file import parse_fields
from xacct_nb.storage.yaml_file import parse_places


@dataclass(frozen=True)
class CheckedFile:
    """The text of a file, and its name as it was given."""

    name: str
    text: str


@dataclass(frozen=True)
class LoadedGrant:
    """A grant of a file, and where its fields are in it."""

    grant: Grant
    places: FilePlaces


@dataclass(frozen=True)
class FileKind:
    """A kind of file: its name, whether a file is of this kind, and how its grants are loaded.

    `load` raises InvalidInput.
    """

    name: str
    recognises: Callable[[CheckedFile], bool]
    load: Callable[[CheckedFile], tuple[LoadedGrant, ...]]


def kind_of(file: CheckedFile) -> FileKind:
    """Return the kind of a file: the first that recognises it."""
    return next(kind for kind in FILE_KINDS if kind.recognises(file))


def _grant(file: CheckedFile) -> tuple[LoadedGrant, ...]:
    fields: dict[str, Any] = parse_fields(file.name, file.text)
    return (LoadedGrant(from_parameters(fields), FilePlaces(parse_places(file.text), fields)),)


FILE_KINDS = (
    # The last row: what nothing else recognises is read as a grant file, whose errors say what it lacks.
    FileKind("grant file", lambda file: True, _grant),
)
