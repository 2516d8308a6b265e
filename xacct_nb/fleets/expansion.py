"""From a fleet's declaration to its slices: one account and one side of one grant each."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

from xacct_nb.changes.plan import Change
from xacct_nb.errors import InvalidGrant
from xacct_nb.fleets.account_matrix import account_matrix
from xacct_nb.fleets.fleet import Fleet, FleetGrant
from xacct_nb.fleets.organization import Account, Organization, select
from xacct_nb.fleets.owners import OwnersPart, handed_over_table
from xacct_nb.fleets.plan import SliceKey
from xacct_nb.grants.caller_statement import unattached_note
from xacct_nb.grants.documents import DESTINATION, SOURCE
from xacct_nb.grants.grant import Grant, account_of
from xacct_nb.grants.naming import grant_named_in
from xacct_nb.iam.arns import Arn
from xacct_nb.validation import truncate
from xacct_nb.views import Page, Shown, Table, Text, View

_MOST_LEFT_OUT = 50


@dataclass(frozen=True)
class Slice:
    """What one account has of a grant: the caller policies of its principals, or its role.

    `grant` names the account's own principals alone on the source side, and the account's role alone on the
    destination side.
    """

    side: str
    account: str
    grant: Grant

    @property
    def key(self) -> tuple[str, str, str]:
        """Return what no other slice of the fleet has: grant, side, account."""
        return self.grant.name, self.side, self.account


@dataclass(frozen=True)
class ExpandedGrant:
    """A grant of a fleet with its destination accounts, and the accounts that were left out, with why."""

    declared: FleetGrant
    accounts: tuple[str, ...]
    left_out: Mapping[str, str]

    @property
    def source(self) -> Grant:
        """Return the grant with the roles of all accounts, as the source side has it."""
        return self.declared.of_source(self.accounts)

    def slices(self) -> Iterator[Slice]:
        """Yield the slices: the source accounts, then the destination accounts."""
        yield from _source_slices(self.source)
        for account in self.accounts:
            grant = self.declared.in_account(account)
            # One account is enough to ask for the roles outside.
            asks = account == self.accounts[0] or not grant.outside_roles
            yield Slice(
                DESTINATION, account, grant if asks else grant.model_copy(update={"outside_roles": ()})
            )


@dataclass(frozen=True, repr=False)
class ExpandedFleet(Shown):
    """A fleet with its accounts; `described` has the name and the path of each, where they were read.

    `parts` says how far the requests to the owners of other accounts are. A fleet that is `asked` is one's
    own part of another owner's fleet: it has no source side.
    """

    fleet: Fleet
    grants: tuple[ExpandedGrant, ...]
    described: Mapping[str, Account] = field(default_factory=dict)
    parts: Mapping[str, OwnersPart] = field(default_factory=dict)
    asked: bool = False

    @property
    def accounts(self) -> tuple[str, ...]:
        """Return the destination accounts, each once."""
        return tuple(dict.fromkeys(account for each in self.grants for account in each.accounts))

    @cached_property
    def slices(self) -> tuple[Slice, ...]:
        """Return the slices that are one's own: the source side of every grant first, then the accounts."""
        return tuple(each for each in self._all if self._is_own(each))

    @cached_property
    def handed_over(self) -> tuple[Slice, ...]:
        """Return the slices of accounts that others own."""
        if self.asked or not self.fleet.owners:
            return ()
        return tuple(each for each in self._all if not self._is_own(each))

    @property
    def _all(self) -> list[Slice]:
        found = [each for grant in self.grants for each in grant.slices()]
        place = {account: number for number, account in enumerate(self.accounts)}
        return sorted(found, key=lambda each: (each.side != SOURCE, place.get(each.account, 0)))

    def part_of(self, account: str) -> OwnersPart:
        """Return how far the request to the owner of an account is."""
        owner = self.fleet.owner_of(account)
        return self.parts.get(owner) or OwnersPart(self.fleet.name, owner)

    def _is_own(self, part: Slice) -> bool:
        if part.side == SOURCE:
            return not self.asked
        return self.asked or not self.fleet.owner_of(part.account)

    @property
    def _matrix(self) -> Iterator[Table]:
        """Yield accounts by grants, with the role that each grant has in them."""
        cells = dict[str, dict[str, str]]()
        for each in self.grants:
            for account in each.accounts:
                cells.setdefault(account, {})[each.declared.name] = each.declared.target.role
        names = [each.declared.name for each in self.grants]
        yield from account_matrix(cells, names, "Roles by account and grant")

    def view(self) -> View:
        """Return how many accounts each grant has, and which were left out, with the reason."""
        rows = tuple(
            (each.declared.name, str(len(each.declared.template.sources)), str(len(each.accounts)))
            for each in self.grants
        )
        left = [
            (each.declared.name, account, reason)
            for each in self.grants
            for account, reason in each.left_out.items()
        ]
        tables = [Table(("grant", "sources", "destination accounts"), rows), *self._matrix]
        if left:
            more = f" The first {_MOST_LEFT_OUT} of {len(left)}." if len(left) > _MOST_LEFT_OUT else ""
            shown = tuple(left[:_MOST_LEFT_OUT])
            tables.append(Table(("grant", "account", "why"), shown, caption=f"Accounts left out.{more}"))
        if self.handed_over:
            tables.append(handed_over_table(map(self.part_of, {each.account for each in self.handed_over})))
        pairs = sum(len(each.declared.template.sources) * len(each.accounts) for each in self.grants)
        last = Text(f"{len(self.accounts)} destination accounts, {pairs} pairs of source and role.")
        notes = (Text(note, "note") for each in self.grants if (note := unattached_note(each.source)))
        return Page(f"Accounts of the fleet {self.fleet.name}", (*tables, last, *notes))


