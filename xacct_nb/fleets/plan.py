"""The plan of a fleet: the plan of each account, as one that is read, approved and applied."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from xacct_nb.changes.plan import Change, Plan
from xacct_nb.fleets.account_matrix import account_matrix, signs_of
from xacct_nb.fleets.live_findings import few, grouped
from xacct_nb.fleets.owners import MAKE
from xacct_nb.grants.documents import DESTINATION, SOURCE
from xacct_nb.grants.target import ACCOUNT
from xacct_nb.iam.canonical import canonical_json
from xacct_nb.linting.findings import Findings
from xacct_nb.linting.rules.rule import Finding
from xacct_nb.validation import Serializable
from xacct_nb.views import Page, Shown, Table, Text, View

SliceKey = tuple[str, str, str]
"""The name of a grant, the side, the account."""
NOT_ACCEPTED = "not-accepted"
"""The code of a slice that is left out: a finding on what its account has is not accepted."""


@dataclass(frozen=True)
class Waits(Serializable):
    """How many calls on an account were made again, and the seconds that were waited for that."""

    retries: int = 0
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return plain data, nothing where no call was retried."""
        return super().to_json() if self.retries else {}

    @classmethod
    def sum(cls, each: Iterable["Waits"]) -> "Waits":
        """Return all together."""
        found = [it for it in each if it.retries]
        return cls(sum(it.retries for it in found), round(sum(it.seconds for it in found), 3))


NO_WAITS = Waits()


@dataclass(frozen=True)
class SlicePlan(Serializable):
    """The plan of one account for one side of a grant, and the findings on what the account has."""

    side: str
    account: str
    plan: Plan
    findings: tuple[Finding, ...] = ()
    waits: Waits = NO_WAITS

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
    """A slice that is not in the plan: AWS refused a read, or what is there cannot be taken over.

    Where its `code` is not-accepted, the grant has to accept one of its `findings` first.
    """

    grant: str
    side: str
    account: str
    code: str
    reason: str
    hint: str = ""
    findings: tuple[Finding, ...] = ()
    waits: Waits = NO_WAITS

    @property
    def key(self) -> SliceKey:
        """Return the key of the slice."""
        return self.grant, self.side, self.account


