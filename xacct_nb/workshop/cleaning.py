"""The end of a sheet: everything in its accounts is removed, and the accounts are listed once more."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from xacct_nb.aws.error_translation import translate_errors
from xacct_nb.aws.polling import Wait
from xacct_nb.errors import RollbackFailed
from xacct_nb.validation import Serializable
from xacct_nb.views import Page, Shown, Table, Text, View
from xacct_nb.workshop.inventory import Item, remove
from xacct_nb.workshop.organization import end_organization
from xacct_nb.workshop.world import WorkshopWorld


class Located(Protocol):
    """A thing in an account."""

    @property
    def account(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...


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
    place: str
    removed: tuple[Removal, ...]
    left: tuple[Removal, ...]

    @property
    def is_clean(self) -> bool:
        """Return whether AWS lists nothing any more."""
        return not self.left

    @property
    def what_is_left(self) -> str:
        """What AWS still lists, and why it could not be removed."""
        problems = "; ".join(sorted({each.problem for each in self.left if each.problem}))
        return f"{listed(self.left)}. {problems}".strip()

    def view(self) -> View:
        """Return what was removed and what is left."""
        where = " and ".join(self.accounts)
        result = (
            Text(f"Nothing is left in {where} of {self.place}: it was all listed once more.", "good")
            if self.is_clean
            else Text(f"Not clean: {len(self.left)} left in {where} of {self.place}.", "bad")
        )
        problems = tuple(
            Text(f"{each.kind} {each.name} in {each.account}: {each.problem or 'still listed'}", "bad")
            for each in self.left
        )
        removed = (_table(self.removed),) if self.removed else ()
        return Page("Clean up", (result, *problems, *removed))


def require_clean(found: CleanUp) -> None:
    """Raise RollbackFailed, with what is left, unless nothing is."""
    if not found.is_clean:
        raise RollbackFailed(
            "Not everything could be removed.",
            why=f"This is left: {found.what_is_left}",
            hint="Correct what AWS says, then run sheet.clean_up() again.",
        )


def clean(world: WorkshopWorld) -> CleanUp:
    """End the organization of a world, remove everything in its accounts, and list them again."""
    end_organization(world)  # its control policies limit also those who remove things
    with translate_errors("The clean-up"):
        removed = tuple(
            Removal(account, item.kind, item.name, remove(partial(world.owner, account), item))
            for account in world.owned
            for item in world.contents(account)
        )
        problems = {(each.account, each.kind, each.name): each.problem for each in removed}
        left = tuple(
            Removal(account, item.kind, item.name, problems.get((account, item.kind, item.name), ""))
            for account, item in _left(world)
        )
    done = tuple(each for each in removed if not each.problem)
    return CleanUp(world.owned, world.place, done, left)


def _left(world: WorkshopWorld) -> list[tuple[str, Item]]:
    """Return what AWS still lists, once the removals had time to have their effect."""
    wait = Wait("nothing is listed any more", world.patience)
    while True:
        found = [(account, item) for account in world.owned for item in world.contents(account)]
        if not found or not wait.pause():
            wait.close()
            return found


def listed(items: Iterable[Located]) -> str:
    """Return things of several accounts as text, account by account; a policy by its name alone."""
    accounts: dict[str, list[str]] = {}
    for each in items:
        name = each.name.rpartition("/")[2] if each.kind == "policy" else each.name
        accounts.setdefault(each.account, []).append(f"{each.kind} {name}")
    return "; ".join(f"in {account}: {', '.join(names)}" for account, names in accounts.items())


def _table(removed: tuple[Removal, ...]) -> Table:
    rows = tuple((each.account, each.kind, each.name) for each in removed)
    return Table(("account", "removed", "name"), rows, caption=f"{len(rows)} removed")
