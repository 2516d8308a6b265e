"""Grants from files, with their secrets looked up."""

from pathlib import Path

from xacct_nb import grants
from xacct_nb.disk.grants import look_up, read_fields
from xacct_nb.grants import Grant


def load_grant(path: str | Path) -> Grant:
    """The grant in a YAML or JSON file, its external ID looked up.

    Raises UnreadableGrant, InvalidGrant, UnresolvedSecret.
    """
    return resolve(grants.from_parameters(read_fields(Path(path))))


def resolve(grant: Grant) -> Grant:
    """The grant with its external ID looked up (`env:NAME`, `file:PATH`). Raises UnresolvedSecret."""
    return grants.resolve(grant, look_up)
