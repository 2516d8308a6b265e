"""The plan of a fleet: the plan of each account, as one that is read, approved and applied."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from xacct_nb.changes.plan import Change, Plan
from xacct_nb.grants.documents import SOURCE
from xacct_nb.grants.target import ACCOUNT
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
class PlanGroup(Serializable):
    """Equal plans: how many accounts have them, some of these, and the changes in each."""

    grant: str
    side: str
    count: int
    accounts: tuple[str, ...]
    changes: tuple[str, ...]


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
    notes: tuple[str, ...] = ()

    @cached_property
    def whole(self) -> Plan:
        """Return all changes as one plan, which is what is approved, recorded and rolled back."""
        parts = [each.plan for each in self.changed]
        return Plan(
            self.fleet,
            tuple(change for plan in parts for change in plan.changes),
            self.notes,
            self.unaccepted,
            accepted=tuple(sorted({code for plan in parts for code in plan.accepted})),
            access=tuple(each for plan in parts for each in plan.access),
            lost=tuple(each for plan in parts for each in plan.lost),
        )

    @property
    def digest(self) -> str:
        """Return the sha256 (hex) that an approval names: of all changes in all accounts."""
        return self.whole.digest

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

    @property
    def groups(self) -> tuple[PlanGroup, ...]:
        """Return the plans in groups of equal ones: the rarest first, since they are the outliers."""
        found = dict[tuple[str, str, tuple[str, ...]], list[SlicePlan]]()
        for each in self.changed:
            found.setdefault((each.plan.grant, each.side, each.shape), []).append(each)
        ordered = sorted(found.items(), key=lambda item: (item[0][1] == SOURCE, len(item[1])))
        return tuple(
            PlanGroup(grant, side, len(members), _few(members), tuple(_titles(members[0])))
            for (grant, side, _), members in ordered
        )

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
        shown = [each.plan.view() for each in self.slices] if is_one else list(groups_view(self.groups))
        last = (
            Text(self.summary),
            *(Text(f"Findings to accept: {', '.join(self.unaccepted)}.", "bad") for _ in self.unaccepted[:1]),
            Text(f"Digest: {self.digest}"),
        )
        failed = (_failed(self.unplanned),) if self.unplanned else ()
        return Page(f"Plan for the fleet {self.fleet}", (*failed, *shown, *last))


def _failed(unplanned: Iterable[Unplanned]) -> View:
    rows = tuple((each.account, each.grant, f"{each.reason} {each.hint}".strip()) for each in unplanned)
    tones = ("bad",) * len(rows)
    return Table(("account", "grant", "why"), rows, caption="Could not be planned", tones=tones)


def groups_view(groups: Iterable[PlanGroup]) -> Iterator[View]:
    """Yield equal plans as one row each."""
    rows = tuple(
        (each.grant, each.side, str(each.count), "\n".join(each.accounts), "\n".join(each.changes))
        for each in groups
    )
    if rows:
        heads = ("grant", "side", "accounts", "which", "changes in each")
        yield Table(heads, rows, caption="Equal plans, the rarest first")


def _few(members: list[SlicePlan]) -> tuple[str, ...]:
    accounts = [each.account for each in members]
    more = f"and {len(accounts) - _MOST_ACCOUNTS} more" if len(accounts) > _MOST_ACCOUNTS else ""
    return (*accounts[:_MOST_ACCOUNTS], *filter(None, (more,)))


def _titles(part: SlicePlan) -> Iterator[str]:
    yield from (
        f"{change.sign} {change.title.replace(part.account, ACCOUNT)}" for change in part.plan.changes
    )


def _shape(change: Change, account: str) -> str:
    return canonical_json(change.to_json()).replace(account, ACCOUNT)
