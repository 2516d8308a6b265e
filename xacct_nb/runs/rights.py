"""The rights that the grant or the fleet in a file needs on AWS."""

from collections.abc import Collection
from pathlib import Path

from xacct_nb.changes.rights import STEPS
from xacct_nb.fleets.expansion import expand
from xacct_nb.fleets.rights import NeededRights, needed_rights
from xacct_nb.runs.loading import read_fleet, read_grant
from xacct_nb.storage.fleet_file import is_fleet_file


def rights_for_file(
    path: Path, *, side: str = "", steps: Collection[str] = (), account_role: str = ""
) -> NeededRights:
    """Return the rights for a grant file or a fleet file; its external IDs are not looked up.

    A fleet that chooses accounts by the organization has to be expanded in Python. Raises UnreadableGrant,
    InvalidGrant, InvalidInput.
    """
    of = expand(read_fleet(path)) if is_fleet_file(path) else read_grant(path)
    return needed_rights(of, side=side, steps=steps or STEPS, account_role=account_role)
