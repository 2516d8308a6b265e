"""The end of a sheet: everything in its accounts is removed, and the accounts are listed once more."""

from dataclasses import dataclass
from functools import partial

from xacct_nb.validation import Serializable
from xacct_nb.views import Page, Shown, Table, Text, View
from xacct_nb.workshop.inventory import Clients, items_in, remove
from xacct_nb.workshop.world import WorkshopWorld


@dataclass(frozen=True)
class Removal(Serializable):
    """One thing that was found in an account; `problem` is AWS's error where it could not be removed."""

    account: str
    kind: str
    name: str
    problem: str = ""


@dataclass(frozen=True, repr=False)
class CleanUp(Shown, Serializable):
    """What was removed, and what AWS still lists afterwards: nothing, if it is clean."""

    accounts: tuple[str, ...]
    removed: tuple[Removal, ...]
    left: tuple[Removal, ...]

    @property
    def is_clean(self) -> bool:
        """Return whether AWS lists nothing any more."""
        return not self.left

    def view(self) -> View:
        """Return what was removed and what is left."""
        where = " and ".join(self.accounts)
        result = (
            Text(f"Nothing is left: AWS lists nothing any more in {where}.", "good")
            if self.is_clean
            else Text(f"Not clean: AWS still lists {len(self.left)} in {where}.", "bad")
        )
        problems = tuple(
            Text(f"{each.kind} {each.name} in {each.account}: {each.problem or 'still listed'}", "bad")
            for each in self.left
        )
        return Page("Clean up", (result, *problems, _table(self.removed)))


def clean(world: WorkshopWorld) -> CleanUp:
    """Remove everything in the accounts of a world, and list them again."""
    accounts = (world.source, world.destination, world.outside)
    owners: dict[str, Clients] = {account: partial(world.owner, account) for account in accounts}
    removed = tuple(
        Removal(account, item.kind, item.name, remove(clients, item))
        for account, clients in owners.items()
        for item in items_in(clients)
    )
    problems = {(each.account, each.kind, each.name): each.problem for each in removed}
    left = tuple(
        Removal(account, item.kind, item.name, problems.get((account, item.kind, item.name), ""))
        for account, clients in owners.items()
        for item in items_in(clients)
    )
    return CleanUp(accounts, tuple(each for each in removed if not each.problem), left)


def _table(removed: tuple[Removal, ...]) -> Table:
    rows = tuple((each.account, each.kind, each.name) for each in removed)
    return Table(("account", "removed", "name"), rows, caption=f"{len(rows)} removed")
