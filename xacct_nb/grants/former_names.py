"""Names that fields of a grant had in earlier versions: still read, never written."""

import warnings
from collections.abc import Mapping
from typing import Any

from xacct_nb.errors import InvalidGrant

FORMER_NAMES = {"carry_on": "attach_to"}


def accept_former_names(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields under their current names; warn of each former one that has a value.

    Raises InvalidGrant where a field is given under both names.
    """
    for former, name in FORMER_NAMES.items():
        if fields.get(former):
            warnings.warn(f"{former} is now {name}. Write {name} instead.", FutureWarning, stacklevel=2)
    return rename_former_fields(fields)


def rename_former_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields under their current names. Raises InvalidGrant where one is given under both."""
    found = dict(fields)
    for former in FORMER_NAMES.keys() & found.keys():
        name, value = FORMER_NAMES[former], found.pop(former)
        if value and found.get(name):
            raise InvalidGrant(
                f"{former} and {name} are both given.",
                why=f"{former} is the former name of {name}.",
                hint=f"Give {name} only.",
            )
        found[name] = value or found.get(name, value)
    return found
