"""An Organization of AWS: its accounts with state, path and tags, and which of them a fleet selects."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from difflib import get_close_matches

from xacct_nb.errors import InvalidOrganization
from xacct_nb.validation import Serializable, truncate
from xacct_nb.views import Page, Shown, Table, Text, View

ACTIVE = "ACTIVE"
"""The one state (`Account.State`) in which an account can be used."""
NOT_READ = "not read"

_UNIT = re.compile(r"ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}|r-[0-9a-z]{4,32}")
_MOST_ROWS = 200
_ALIKE = 0.75


@dataclass(frozen=True)
class Account(Serializable):
    """One account: `path` is such as `o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/`.

    `state` and `path` are empty where AWS did not return them; `tags` is None where they were not read.
    """

    id: str
    name: str = ""
    state: str = ""
    path: str = ""
    tags: Mapping[str, str] | None = None

    @property
    def units(self) -> tuple[str, ...]:
        """Return the root and the organizational units that the account is in, root first."""
        return tuple(self.path.strip("/").split("/")[1:])

    @property
    def shown_tags(self) -> str:
        """Return the tags as text."""
        return NOT_READ if self.tags is None else _pairs(self.tags)


@dataclass(frozen=True, repr=False)
class Organization(Shown, Serializable):
    """An organization: its id, its management account, its accounts in the order of their ids.

    `empty_units` has units that no account's path names, as far as they were read; `notes` says what could
    not be read, or was read in another way.
    """

    id: str
    management: str
    accounts: tuple[Account, ...]
    empty_units: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def units(self) -> tuple[str, ...]:
        """Return the root and every organizational unit that is known."""
        named = {unit for account in self.accounts for unit in account.units}
        return tuple(sorted(named | set(self.empty_units)))

    def view(self) -> View:
        """Return the accounts; of a large organization the first ones, with how many there are."""
        states = Counter(account.state or NOT_READ for account in self.accounts)
        counts = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        about = (
            f"Management account {self.management}. {_count(self.accounts, 'account')}: {counts or 'none'}."
        )
        rows = [
            (each.id, each.name, each.state or NOT_READ, each.path or NOT_READ, each.shown_tags)
            for each in self.accounts[:_MOST_ROWS]
        ]
        tones = tuple("" if row[2] == ACTIVE else "note" for row in rows)
        table = Table(
            ("Account", "Name", "State", "Path", "Tags"),
            tuple(rows),
            _caption("Accounts", self.accounts),
            tones,
            (0,),
        )
        notes = tuple(Text(note, "note") for note in self.notes)
        return Page(f"Organization {self.id}", (Text(about), *notes, table))


@dataclass(frozen=True)
class SelectedAccount(Serializable):
    """An account that was looked at for a selection, and why it is in or left out."""

    account: Account
    reason: str


@dataclass(frozen=True, repr=False)
class Selection(Shown, Serializable):
    """The accounts that were chosen in an organization, and those left out, in the order of their ids."""

    organization: str
    chosen: tuple[SelectedAccount, ...]
    left_out: tuple[SelectedAccount, ...]

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Return the chosen accounts."""
        return tuple(each.account for each in self.chosen)

    def view(self) -> View:
        """Return the accounts that were left out, then those that were chosen, each with its reason."""
        chosen, left = _count(self.chosen, "account"), len(self.left_out)
        summary = Text(f"{chosen} chosen, {left} left out.", "" if chosen else "note")
        tables = (_reasons("Left out", self.left_out, "note"), _reasons("Chosen", self.chosen, ""))
        return Page(f"Selection in {self.organization}", (summary, *filter(None, tables)))


def select(
    organization: Organization,
    accounts: Sequence[str] = (),
    organization_units: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    except_accounts: Sequence[str] = (),
) -> Selection:
    """Return the accounts that are named, and those at or below the units that have all of the tags.

    Without units, tags choose in the whole organization. An account that is named needs no tags. Accounts
    that are not ACTIVE are left out. Raises InvalidOrganization for an id that the organization does not
    have, and where tags decide and were not read.
    """
    _check_known(organization, accounts, organization_units, except_accounts)
    asked = accounts, organization_units, tags, except_accounts
    if not_read := accounts_without_tags(organization, *asked):
        raise InvalidOrganization(
            f"The tags of {_count(not_read, 'account')} were not read: {_listed(not_read)}.",
            why="Tags choose among these accounts.",
            hint="Read their tags with organizations:ListTagsForResource, then select again.",
        )
    chosen, left_out = list[SelectedAccount](), list[SelectedAccount]()
    for account, place, wanted in _candidates(organization, accounts, organization_units, tags):
        if against := _unusable(account, place, except_accounts) or _differs(account, wanted):
            left_out.append(SelectedAccount(account, against))
        else:
            chosen.append(SelectedAccount(account, ", ".join(filter(None, (place, _pairs(wanted))))))
    return Selection(organization.id, tuple(chosen), tuple(left_out))


