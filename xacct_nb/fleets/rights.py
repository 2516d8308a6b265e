"""The rights that sessions need on AWS for grants or fleets, printed as IAM policies for each side."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from xacct_nb.changes.rights import PLAN, STEPS, Right, policies_of
from xacct_nb.changes.rights_table import OF_FLEET, OF_GRANT, rights_of
from xacct_nb.errors import InvalidInput
from xacct_nb.fleets.expansion import ExpandedFleet, Slice
from xacct_nb.grants.documents import DESTINATION, SIDES, SOURCE, Policy
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.target import ACCOUNT
from xacct_nb.views import Code, Page, Shown, Table, Text, View, as_json

HUB, ORGANIZATION = "hub", "organization"
PARTS = (*SIDES, HUB, ORGANIZATION)
_TITLES = {
    SOURCE: "Source account",
    DESTINATION: "Destination account",
    HUB: "The profile that assumes a role in each account",
    ORGANIZATION: "The profile that reads the organization",
}
_MOST_NAMED = 5


@dataclass(frozen=True, repr=False)
class AccountRights(Shown):
    """What the session of one account needs on one side: for each step its rights.

    Where the same is needed in several accounts, {account} stands for the id of each. A hub and a reader of
    the organization may be in any account, so theirs has none.
    """

    side: str
    accounts: tuple[str, ...]
    by_step: dict[str, tuple[Right, ...]]

    @property
    def rights(self) -> tuple[Right, ...]:
        """Return the rights of all steps."""
        return tuple(dict.fromkeys(right for rights in self.by_step.values() for right in rights))

    @property
    def merged(self) -> tuple[Policy, ...]:
        """Return the policies for all steps together, each within AWS's quota for a managed policy."""
        return policies_of(self.rights)

    def of_step(self, step: str) -> tuple[Policy, ...]:
        """Return the policies for one step alone."""
        return policies_of(self.by_step.get(step, ()))

    def to_json(self) -> dict[str, Any]:
        """Return the policies, merged and by step."""
        steps = {step: list(self.of_step(step)) for step, rights in self.by_step.items() if rights}
        return {
            "side": self.side,
            "accounts": list(self.accounts),
            "policies": list(self.merged),
            "steps": steps,
        }

    def view(self) -> View:
        """Return the merged policies, and a table of the steps that need each action."""
        steps = defaultdict[str, list[str]](list)
        for step, rights in self.by_step.items():
            for action in sorted({right.action for right in rights}):
                steps[action].append(step)
        rows = tuple((action, ", ".join(needing)) for action, needing in sorted(steps.items()))
        count = len(self.merged)
        names = (f"Policy {number} of {count}" if count > 1 else "Policy" for number in range(1, count + 1))
        codes = [Code(name, as_json(policy)) for name, policy in zip(names, self.merged, strict=True)]
        return Page(self._title, (*self._about, *codes, Table(("action", "step"), rows)))

    @property
    def _title(self) -> str:
        one = f" {self.accounts[0]}" if len(self.accounts) == 1 else ""
        return f"{_TITLES[self.side]}{one}"

    @property
    def _about(self) -> tuple[Text, ...]:
        if len(self.accounts) < 2:
            return ()
        named = ", ".join(self.accounts[:_MOST_NAMED])
        more = f" and {len(self.accounts) - _MOST_NAMED} more" if len(self.accounts) > _MOST_NAMED else ""
        return (Text(f"In {len(self.accounts)} accounts: {named}{more}. Put its id where {ACCOUNT} stands."),)


@dataclass(frozen=True, repr=False)
class NeededRights(Shown):
    """The rights for grants or fleets: for each side, and each account or group of equal accounts."""

    needed: tuple[AccountRights, ...]
    notes: tuple[str, ...] = ()

    def of(self, side: str, account: str = "") -> AccountRights:
        """Return what the session of an account needs on a side, with the account's own id in it.

        Raises InvalidInput where nothing is needed there.
        """
        for each in self.needed:
            if each.side == side and (account in each.accounts or not account):
                return _in_account(each, account) if len(each.accounts) > 1 and account else each
        raise InvalidInput(
            f"No right is needed on the side {side!r}{' of ' + account if account else ''}.",
            why="The grant has nothing there.",
            hint=f"Sides: {', '.join(dict.fromkeys(each.side for each in self.needed))}.",
        )

    def to_json(self) -> list[dict[str, Any]]:
        """Return the policies of each side and account."""
        return [each.to_json() for each in self.needed]

    def view(self) -> View:
        """Return a page for each side and account, then what the policies leave out."""
        parts = tuple(each.view() for each in self.needed)
        return Page("Rights on AWS", (*parts, *(Text(note, "note") for note in self.notes)))


def needed_rights(
    *of: Grant | ExpandedFleet, side: str = "", steps: Collection[str] = STEPS, account_role: str = ""
) -> NeededRights:
    """Return the least rights with which these steps work: `plan`, `apply`, `prove`, `diagnose`, `roll-back`.

    `side` is source, destination, hub or organization; "" is all of them. With several grants, as for a grant
    as it is and as it will be, they are the rights for all. `account_role` is the role that a hub assumes in
    each destination account of a fleet. Callers under test need no right of their own. Raises InvalidInput.
    """
    _check(side, steps)
    found = defaultdict[tuple[str, str], dict[str, list[Right]]](dict)
    for each in of:
        for part in _slices(each):
            for step in steps:
                purposes = (OF_FLEET if isinstance(each, ExpandedFleet) else OF_GRANT)[step]
                rights = rights_of(part.grant, part.side, part.account, purposes)
                found[part.side, part.account].setdefault(step, []).extend(rights)
    accounts = [
        AccountRights(part, (account,), {step: _once(rights) for step, rights in by_step.items()})
        for (part, account), by_step in found.items()
    ]
    fleets = [each for each in of if isinstance(each, ExpandedFleet)]
    others = [*_hub(fleets, account_role, steps), *_organization(fleets, steps)]
    needed = (*_grouped(accounts), *others)
    return NeededRights(
        tuple(each for each in needed if each.rights and side in ("", each.side)), tuple(_notes(of))
    )


