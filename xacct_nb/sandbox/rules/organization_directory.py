"""What an organization of the sandbox says of itself: its accounts, units, names, states and tags."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from typing import Any

STATES = ("PENDING_ACTIVATION", "ACTIVE", "SUSPENDED", "PENDING_CLOSURE", "CLOSED")
FIELDS = ("delegated_administrators", "management", "names", "states", "tags", "units")


@dataclass(frozen=True)
class Directory:
    """An organization: `accounts` maps accounts to their paths, `units` has paths of units without accounts.

    `names` and `tags` are of accounts and of units. `since` is when it was set, in seconds since 1970.
    """

    id: str
    management: str
    accounts: Mapping[str, str]
    delegated_administrators: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    units: tuple[str, ...] = ()
    policy_types: tuple[str, ...] = ()
    since: float = 0.0

    @cached_property
    def nodes(self) -> dict[str, str]:
        """Return the path of the root and of each unit, by their ids, parents first."""
        paths = sorted(
            {parent for path in (*self.accounts.values(), *self.units) for parent in _parents(path)}
        )
        return {path.split("/")[-2]: path for path in paths}

    def arn(self, kind: str, identifier: str = "") -> str:
        """Return the ARN of the organization, or of an account, a root or a unit of it."""
        end = f"/{identifier}" if identifier else ""
        return f"arn:aws:organizations::{self.management}:{kind}/{self.id}{end}"

    def without(self, accounts: Container[str]) -> "Directory":
        """Return it after these accounts have left it."""
        return replace(
            self, accounts={each: at for each, at in self.accounts.items() if each not in accounts}
        )

    def may_read(self, account: str) -> bool:
        """Return whether an account may ask about the others."""
        return account in (self.management, *self.delegated_administrators)


def directory_from(given: Mapping[str, Any], policy_types: tuple[str, ...], since: float) -> Directory:
    """Return the directory of what `set_organization` takes. Raises ValueError for what cannot be."""
    accounts = _with_management(given)
    found = Directory(
        given["id"],
        given.get("management") or _outside(given["id"]),
        accounts,
        tuple(given.get("delegated_administrators") or ()),
        dict(given.get("names") or {}),
        dict(given.get("states") or {}),
        {each: dict(tags) for each, tags in (given.get("tags") or {}).items()},
        tuple(given.get("units") or ()),
        policy_types,
        since,
    )
    for path in found.units:
        if not (path.startswith(f"{found.id}/r-") and path.endswith("/")):
            raise ValueError(f"{path!r} is not a path in {found.id}: it reads {found.id}/r-.../ou-.../")
    known = {*accounts, *found.nodes}
    named = {*found.names, *found.tags, *found.states, *found.delegated_administrators}
    if unknown := sorted(named - known):
        raise ValueError(f"{unknown[0]!r} is neither an account nor a unit of the organization.")
    if wrong := sorted(set(found.states.values()) - set(STATES)):
        raise ValueError(f"{wrong[0]!r} is not a state of an account: {', '.join(STATES)}.")
    return found


def _with_management(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the accounts with the management account, which is in the root unless it has a path."""
    accounts, management = dict(given["accounts"]), given.get("management")
    if management and accounts:
        first = next(iter(accounts.values()))
        accounts.setdefault(management, "/".join(first.split("/")[:2]) + "/")
    return accounts


def _outside(identifier: str) -> str:
    """Return the id of a management account that nobody uses, where none was given."""
    return f"{int(sha256(identifier.encode()).hexdigest(), 16) % 10**12:012d}"


def _parents(path: str) -> Iterator[str]:
    """Yield the path of the root and of each unit on a path."""
    parts = path.strip("/").split("/")
    for count in range(2, len(parts) + 1):
        yield "/".join(parts[:count]) + "/"