def accounts_without_tags(
    organization: Organization,
    accounts: Sequence[str] = (),
    organization_units: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    except_accounts: Sequence[str] = (),
) -> tuple[str, ...]:
    """Return the ids of the accounts whose tags this selection needs and that were not read yet."""
    return tuple(
        account.id
        for account, place, wanted in _candidates(organization, accounts, organization_units, tags)
        if wanted and account.tags is None and not _unusable(account, place, except_accounts)
    )


def check_organization_unit(unit: str) -> None:
    """Check that a text is the id of an organizational unit or of a root. Raises InvalidOrganization."""
    if not _UNIT.fullmatch(unit):
        raise InvalidOrganization(
            f"organization_units: {unit!r} is not the id of an organizational unit or of a root.",
            why="Such an id reads ou-ab12-11111111 or r-ab12, in lower case.",
            hint="Copy it from: aws organizations list-organizational-units-for-parent --parent-id r-ab12",
        )


def _candidates(
    organization: Organization,
    accounts: Collection[str],
    units: Collection[str],
    tags: Mapping[str, str] | None,
) -> Iterator[tuple[Account, str, Mapping[str, str]]]:
    """Yield the accounts that may be chosen, each with its place and with the tags that it must have.

    The place is empty where every account may be chosen, or where the account's path is not known.
    """
    accounts = frozenset(accounts)
    for account in sorted(organization.accounts, key=lambda each: each.id):
        place = next((f"in {unit}" for unit in reversed(account.units) if unit in units), "")
        if account.id in accounts:
            yield account, "named", {}
        elif place or (units and not account.path) or (tags and not units):
            yield account, place if units else "in the organization", tags or {}


def _unusable(account: Account, place: str, excepted: Collection[str]) -> str:
    """Return why an account is left out whatever its tags are, "" if it is not."""
    if account.id in excepted:
        return "excepted"
    if account.state != ACTIVE:
        return account.state or f"state {NOT_READ}"
    return "" if place else f"path {NOT_READ}"


def _differs(account: Account, wanted: Mapping[str, str]) -> str:
    """Return which tags an account has not, or has with another value."""
    own = account.tags or {}
    return ", ".join(
        f"{key}={own[key]}, not {value}" if key in own else f"no tag {key}"
        for key, value in wanted.items()
        if own.get(key) != value
    )


def _check_known(
    organization: Organization, accounts: Iterable[str], units: Iterable[str], excepted: Iterable[str]
) -> None:
    """Check that the organization has what is named. Raises InvalidOrganization, with the nearest of each."""
    for unit in units:
        check_organization_unit(unit)
    ids = dict.fromkeys(account.id for account in organization.accounts)
    asked: dict[str, tuple[Iterable[str], dict[str, None]]] = {
        "accounts": (accounts, ids),
        "organization_units": (units, dict.fromkeys(organization.units)),
        "except_accounts": (excepted, ids),
    }
    unknown = [
        f"{field}: {each}{_nearest(each, known)}"
        for field, (named, known) in asked.items()
        for each in dict.fromkeys(named)
        if each not in known
    ]
    if unknown:
        raise InvalidOrganization(
            truncate(f"Not in the organization {organization.id}: {'; '.join(unknown)}."),
            why=f"It has {_count(ids, 'account')}. A unit is known by the accounts at or below it.",
            hint="Correct the id, or remove it.",
        )


def _nearest(name: str, known: Collection[str]) -> str:
    """Return the known id that is most alike, compared without the beginning that all units share."""
    start = name.rpartition("-")[0]
    ends = {each.removeprefix(start): each for each in known if each.startswith(start)}
    found = get_close_matches(name.removeprefix(start), ends, 1, _ALIKE)
    return f" (nearest: {ends[found[0]]})" if found else ""


def _reasons(caption: str, found: Sequence[SelectedAccount], tone: str) -> Table | None:
    rows = tuple(
        (each.account.id, each.account.name, each.account.path or NOT_READ, each.reason) for each in found
    )[:_MOST_ROWS]
    headers = ("Account", "Name", "Path", "Reason")
    return Table(headers, rows, _caption(caption, found), (tone,) * len(rows), (0,)) if rows else None


def _caption(caption: str, found: Sequence[object]) -> str:
    return caption if len(found) <= _MOST_ROWS else f"{caption}: the first {_MOST_ROWS} of {len(found)}"


def _pairs(tags: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in tags.items())


def _listed(accounts: Sequence[str]) -> str:
    return ", ".join(accounts[:5]) + (f" and {len(accounts) - 5} more" if len(accounts) > 5 else "")


def _count(found: Sized, noun: str) -> str:
    return f"{len(found)} {noun}{'' if len(found) == 1 else 's'}"
