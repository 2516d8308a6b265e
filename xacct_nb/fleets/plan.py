"""The plan of a fleet: the plan of each account, as one that is read, approved and applied."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from xacct_nb.changes.plan import Change, Plan
from xacct_nb.fleets.fleet import ACCOUNT
from xacct_nb.grants.documents import SOURCE
from xacct_nb.iam.canonical import canonical_json
from xacct_nb.validation import Serializable
from xacct_nb.views import Page, Shown, Table, Text, View

SliceKey = tuple[str, str, str]
"""The name of a grant, the side, the account."""
_MOST_ACCOUNTS = 5


@dataclass(frozen=True)
class SlicePlan(Serializable):
    """The plan of one account for one side of a grant."""

    side: str
    account: str
    plan: Plan

    @property
    def key(self) -> SliceKey:
        """Return the key of the slice."""
        return self.plan.grant, self.side, self.account

    @property
    def shape(self) -> tuple[str, ...]:
        """Return the changes without what differs from account to account: equal for equal plans."""
        return tuple(_shape(change, self.account) for change in self.plan.changes)


@dataclass(frozen=True)
class Unplanned(Serializable):
    """A slice that could not be planned: AWS refused a read, or what is there cannot be taken over."""

    grant: str
    side: str
    account: str
    code: str
    reason: str
    hint: str = ""

    @property
    def key(self) -> SliceKey:
        """Return the key of the slice."""
        return self.grant, self.side, self.account


@dataclass(frozen=True, repr=False)
class FleetPlan(Shown, Serializable):
    """The plans of all accounts of a fleet, and the accounts that could not be planned."""

    fleet: str
    slices: tuple[SlicePlan, ...]
    unplanned: tuple[Unplanned, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Return the sha256 (hex) that an approval names: of the digest of every slice that changes."""
        parts = sorted([*each.key, each.plan.digest] for each in self.changed)
        return hashlib.sha256(canonical_json({"fleet": self.fleet, "slices": parts}).encode()).hexdigest()

    @property
    def changed(self) -> tuple[SlicePlan, ...]:
        """Return the slices in which something changes."""
        return tuple(each for each in self.slices if each.plan.changes)

    @property
    def unaccepted(self) -> tuple[str, ...]:
        """Return the codes of the findings that a grant has to accept before it can be applied."""
        return tuple(sorted({code for each in self.changed for code in each.plan.unaccepted}))

    @property
    def summary(self) -> str:
        """Return the number of additions, changes and removals, and of accounts."""
        count = Counter(change.sign for each in self.changed for change in each.plan.changes)
        failed = len({each.account for each in self.unplanned})
        left = f" {failed} account{'s' * (failed != 1)} could not be planned." if failed else ""
        if not self.changed:
            return f"No changes. The live state is what the fleet says.{left}"
        accounts = len({each.account for each in self.changed})
        numbers = f"{count['+']} to add, {count['~']} to change, {count['-']} to destroy"
        return f"Plan: {numbers}, in {accounts} account{'s' * (accounts != 1)}.{left}"

    def of(self, account: str) -> "FleetPlan":
        """Return the part of the plan that is about one account."""
        mine = tuple(each for each in self.slices if each.account == account)
        return FleetPlan(self.fleet, mine, tuple(each for each in self.unplanned if each.account == account))

    def find(self, key: SliceKey) -> SlicePlan | None:
        """Return the plan of a slice, None where it could not be planned."""
        return self._by_key.get(key)

    @cached_property
    def _by_key(self) -> Mapping[SliceKey, SlicePlan]:
        return {each.key: each for each in self.slices}

    def view(self) -> View:
        """Return what could not be planned, the groups of equal plans, the summary, the digest.

        The plan of one account alone is shown in full.
        """
        accounts = {each.account for each in self.slices} | {each.account for each in self.unplanned}
        is_one = len(accounts) == 1
        shown = [each.plan.view() for each in self.slices] if is_one else list(_groups(self.changed))
        last = (
            Text(self.summary),
            *(Text(f"Findings to accept: {', '.join(self.unaccepted)}.", "bad") for _ in self.unaccepted[:1]),
            Text(f"Digest: {self.digest}"),
        )
        failed = (_failed(self.unplanned),) if self.unplanned else ()
        return Page(f"Plan for the fleet {self.fleet}", (*failed, *shown, *last))


def _failed(unplanned: Iterable[Unplanned]) -> View:
    rows = tuple((each.account, each.grant, each.reason) for each in unplanned)
    tones = ("bad",) * len(rows)
    return Table(("account", "grant", "why"), rows, caption="Could not be planned", tones=tones)


def _groups(changed: Iterable[SlicePlan]) -> Iterator[View]:
    """Yield equal plans as one row: the rarest first, since they are the outliers."""
    groups = dict[tuple[str, str, tuple[str, ...]], list[SlicePlan]]()
    for each in changed:
        groups.setdefault((each.plan.grant, each.side, each.shape), []).append(each)
    ordered = sorted(groups.items(), key=lambda item: (item[0][1] == SOURCE, len(item[1])))
    rows = tuple(
        (grant, side, str(len(members)), _few(members), "\n".join(_titles(members[0])))
        for (grant, side, _), members in ordered
    )
    heads = ("grant", "side", "accounts", "which", "changes in each")
    if rows:
        yield Table(heads, rows, caption="Equal plans, the rarest first")


def _few(members: list[SlicePlan]) -> str:
    accounts = [each.account for each in members]
    more = f"and {len(accounts) - _MOST_ACCOUNTS} more" if len(accounts) > _MOST_ACCOUNTS else ""
    return "\n".join(filter(None, (*accounts[:_MOST_ACCOUNTS], more)))


def _titles(part: SlicePlan) -> Iterator[str]:
    yield from (
        f"{change.sign} {change.title.replace(part.account, ACCOUNT)}" for change in part.plan.changes
    )


def _shape(change: Change, account: str) -> str:
    return canonical_json(change.to_json()).replace(account, ACCOUNT)
