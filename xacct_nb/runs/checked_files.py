"""The kinds of files that a check knows: one row for each, with how it is recognised and loaded."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xacct_nb.changes.check_report import FilePlaces
from xacct_nb.fleets.declared_roles import declared_grants
from xacct_nb.fleets.expansion import expand
from xacct_nb.fleets.fleet import ANY_ACCOUNT, Fleet
from xacct_nb.grants.grant import Grant, from_parameters
from xacct_nb.storage.fleet_file import is_fleet_text, parse_fleet_fields
from xacct_nb.storage.grant_file import parse_fields
from xacct_nb.storage.yaml_file import parse_places


@dataclass(frozen=True)
class CheckedFile:
    """The text of a file, and its name as it was given."""

    name: str
    text: str


@dataclass(frozen=True)
class LoadedGrant:
    """A grant of a file, which findings are on, and where its fields are in the file.

    `compared` is the same with all roles that the file declares; of a fleet, one grant for each account.
    """

    grant: Grant
    places: FilePlaces
    compared: tuple[Grant, ...]


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
    grant = from_parameters(fields)
    return (LoadedGrant(grant, FilePlaces(parse_places(file.text), fields), (grant,)),)


def _fleet(file: CheckedFile) -> tuple[LoadedGrant, ...]:
    fields = parse_fleet_fields(file.name, file.text)
    fleet = Fleet(**fields)
    if not fleet.by_organization:
        expand(fleet)  # raises what a run would: no account left, the same role twice
    places = parse_places(file.text)
    return tuple(
        LoadedGrant(
            each.in_account((*each.target.accounts, ANY_ACCOUNT)[0]),
            FilePlaces(places, fields["grants"][number], f"grants.{number}."),
            tuple(declared_grants(each)),
        )
        for number, each in enumerate(fleet.grants)
    )


FILE_KINDS = (
    FileKind("fleet file", lambda file: is_fleet_text(file.name, file.text), _fleet),
    # The last row: what nothing else recognises is read as a grant file, whose errors say what it lacks.
    FileKind("grant file", lambda file: True, _grant),
)
