"""A fleet as a table: one row for each source, account and role; the rows of a grant are one grant."""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

from xacct_nb.errors import InvalidGrant
from xacct_nb.validation import require, suggestion

COLUMNS = ("grant", "source", "account", "role", "actions", "resources")
"""The columns; actions and resources are separated by spaces, and both may be left out."""
_NEEDED = COLUMNS[:4]
_SAME = ("role", "actions", "resources")


def fleet_fields(name: str, rows: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """Return the fields of a fleet from the rows of a table, each with its columns by name.

    Raises InvalidGrant where a value is missing, where the rows of a grant differ in its role, actions or
    resources, and where not every source of a grant has a row for each of its accounts.
    """
    grants = dict[str, list[Mapping[str, str]]]()
    for number, row in enumerate(rows, start=1):
        _check_row(number, row)
        grants.setdefault(row["grant"], []).append(row)
    require(grants, "The table has no rows.", "A fleet has at least one grant.", f"Add: {', '.join(COLUMNS)}")
    return {"name": name, "grants": [_grant(each, members) for each, members in grants.items()]}


def _check_row(number: int, row: Mapping[str, str]) -> None:
    unknown = next((column for column in row if column not in COLUMNS), "")
    require(
        not unknown,
        f"Row {number}: there is no column {unknown!r}.",
        f"The columns are {', '.join(COLUMNS)}.",
        suggestion(unknown, COLUMNS) or "Remove it.",
    )
    missing = next((column for column in _NEEDED if not row.get(column)), "")
    require(
        not missing,
        f"Row {number}: {missing} is empty.",
        f"Each row has {', '.join(_NEEDED)}.",
        "Fill it in; an account id is text of 12 digits, also where the first ones are 0.",
    )


def _grant(name: str, rows: list[Mapping[str, str]]) -> dict[str, Any]:
    for column in _SAME:
        values = dict.fromkeys(row.get(column, "") for row in rows)
        require(
            len(values) == 1,
            f"grant {name!r}: {column} has different values: {', '.join(map(repr, list(values)[:3]))}.",
            "The rows of a grant have one role, and one set of permissions.",
            "Give the rows that differ another grant's name.",
        )
    sources = tuple(dict.fromkeys(row["source"] for row in rows))
    accounts = tuple(dict.fromkeys(row["account"] for row in rows))
    there = {(row["source"], row["account"]) for row in rows}
    lacking = next((pair for pair in product(sources, accounts) if pair not in there), None)
    if lacking:
        raise InvalidGrant(
            f"grant {name!r}: {lacking[0]} has no row for account {lacking[1]}.",
            why="In a grant, each source may assume the role of each account.",
            hint="Add the row, or give the rows of this source another grant's name.",
        )
    first = rows[0]
    fields: dict[str, Any] = {
        "name": name,
        "sources": list(sources),
        "accounts": list(accounts),
        "role": first["role"],
    }
    if first.get("actions"):
        fields["permissions"] = [
            {"actions": first["actions"].split(), "resources": (first.get("resources") or "*").split()}
        ]
    return fields
