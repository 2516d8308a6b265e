"""Grant files (YAML or JSON), which may come from somebody else: fields of a grant, and nothing more."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xacct_nb.errors import UnreadableGrant
from xacct_nb.grants.settings import check_grant_file
from xacct_nb.storage.yaml_file import UnreadableFields, read_mapping


def read_fields(path: Path, declared: Iterable[str] = ()) -> dict[str, Any]:
    """Return the fields of a grant file; `declared` are the parameters of the notebook that it is for.

    Raises UnreadableGrant, and InvalidGrant where the file holds what steers a run.
    """
    try:
        fields = read_mapping(path)
    except UnreadableFields as problem:
        raise UnreadableGrant(
            f"The grant file {str(path)!r} cannot be used.",
            why=str(problem),
            hint="A grant file is YAML or JSON with the fields name, sources, destinations, ...",
        ) from problem
    check_grant_file(str(path), fields, declared)
    return fields
