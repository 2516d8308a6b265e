"""A smaller fleet, from what AWS reports as used in all of its accounts."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from xacct_nb.changes.narrowing import LEAST_DAYS, Narrowing, narrow
from xacct_nb.changes.usage import Usage
from xacct_nb.fleets.expansion import ExpandedFleet, ExpandedGrant
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.grants.grant import Grant
from xacct_nb.views import Page, Shown, View


@dataclass(frozen=True, repr=False)
class FleetNarrowing(Shown):
    """What of each grant of a fleet is used, and the `smaller` fleet, None where nothing goes.

    A grant that should end stays in the smaller fleet: a person takes it out.
    """

    fleet: str
    narrowings: tuple[Narrowing, ...]
    smaller: Fleet | None = None

    def view(self) -> View:
        """Return the narrowing of each grant."""
        return Page(f"What the fleet {self.fleet} needs", tuple(each.view() for each in self.narrowings))


def narrow_fleet(
    expanded: ExpandedFleet, usage: Usage, *, tracked_days: int = LEAST_DAYS, keep: Collection[str] = ()
) -> FleetNarrowing:
    """Return what can go from the grants of a fleet: only what no role of it used in any account.

    An account whose use is not known keeps everything of its grants, in all accounts.
    """
    found = tuple(
        narrow(_in_all_accounts(each), usage, tracked_days=tracked_days, keep=keep)
        for each in expanded.grants
    )
    fleet = expanded.fleet
    if not any(each.smaller for each in found):
        return FleetNarrowing(fleet.name, found)
    smaller = {each.grant: each.smaller for each in found if each.smaller}
    grants = tuple(
        replace(each, template=each.template.model_copy(update=_narrowed(smaller[each.name])))
        if each.name in smaller
        else each
        for each in fleet.grants
    )
    return FleetNarrowing(fleet.name, found, fleet.model_copy(update={"grants": grants}))


def _in_all_accounts(grant: ExpandedGrant) -> Grant:
    """Return the grant with the roles of all accounts; {account} stands in its resources and policies."""
    return grant.declared.template.model_copy(update={"destinations": grant.source.destinations})


def _narrowed(grant: Grant) -> dict[str, Any]:
    return {"permissions": grant.permissions, "managed_policies": grant.managed_policies}
