"""Grant files (YAML or JSON), which may come from somebody else: fields of a grant, and nothing more."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xacct_nb.errors import UnreadableGrant
from xacct_nb.grants.settings import check_grant_file
from xacct_nb.storage.yaml_file import UnreadableFields, parse_mapping, read_mapping


def read_fields(path: Path, declared: Iterable[str] = ()) -> dict[str, Any]:
    """Return the fields of a grant file; `declared` are the parameters of the notebook that it is for.

    Raises UnreadableGrant, and InvalidGrant where the file holds what steers a run.
    """
    try:
        fields = read_mapping(path)
    except UnreadableFields as problem:
        raise _unreadable(str(path), problem) from problem
    check_grant_file(str(path), fields, declared)
    return fields


def parse_fields(name: str, text: str) -> dict[str, Any]:
    """Return the fields in the text of the grant file of this name. Raises UnreadableGrant, InvalidGrant."""
    try:
        fields = parse_mapping(text)
    except UnreadableFields as problem:
        raise _unreadable(name, problem) from problem
    check_grant_file(name, fields)
    return fields


def _unreadable(name: str, problem: UnreadableFields) -> UnreadableGrant:
    return UnreadableGrant(
        f"The grant file {name!r} cannot be used.",
        why=str(problem),
        hint="A grant file is YAML or JSON with the fields name, sources, destinations, ...",
    )
