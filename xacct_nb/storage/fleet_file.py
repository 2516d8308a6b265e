"""Fleet files: YAML or JSON with the fields of a fleet, or a CSV table."""

import csv
import io
from pathlib import Path
from typing import Any

from xacct_nb.errors import InvalidGrant, UnreadableGrant
from xacct_nb.fleets.table import COLUMNS, fleet_fields
from xacct_nb.grants.settings import check_grant_file
from xacct_nb.grants.target import Target
from xacct_nb.storage.bounded_read import read_small
from xacct_nb.storage.yaml_file import UnreadableFields, decode, parse_mapping, read_mapping

_HINT = (
    "A fleet file is YAML or JSON with name and grants, or CSV with the columns " + ", ".join(COLUMNS) + "."
)


def read_fleet_fields(path: Path) -> dict[str, Any]:
    """Return the fields of a fleet file; a CSV table is named after its file.

    Raises UnreadableGrant, and InvalidGrant where it holds what steers a run.
    """
    try:
        text = decode(read_small(path))
    except (UnreadableFields, OSError) as problem:
        raise _unreadable(str(path), problem) from problem
    return parse_fleet_fields(str(path), text)


def parse_fleet_fields(name: str, text: str) -> dict[str, Any]:
    """Return the fields in the text of the fleet file of this name. Raises UnreadableGrant, InvalidGrant."""
    try:
        fields = _from_csv(name, text) if _is_table(name) else parse_mapping(text)
    except (UnreadableFields, csv.Error) as problem:
        raise _unreadable(name, problem) from problem
    check_grant_file(name, fields)
    grants = fields["grants"] if isinstance(fields.get("grants"), list) else ()
    for grant in (each for each in grants if isinstance(each, dict)):
        check_grant_file(name, set(grant) - set(Target.model_fields))
    return fields


def is_fleet_file(path: Path) -> bool:
    """Return whether a file is a fleet's: a CSV table, or a mapping with grants."""
    try:
        return _is_table(str(path)) or "grants" in read_mapping(path)
    except (UnreadableFields, OSError):
        return False


def is_fleet_text(name: str, text: str) -> bool:
    """Return whether the text of the file of this name is a fleet's; what cannot be read is none."""
    try:
        return _is_table(name) or "grants" in parse_mapping(text)
    except UnreadableFields:
        return False


def _is_table(name: str) -> bool:
    return Path(name).suffix.lower() == ".csv"


def _unreadable(name: str, problem: Exception) -> UnreadableGrant:
    return UnreadableGrant(f"The fleet file {name!r} cannot be used.", why=str(problem), hint=_HINT)


def _from_csv(file: str, text: str) -> dict[str, Any]:
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True, restkey="", restval="")
    if missing := [column for column in COLUMNS[:4] if column not in (rows.fieldnames or ())]:
        raise InvalidGrant(
            f"The fleet file {file!r} has no column {missing[0]!r}.",
            why=f"Its first line names: {', '.join(rows.fieldnames or ()) or 'nothing'}.",
            hint=_HINT,
        )
    name = "".join(each if each.isalnum() else "-" for each in Path(file).stem.lower())[:32]
    found = ({column: (value or "").strip() for column, value in row.items()} for row in rows)
    return fleet_fields(name, (row for row in found if any(row.values())))
