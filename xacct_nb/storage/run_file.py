"""Run files (YAML or JSON): how runs act, in a file of one's own."""

from pathlib import Path
from typing import Any

from xacct_nb.errors import InvalidParameters
from xacct_nb.grants.settings import run_file_values
from xacct_nb.storage.yaml_file import UnreadableFields, read_mapping


def read_run_file(path: Path) -> dict[str, Any]:
    """Return the values of a run file. Raises InvalidParameters."""
    try:
        fields = read_mapping(path)
    except UnreadableFields as problem:
        raise InvalidParameters(
            f"The run file {str(path)!r} cannot be used.",
            why=str(problem),
            hint="A run file is YAML or JSON with the fields sandbox, source_profiles, records, ...",
        ) from problem
    return run_file_values(str(path), fields)
