"""The sheets as a list: what the workshop has, and how long it takes."""

from dataclasses import dataclass

from xacct_nb.validation import Serializable
from xacct_nb.views import Page, Shown, Table, Text, View
from xacct_nb.workshop.sheets import all_sheets


@dataclass(frozen=True)
class ListedSheet(Serializable):
    """A sheet without its content: `exercises` are their names, `needs_sandbox` why it cannot run on AWS."""

    number: int
    name: str
    title: str
    minutes: int
    exercises: tuple[str, ...]
    needs_sandbox: str


@dataclass(frozen=True, repr=False)
class SheetList(Shown, Serializable):
    """All sheets in their order."""

    sheets: tuple[ListedSheet, ...]

    def view(self) -> View:
        """Return a table of the sheets, and how long they take together."""
        rows = tuple(
            (str(each.number), each.name, each.title, str(each.minutes), str(len(each.exercises)))
            for each in self.sheets
        )
        minutes = sum(each.minutes for each in self.sheets)
        exercises = sum(len(each.exercises) for each in self.sheets)
        total = f"{len(rows)} sheets, {exercises} exercises, {minutes} minutes. Each sheet stands alone."
        headers = ("", "name", "title", "minutes", "exercises")
        return Page("The workshop", (Table(headers, rows), Text(total)))


def list_sheets() -> SheetList:
    """Return all sheets."""
    return SheetList(
        tuple(
            ListedSheet(
                each.number, each.name, each.title, each.minutes, tuple(each.by_name), each.needs_sandbox
            )
            for each in all_sheets()
        )
    )