@dataclass(frozen=True, repr=False)
class FleetPlan(Shown, Serializable):
    """The plans of all accounts of a fleet, and the accounts that could not be planned.

    `handed_over` are the keys of slices whose accounts others own: they are not entered.
    """

    fleet: str
    slices: tuple[SlicePlan, ...]
    unplanned: tuple[Unplanned, ...] = ()
    notes: tuple[str, ...] = ()
    handed_over: tuple[SliceKey, ...] = ()

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
            shortened=tuple(dict.fromkeys(each for part in self.slices for each in part.plan.shortened)),
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
        left = "".join(self._left_out)
        if not self.changed:
            return f"No changes. The live state is what the fleet says.{left}"
        accounts = len({each.account for each in self.changed})
        numbers = f"{count['+']} to add, {count['~']} to change, {count['-']} to destroy"
        return f"Plan: {numbers}, in {accounts} account{'s' * (accounts != 1)}.{left}"

    @property
    def _left_out(self) -> Iterator[str]:
        """Yield how many accounts are not in the plan, and why."""
        held = {each.account for each in self.unplanned if each.code == NOT_ACCEPTED}
        failed = {each.account for each in self.unplanned} - held
        for found, why in ((failed, "could not be planned"), (held, "left out, by findings to accept")):
            if found:
                yield f" {len(found)} account{'s' * (len(found) != 1)} {why}."

    @property
    def groups(self) -> tuple[PlanGroup, ...]:
        """Return the plans in groups of equal ones: the rarest first, since they are the outliers."""
        found = dict[tuple[str, str, tuple[str, ...]], list[SlicePlan]]()
        for each in self.changed:
            found.setdefault((each.plan.grant, each.side, each.shape), []).append(each)
        ordered = sorted(found.items(), key=lambda item: (item[0][1] == SOURCE, len(item[1])))
        return tuple(
            PlanGroup(grant, side, len(members), _accounts(members), tuple(_titles(members[0])))
            for (grant, side, _), members in ordered
        )

    @cached_property
    def findings(self) -> Findings:
        """Return the findings on what the accounts have already: equal ones once, with their accounts.

        What every account has of a grant, because the grant says so, is not among them.
        """
        found = dict[tuple[str, str], dict[str, tuple[Finding, ...]]]()
        counts = Counter[tuple[str, str]]()
        parts: tuple[SlicePlan | Unplanned, ...] = (*self.slices, *self.unplanned)
        for each in parts:
            counts[each.key[:2]] += 1
            if each.findings:
                found.setdefault(each.key[:2], {})[each.account] = each.findings
        accepted = dict.fromkeys(code for each in self.changed for code in each.plan.accepted)
        return Findings(grouped(found, counts), tuple(accepted))

    @property
    def waits(self) -> Waits:
        """Return the retries while the accounts were read."""
        parts: tuple[SlicePlan | Unplanned, ...] = (*self.slices, *self.unplanned)
        return Waits.sum(each.waits for each in parts)

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
        """Return what could not be planned, the groups of equal plans, the matrix, the summary, the digest.

        The plan of one account alone is shown in full.
        """
        accounts = {each.account for each in self.slices} | {each.account for each in self.unplanned}
        is_one = len(accounts) == 1
        shown = (
            [each.plan.view() for each in self.slices]
            if is_one
            else [*groups_view(self.groups), *self._matrix]
        )
        last = (
            Text(self.summary),
            *(Text(f"Findings to accept: {', '.join(self.unaccepted)}.", "bad") for _ in self.unaccepted[:1]),
            Text(f"Digest: {self.digest}"),
        )
        failed = tuple(_failed(self.unplanned)) if self.unplanned else ()
        live = (_live(self.findings),) if self.findings.found else ()
        return Page(f"Plan for the fleet {self.fleet}", (*failed, *live, *shown, *last))

    @property
    def _matrix(self) -> Iterator[View]:
        """Yield accounts by grants with the signs of what changes, for each side."""
        for side in (DESTINATION, SOURCE):
            cells = dict[str, dict[str, str]]()
            for each in self.slices:
                if each.side == side:
                    cells.setdefault(each.account, {})[each.plan.grant] = signs_of(each.plan.changes)
            for failed in self.unplanned:
                if failed.side == side:
                    cells.setdefault(failed.account, {})[failed.grant] = "not planned"
            for grant, of, account in self.handed_over:
                if of == side:
                    cells.setdefault(account, {})[grant] = "handed over"
            columns = sorted({grant for own in cells.values() for grant in own})
            yield from account_matrix(cells, columns, f"{side.capitalize()} accounts by grant")
        yield Text("+ added, ~ changed, - destroyed, = as it is; with the number of each.", "note")


def _failed(unplanned: Sequence[Unplanned]) -> Iterator[View]:
    """Yield why accounts could not be planned, and what to do where they belong to other owners."""
    rows = tuple((each.account, each.grant, f"{each.reason} {each.hint}".strip()) for each in unplanned)
    tones = ("bad",) * len(rows)
    yield Table(("account", "grant", "why"), rows, caption="Could not be planned", tones=tones)
    closed = dict.fromkeys(each.account for each in unplanned if each.code in _NOT_ENTERED)
    if closed:
        named = ", ".join(f'"{each}"' for each in few(closed, len(closed)))
        yield Text(
            f"Where others own such an account, write into the fleet file: owners: {{OWNER: [{named}]}}. "
            f"Then ask them: {MAKE}",
            "note",
        )


_NOT_ENTERED = ("wrong-account", "aws-refused")
"""The codes of an account that could not be entered, or not be read."""


def _live(findings: Findings) -> View:
    return Page("Findings on what is there already", (findings.table,))


def groups_view(groups: Iterable[PlanGroup]) -> Iterator[View]:
    """Yield equal plans as one row each."""
    rows = tuple(
        (each.grant, each.side, str(each.count), "\n".join(each.accounts), "\n".join(each.changes))
        for each in groups
    )
    if rows:
        heads = ("grant", "side", "accounts", "which", "changes in each")
        yield Table(heads, rows, caption="Equal plans, the rarest first")


def _accounts(members: list[SlicePlan]) -> tuple[str, ...]:
    return tuple(few((each.account for each in members), len(members)))


def _titles(part: SlicePlan) -> Iterator[str]:
    yield from (
        f"{change.sign} {change.title.replace(part.account, ACCOUNT)}" for change in part.plan.changes
    )


def _shape(change: Change, account: str) -> str:
    return canonical_json(change.to_json()).replace(account, ACCOUNT)
