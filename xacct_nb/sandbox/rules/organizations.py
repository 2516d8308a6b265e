"""Which accounts of the sandbox are in an organization, and the control policies that limit them."""

import re
from collections.abc import Mapping
from typing import Any

from xacct_nb.errors import InvalidPolicy
from xacct_nb.iam import grammar
from xacct_nb.iam.policy import ParsedPolicy, parse
from xacct_nb.sandbox.ministack import clock
from xacct_nb.sandbox.rules.organization_directory import FIELDS, Directory, directory_from

Levels = tuple[tuple[ParsedPolicy, ...], ...]
"""The policies of each level of an organization, root first."""

_ID = re.compile(r"o-[a-z0-9]{10,32}")
_POLICIES = {
    "service_control_policies": ("SERVICE_CONTROL_POLICY", grammar.SERVICE_CONTROL),
    "resource_control_policies": ("RESOURCE_CONTROL_POLICY", grammar.RESOURCE_CONTROL),
}
_FIELDS = ("id", "accounts", *_POLICIES, *FIELDS)
_directories: dict[str, Directory] = {}
_members: dict[str, tuple[str, str]] = {}
_service: dict[str, Levels] = {}
_resource: dict[str, Levels] = {}


def set_organization(given: Any) -> None:
    """Take `{"id": "o-...", "accounts": {"111111111111": "o-.../r-.../ou-.../"}}` as that organization.

    It may have `management` (an account) and, by account, `service_control_policies` and
    `resource_control_policies`: a list of policies for each level, root first; and what AWS Organizations
    says of it, FIELDS. Raises ValueError where a field is not one of these, or AWS would refuse a policy.
    """
    identifier, accounts = given["id"], given["accounts"]
    if unknown := sorted(set(given) - set(_FIELDS)):
        raise ValueError(f"There is no field {unknown[0]!r}; there are {', '.join(sorted(_FIELDS))}.")
    _check(identifier, accounts)
    service, resource = (_levels(given, name, kind) for name, (_, kind) in _POLICIES.items())
    types = tuple(known for name, (known, _) in _POLICIES.items() if given.get(name))
    directory = directory_from(given, types, clock.now())
    accounts = directory.accounts
    for each, other in _directories.items():
        _directories[each] = other.without(accounts)
    _directories[identifier] = directory
    left = [account for account, (owner, _) in _members.items() if owner == identifier]
    for account in {*left, *accounts}:
        for kept in (_members, _service, _resource):
            kept.pop(account, None)
    _members.update({account: (identifier, path) for account, path in accounts.items()})
    _service.update(service)
    _resource.update(resource)


def show_organizations() -> dict[str, Any]:
    """Return every account that is in an organization, with the path to it."""
    return {"accounts": {account: path for account, (_, path) in sorted(_members.items())}}


def forget() -> None:
    """Forget every organization and control policy."""
    for kept in (_directories, _members, _service, _resource):
        kept.clear()


def directory_of(account: str) -> Directory | None:
    """Return the organization that an account is in."""
    return _directories[_members[account][0]] if account in _members else None


def control_policies(account: str, owner: str) -> tuple[Levels | None, Levels | None]:
    """Return the service control policies of one account and the resource control policies of another."""
    return _service.get(account), _resource.get(owner)


def keys_of(caller: str, owner: str) -> dict[str, Any]:
    """Return the condition keys on the organizations of a caller's account and of the resource's.

    Source: reference_policies_condition-keys: aws:PrincipalOrgID, aws:ResourceOrgID and their paths.
    """
    return {**_keys("principal", caller), **_keys("resource", owner)}


def _keys(whose: str, account: str) -> dict[str, Any]:
    if account not in _members:
        return {}
    identifier, path = _members[account]
    return {f"aws:{whose}orgid": identifier, f"aws:{whose}orgpaths": [path]}


def _levels(given: Mapping[str, Any], name: str, kind: str) -> dict[str, Levels]:
    """Return the control policies of each account; neither kind limits the management account.

    Source: orgs_manage_policies_scps, orgs_manage_policies_rcps.
    """
    policies = given.get(name) or {}
    for account in policies:
        if account not in given["accounts"]:
            raise ValueError(f"{account!r} is not an account of the organization.")
    try:
        found = {
            account: tuple(tuple(parse(document, kind) for document in level) for level in levels)
            for account, levels in policies.items()
        }
    except InvalidPolicy as problem:
        raise ValueError(str(problem)) from problem
    found.pop(given.get("management"), None)
    return found


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
