"""What is expected to hold: grants with their slices, from a fleet or from the records of past changes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from xacct_nb.fleets.expansion import ExpandedFleet, Slice, slices_of
from xacct_nb.fleets.plan import SliceKey
from xacct_nb.fleets.result import NOT_ASKED, SliceResult
from xacct_nb.grants.documents import DESTINATION
from xacct_nb.grants.grant import Grant, account_of
from xacct_nb.iam.arns import Arn
from xacct_nb.views import Page, Shown, Table, Text, View

_ITS_FILE = (
    "Prove the fleet's file, which says how far its owner is: xacct-nb run prove_the_access -f FLEET_FILE"
)


@dataclass(frozen=True)
class ExpectedGrant:
    """A grant that is expected to hold: its slices, and the declaration of its roles as a report has it.

    `label` names it in results. `record` is the one of the change, `since` (UTC) when that began; both are ""
    where no record is known. `problem` says why it cannot be asked for, `hint` what to do. `others` has the
    accounts that somebody else owns, each with its owner.
    """

    label: str
    declared: Mapping[str, Any]
    accounts: tuple[str, ...]
    slices: tuple[Slice, ...]
    record: str = ""
    since: str = ""
    problem: str = ""
    hint: str = ""
    others: Mapping[str, str] = field(default_factory=dict)

    @property
    def keys(self) -> frozenset[SliceKey]:
        """Return the keys of its slices."""
        return frozenset(each.key for each in self.slices)

    def unasked(self) -> Iterator[SliceResult]:
        """Yield a result for each account of a grant that cannot be asked for."""
        for account in self.accounts if self.problem else ():
            yield self._not_asked(account, self.problem, self.hint)

    def unasked_of_others(self) -> Iterator[SliceResult]:
        """Yield a result for each account of another owner, where only a record declares the fleet."""
        for account, owner in self.others.items() if not self.problem else ():
            yield self._not_asked(account, f"It is {owner}'s account.", _ITS_FILE)

    def _not_asked(self, account: str, why: str, hint: str) -> SliceResult:
        return SliceResult(self.label, DESTINATION, account, NOT_ASKED, code=NOT_ASKED, reason=why, hint=hint)


@dataclass(frozen=True, repr=False)
class ExpectedGrants(Shown):
    """All grants that are expected to hold, and what records do not expect any more, each with the reason.

    `fleets` are those of the grants: others may own some of their accounts.
    """

    name: str
    grants: tuple[ExpectedGrant, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    fleets: tuple[ExpandedFleet, ...] = ()

    def view(self) -> View:
        """Return one row for each grant, and one for each that a record does not expect any more."""
        rows = tuple(
            (each.label, str(len(each.accounts)), each.record, each.since, each.problem)
            for each in self.grants
        )
        heads = ("grant", "accounts", "record", "changed at (UTC)", "cannot be asked")
        tones = tuple("change" if each.problem else "" for each in self.grants)
        parts: list[View] = (
            [Table(heads, rows, tones=tones)] if rows else [Text("Nothing is expected.", "note")]
        )
        if self.left_out:
            parts.append(
                Table(("record", "why"), self.left_out, caption="What records do not expect any more")
            )
        return Page(f"Expected: {self.name}", tuple(parts))


def expected_of_fleet(
    expanded: ExpandedFleet, since: str = "", record: str = ""
) -> tuple[ExpectedGrant, ...]:
    """Return what is expected of each grant of a fleet, in the accounts that are one's own."""
    declared = expanded.fleet.to_json()["grants"]
    own = {each.key for each in expanded.slices}
    owners = {each.key: expanded.fleet.owner_of(each.account) for each in expanded.handed_over}
    found = list[ExpectedGrant]()
    for each, fields in zip(expanded.grants, declared, strict=True):
        name, parts = each.declared.name, tuple(part for part in each.slices() if part.key in own)
        others = {part.account: owners[part.key] for part in each.slices() if part.key in owners}
        found.append(ExpectedGrant(name, fields, each.accounts, parts, record, since, others=others))
    return tuple(found)


def expected_of_grant(grant: Grant, side: str = "", since: str = "", record: str = "") -> ExpectedGrant:
    """Return what is expected of a grant, on one side or on both."""
    return ExpectedGrant(
        grant.name, _declared(grant), grant.destination_accounts, tuple(slices_of(grant, side)), record, since
    )


def batches(grants: Iterable[ExpectedGrant]) -> list[list[ExpectedGrant]]:
    """Return the grants that can be asked for in few lists, in each of which a slice has one grant."""
    found = list[list[ExpectedGrant]]()
    for each in grants:
        if each.problem:
            continue
        fitting = (batch for batch in found if not any(each.keys & other.keys for other in batch))
        batch = next(fitting, None)
        if batch is None:
            found.append([each])
        else:
            batch.append(each)
    return found


def _declared(grant: Grant) -> dict[str, Any]:
    """Return the declaration of a grant as a fleet has it: the roles of its accounts by one name."""
    names = (Arn.parse(role).resource.partition("/")[2] for role in grant.destinations)
    about = {"role": ", ".join(dict.fromkeys(names)), "partition": grant.partition}
    fields = {name: value for name, value in grant.to_json().items() if name != "destinations"}
    return {**fields, **about, "accounts": list(dict.fromkeys(map(account_of, grant.destinations)))}
