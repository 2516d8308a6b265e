"""Grant files (YAML or JSON)."""

from pathlib import Path
from typing import Any

from xacct_nb.errors import UnreadableGrant
from xacct_nb.storage.yaml_file import UnreadableFields, read_mapping


def read_fields(path: Path) -> dict[str, Any]:
    """Return the fields of a grant file. Raises UnreadableGrant."""
    try:
        return read_mapping(path)
    except UnreadableFields as problem:
        raise UnreadableGrant(
            f"The grant file {str(path)!r} cannot be used.",
            why=str(problem),
            hint="A grant file is YAML or JSON with the fields name, sources, destinations, ...",
        ) from problem