def _check(side: str, steps: Collection[str]) -> None:
    if isinstance(steps, str) or not steps or set(steps) - set(STEPS):
        raise InvalidInput(
            f"{steps!r} are no steps.", why="A step has one of these names.", hint=f"Write some of {STEPS}."
        )
    if side and side not in PARTS:
        raise InvalidInput(
            f"{side!r} is no side.", why="A side has one of these names.", hint=f"Write one of {PARTS}."
        )


def _slices(of: Grant | ExpandedFleet) -> Iterator[Slice]:
    """Yield what one session works on: a grant, one side of it, and one account."""
    if isinstance(of, ExpandedFleet):
        yield from of.slices
        yield from _without_policy(of)
        return
    for account in of.source_accounts:
        yield Slice(SOURCE, account, of)
    for account in of.destination_accounts:
        yield Slice(DESTINATION, account, of)


def _without_policy(fleet: ExpandedFleet) -> Iterator[Slice]:
    """Yield the source accounts in which a fleet writes nothing: they are read to prove and to diagnose."""
    written = {each.key for each in fleet.slices}
    for grant in (each.source for each in fleet.grants):
        for account in grant.source_accounts:
            if (grant.name, SOURCE, account) not in written:
                yield Slice(SOURCE, account, grant)


def _once(rights: Iterable[Right]) -> tuple[Right, ...]:
    return tuple(dict.fromkeys(rights))


def _grouped(accounts: Iterable[AccountRights]) -> Iterator[AccountRights]:
    """Yield the rights of accounts that need the same but for their ids as one, with {account} for the id."""
    groups = defaultdict[Any, list[AccountRights]](list)
    for each in accounts:
        general = _renamed(each, lambda text, own=each.accounts[0]: text.replace(own, ACCOUNT))  # type: ignore[misc]
        groups[each.side, tuple(general.by_step.items())].append(each)
    for (side, by_step), alike in groups.items():
        named = tuple(account for each in alike for account in each.accounts)
        yield AccountRights(side, named, dict(by_step)) if len(alike) > 1 else alike[0]


def _in_account(rights: AccountRights, account: str) -> AccountRights:
    named = _renamed(rights, lambda text: text.replace(ACCOUNT, account))
    return replace(named, accounts=(account,))


def _renamed(rights: AccountRights, rename: Callable[[str], str]) -> AccountRights:
    """Return the rights with another text for each ARN."""
    by_step = {
        step: tuple(_with_arns(right, rename) for right in each) for step, each in rights.by_step.items()
    }
    return replace(rights, by_step=by_step)


def _with_arns(right: Right, rename: Callable[[str], str]) -> Right:
    condition = tuple(
        (operator, key, tuple(map(rename, values))) for operator, key, values in right.condition
    )
    return Right(right.action, tuple(map(rename, right.resources)), condition)


def _hub(fleets: Iterable[ExpandedFleet], role: str, steps: Collection[str]) -> Iterator[AccountRights]:
    """Yield the right to assume the role of each destination account."""
    roles = {
        f"arn:{each.declared.target.partition}:iam::{account}:role/{role}": None
        for fleet in fleets
        for each in fleet.grants
        for account in each.accounts
    }
    if role and roles:
        assume = (Right("sts:AssumeRole", tuple(roles)),)
        yield AccountRights(HUB, (), dict.fromkeys(steps, assume))


def _organization(fleets: Iterable[ExpandedFleet], steps: Collection[str]) -> Iterator[AccountRights]:
    """Yield the rights to read the organization, where a fleet chooses accounts by it: in the plan."""
    targets = [each.target for fleet in fleets for each in fleet.fleet.grants if each.target.by_organization]
    if not targets or PLAN not in steps:
        return
    of_organization = partial(Right, resources=("*",))
    rights = [of_organization(f"organizations:{each}") for each in ("DescribeOrganization", "ListAccounts")]
    if any(target.organization_units for target in targets):
        tree = ("ListRoots", "ListOrganizationalUnitsForParent")
        rights += [of_organization(f"organizations:{each}") for each in tree]
    for partition in dict.fromkeys(target.partition for target in targets if target.tags):
        accounts = f"arn:{partition}:organizations::*:account/o-*/*"
        rights.append(Right("organizations:ListTagsForResource", (accounts,)))
    yield AccountRights(ORGANIZATION, (), {PLAN: tuple(rights)})


def _notes(of: Iterable[Grant | ExpandedFleet]) -> Iterator[str]:
    """Yield what IAM cannot limit, and what these policies leave out."""
    grants = [part.grant for each in of for part in _slices(each)]
    yield (
        "Whoever may put an inline policy on a user, group or role may give it anything: IAM cannot limit "
        "the text. Set permissions_boundary in the grant, or use caller_policy: managed."
    )
    if any(each.permissions_boundary and each.adopt for each in grants):
        yield "A grant adopts roles: the boundary is not required, so that a rollback can restore theirs."
    yield "A service control policy, a resource control policy or a boundary of the session may still deny."
