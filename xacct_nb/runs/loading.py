"""Grants and fleets from files, with their secrets looked up, and the schema of a record."""

import json
from collections.abc import Collection
from importlib.resources import files
from pathlib import Path
from typing import Any

from xacct_nb.fleets.fleet import Fleet
from xacct_nb.grants import grant as grants
from xacct_nb.grants.grant import Grant
from xacct_nb.storage.fleet_file import read_fleet_fields
from xacct_nb.storage.grant_file import read_fields
from xacct_nb.storage.references import check_allowed, resolve_reference


def load_grant(path: str | Path, *, allow_references: Collection[str] = ()) -> Grant:
    """Return the grant in a YAML or JSON file, its external ID looked up.

    The file may come from somebody else, so a reference in it must be one of `allow_references`, such as
    `env:VENDOR_ID`. Raises UnreadableGrant, InvalidGrant, UnresolvedSecret, RefusedReference.
    """
    grant = read_grant(path)
    check_allowed(grant.conditions.external_id.get_secret_value(), allow_references)
    return resolve(grant)


def read_grant(path: str | Path) -> Grant:
    """Return the grant in a file; its external ID, where it is a reference, is not looked up.

    Raises UnreadableGrant, InvalidGrant.
    """
    return grants.from_parameters(read_fields(Path(path)))


def load_fleet(path: str | Path, *, allow_references: Collection[str] = ()) -> Fleet:
    """Return the fleet in a YAML, JSON or CSV file, its external IDs looked up.

    A reference in it must be one of `allow_references`. Raises UnreadableGrant, InvalidGrant,
    UnresolvedSecret, RefusedReference.
    """
    fleet = read_fleet(path)
    for each in fleet.grants:
        check_allowed(each.template.conditions.external_id.get_secret_value(), allow_references)
    return fleet.resolved(resolve)


def read_fleet(path: str | Path) -> Fleet:
    """Return the fleet in a file; references to external IDs are not looked up.

    Raises UnreadableGrant, InvalidGrant.
    """
    return Fleet(**read_fleet_fields(Path(path)))


def resolve(grant: Grant) -> Grant:
    """Return the grant with its external ID looked up (`env:NAME`, `file:PATH`). Raises UnresolvedSecret."""
    return grants.resolve(grant, resolve_reference)


def record_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of record.json."""
    text = files("xacct_nb.records").joinpath("record.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))
