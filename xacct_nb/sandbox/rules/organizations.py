"""Which accounts of the sandbox are in an organization, and under which policies, as it was told."""

import re
from collections.abc import Mapping
from typing import Any

from xacct_nb.iam.explain import RESOURCE_CONTROL_POLICY, SERVICE_CONTROL_POLICY
from xacct_nb.sandbox.rules import control_policies

_ID = re.compile(r"o-[a-z0-9]{10,32}")
_CONTROLS = (
    ("service_control_policies", SERVICE_CONTROL_POLICY),
    ("resource_control_policies", RESOURCE_CONTROL_POLICY),
)
_FIELDS = {"id", "accounts", "management", *(name for name, _ in _CONTROLS)}
_members: dict[str, tuple[str, str]] = {}


def settle(told: Any) -> None:
    """Take `{"id": "o-...", "accounts": {"111111111111": "o-.../r-.../ou-.../"}}` as that organization.

    It may have `management` (an account) and, by account, `service_control_policies` and
    `resource_control_policies`: a list of policies for each level, root first. Raises ValueError if it does
    not read like one.
    """
    identifier, accounts = told["id"], told["accounts"]
    if unknown := sorted(set(told) - _FIELDS):
        raise ValueError(f"There is no field {unknown[0]!r}; there are {', '.join(sorted(_FIELDS))}.")
    _check(identifier, accounts)
    # Neither kind limits the management account (orgs_manage_policies_scps, orgs_manage_policies_rcps).
    controls = [
        {each: levels for each, levels in read.items() if each != told.get("management")}
        for name, kind in _CONTROLS
        for read in [control_policies.read(told.get(name) or {}, kind, accounts)]
    ]
    before = {account for account, (owner, _) in _members.items() if owner == identifier}
    for account in before:
        del _members[account]
    _members.update({account: (identifier, path) for account, path in accounts.items()})
    control_policies.keep(before | set(accounts), *controls)


def told() -> dict[str, Any]:
    """Every account that is in an organization, with the path to it."""
    return {"accounts": {account: path for account, (_, path) in sorted(_members.items())}}


def forget() -> None:
    """No account is in an organization."""
    _members.clear()
    control_policies.forget()


def keys_of(account: str) -> dict[str, Any]:
    """The condition keys of an account's principals: aws:PrincipalOrgID and aws:PrincipalOrgPaths."""
    if account not in _members:
        return {}
    identifier, path = _members[account]
    return {"aws:principalorgid": identifier, "aws:principalorgpaths": [path]}


def _check(identifier: str, accounts: Mapping[str, str]) -> None:
    if not _ID.fullmatch(identifier):
        raise ValueError(
            f"{identifier!r} is not the id of an organization: o- and 10 to 32 letters or digits."
        )
    for account, path in accounts.items():
        if not re.fullmatch(r"\d{12}", account):
            raise ValueError(f"{account!r} is not an account id: 12 digits.")
        if not (path.startswith(f"{identifier}/r-") and path.endswith("/")):
            raise ValueError(f"{path!r} is not a path in {identifier}: it reads {identifier}/r-.../ou-.../")
