"""The declared grants as the fields of a fleet file, and of grant files where a fleet cannot say them."""

from collections.abc import Iterable
from typing import Any

from xacct_nb.fleets.discovery_grants import ACCOUNT, DiscoveredGrant
from xacct_nb.grants.grant import Grant, account_of
from xacct_nb.iam.arns import Arn

_IN_AN_ACCOUNT = ("permissions", "managed_policies", "permissions_boundary")


def fleet_fields(
    name: str, declared: Iterable[DiscoveredGrant]
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the fields of a fleet file, and by name those of a grant file for each grant that is no entry.

    An entry has one role in each account. A grant with two roles in an account is a file of its own.
    """
    entries, rest = list[dict[str, Any]](), dict[str, dict[str, Any]]()
    for each in declared:
        if (entry := _entry(each)) is not None:
            entries.append(entry)
        else:
            for number, grant in enumerate(each.grants, start=1):
                rest[each.name if number == 1 else f"{each.name}.{number}"] = grant_fields(grant)
    return {"name": name, "grants": entries}, rest


def grant_fields(grant: Grant) -> dict[str, Any]:
    """Return the fields of a grant file that are not what they are without being named."""
    fields: dict[str, Any] = grant.model_dump(mode="json", exclude_defaults=True)
    return fields


def _entry(declared: DiscoveredGrant) -> dict[str, Any] | None:
    accounts = [account_of(role) for role in declared.roles]
    names = dict.fromkeys(Arn.parse(role).resource.removeprefix("role/") for role in declared.roles)
    if len(names) > 1:
        names = dict.fromkeys(_opened(name, account) for name, account in zip(names, accounts, strict=False))
    if len(names) > 1 or len(set(accounts)) < len(accounts):
        return None
    fields = grant_fields(declared.grants[0])
    del fields["destinations"]
    if len(declared.grants) > 1:
        fields |= {name: _opened(fields[name], accounts[0]) for name in _IN_AN_ACCOUNT if name in fields}
    partition = declared.grants[0].partition
    more = {} if partition == "aws" else {"partition": partition}
    place = {"accounts": accounts, "role": next(iter(names)), **more}
    return {"name": fields.pop("name"), "sources": fields.pop("sources"), **place, **fields}


def _opened(value: Any, account: str) -> Any:
    """Return text, or texts, with {account} where the account's id stands."""
    if isinstance(value, str):
        return value.replace(account, ACCOUNT)
    if isinstance(value, dict):
        return {name: _opened(each, account) for name, each in value.items()}
    return [_opened(each, account) for each in value]
