"""Which accounts of the sandbox are in an organization, as it was told."""

import re
from typing import Any

_ID = re.compile(r"o-[a-z0-9]{10,32}")
_members: dict[str, tuple[str, str]] = {}


def settle(told: Any) -> None:
    """Take `{"id": "o-...", "accounts": {"111111111111": "o-.../r-.../ou-.../"}}` as that organization.

    Raises ValueError if it does not read like one.
    """
    identifier, accounts = told["id"], told["accounts"]
    if not _ID.fullmatch(identifier):
        raise ValueError(
            f"{identifier!r} is not the id of an organization: o- and 10 to 32 letters or digits."
        )
    for account, path in accounts.items():
        if not re.fullmatch(r"\d{12}", account):
            raise ValueError(f"{account!r} is not an account id: 12 digits.")
        if not (path.startswith(f"{identifier}/r-") and path.endswith("/")):
            raise ValueError(f"{path!r} is not a path in {identifier}: it reads {identifier}/r-.../ou-.../")
    for account in [known for known, (owner, _) in _members.items() if owner == identifier]:
        del _members[account]
    _members.update({account: (identifier, path) for account, path in accounts.items()})


def told() -> dict[str, Any]:
    """Every account that is in an organization, with the path to it."""
    return {"accounts": {account: path for account, (_, path) in sorted(_members.items())}}


def forget() -> None:
    """No account is in an organization."""
    _members.clear()


def keys_of(account: str) -> dict[str, Any]:
    """The condition keys of an account's principals: aws:PrincipalOrgID and aws:PrincipalOrgPaths."""
    if account not in _members:
        return {}
    identifier, path = _members[account]
    return {"aws:principalorgid": identifier, "aws:principalorgpaths": [path]}