def expand(fleet: Fleet, organization: Organization | None = None) -> ExpandedFleet:
    """Return the fleet with the accounts of each grant.

    Accounts that are listed are taken as they are, where no organization is given. Raises InvalidGrant where
    the organization is needed and not given, where no account is left, and where two grants have the same
    role. Raises InvalidOrganization for an account or a unit that the organization does not have.
    """
    grants = tuple(_expanded(each, organization, fleet) for each in fleet.grants)
    _check_roles(grants)
    return ExpandedFleet(fleet, grants, _described(grants, organization))


def slices_of(grant: Grant, side: str = "") -> Iterator[Slice]:
    """Yield the slices of a grant whose roles are declared by their ARNs, of one side or of both."""
    if side != DESTINATION:
        yield from _source_slices(grant)
    for account in grant.destination_accounts if side != SOURCE else ():
        own = tuple(role for role in grant.destinations if account_of(role) == account)
        yield Slice(DESTINATION, account, grant.model_copy(update={"destinations": own}))


def changes_by_slice(
    slices: Iterable[Slice], changes: Iterable[Change]
) -> dict[SliceKey, tuple[Change, ...]]:
    """Return the changes of a whole plan by the slice that each is of, in their order."""
    parts = list(slices)
    roles = {role: each.key for each in parts if each.side == DESTINATION for role in each.grant.destinations}
    callers = {(each.account, each.grant.name): each.key for each in parts if each.side == SOURCE}
    found = dict[SliceKey, list[Change]]()
    for change in changes:
        grant = grant_named_in(change.name or change.target)
        key = roles.get(change.target) or callers.get((change.account, grant))
        if key:
            found.setdefault(key, []).append(change)
    return {key: tuple(each) for key, each in found.items()}


def _described(grants: Iterable[ExpandedGrant], organization: Organization | None) -> dict[str, Account]:
    """Return the name and the path of each account of the grants, without its tags."""
    chosen = {account for each in grants for account in each.accounts}
    known = organization.accounts if organization else ()
    return {each.id: Account(each.id, each.name, path=each.path) for each in known if each.id in chosen}


def _expanded(grant: FleetGrant, organization: Organization | None, fleet: Fleet) -> ExpandedGrant:
    target = grant.target
    others = [each for each in dict.fromkeys(target.accounts) if fleet.owner_of(each)]
    if organization is None:
        if target.by_organization:
            raise InvalidGrant(
                f"{grant.name}: organization_units and tags need the organization.",
                why="It says which accounts are in a unit, and which tags they have.",
                hint="Name a profile that may read it: organization_profile.",
            )
        accounts = [each for each in dict.fromkeys(target.accounts) if each not in target.except_accounts]
        left = {
            each: "named in except_accounts" for each in target.accounts if each in target.except_accounts
        }
    else:
        own = [each for each in target.accounts if each not in others]  # others may be of no organization
        chosen = select(organization, own, target.organization_units, target.tags, target.except_accounts)
        there = (*(each.id for each in chosen.accounts), *others)
        accounts = [each for each in dict.fromkeys(there) if each not in target.except_accounts]
        left = {each.account.id: each.reason for each in chosen.left_out}
    if not accounts:
        raise InvalidGrant(
            f"{grant.name}: no destination account is left.",
            why=truncate(
                "; ".join(f"{account}: {reason}" for account, reason in left.items()) or "None matches."
            ),
            hint="Correct accounts, organization_units, tags or except_accounts.",
        )
    return ExpandedGrant(grant, tuple(accounts), left)


def _source_slices(grant: Grant) -> Iterator[Slice]:
    """Yield the grant with the principals of one account alone, for each account that has some.

    Whole accounts among the sources get no policy from the grant, so they have no slice.
    """
    if grant.attach_to:
        yield Slice(SOURCE, Arn.parse(grant.attach_to).account, grant)
        return
    for account, own in groupby(sorted(grant.principals, key=account_of), key=account_of):
        yield Slice(SOURCE, account, grant.model_copy(update={"sources": tuple(own)}))


def _check_roles(grants: tuple[ExpandedGrant, ...]) -> None:
    """Check that no two grants make the same role. Raises InvalidGrant."""
    owners = dict[tuple[str, str], str]()
    for each in grants:
        if each.declared.template.trust_only:
            continue
        for account in each.accounts:
            role = Arn.parse(each.declared.target.role_arn(account)).name.lower()
            other = owners.setdefault((account, role), each.declared.name)
            if other != each.declared.name:
                raise InvalidGrant(
                    f"{other} and {each.declared.name} both have the role {role!r} of account {account}.",
                    why="A role has one trust policy and one owner.",
                    hint="Give one of them another role, or leave the account out by except_accounts.",
                )
