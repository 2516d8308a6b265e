"""The journal of a run: the changes that were made, every call and wait, and the plan that undoes them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from xacct_nb.changes.plan import Change, Plan
from xacct_nb.changes.revocation import describe_revocation, reversible_changes, revokes
from xacct_nb.validation import Serializable
from xacct_nb.views import Page, Shown, Table, Text, View

NO_RESPONSE = "no response: unknown whether it took effect"


@dataclass(frozen=True)
class Entry(Serializable):
    """One call or wait: when it began (UTC, ISO 8601), where, what, and what AWS returned.

    `answer` is `made`, `waited` or AWS's error code; it is empty in the entry that is written before the
    call. `seconds` is how long the call took, `tries` how often it was made. `kept` holds what the call
    destroyed, or the versions that a policy had before the call.
    """

    at: str
    account: str
    operation: str
    target: str
    answer: str = ""
    request_id: str = ""
    seconds: float = 0.0
    tries: int = 1
    kept: Any = None

    @property
    def call(self) -> tuple[str, ...]:
        """Return what the entries before and after a call have in common."""
        return self.at, self.account, self.operation, self.target

    @property
    def line(self) -> str:
        """Return what was called, where, and what AWS returned, in one line."""
        took = f"{self.seconds:.1f} s" + f", {self.tries} tries" * (self.tries > 1)
        return f"{self.account}  {self.operation} {self.target}: {self.answer or NO_RESPONSE} ({took})"


def collapse_entries(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return one entry for each call: the one after it, or the one before it where AWS never responded."""
    found: list[Entry] = []
    for entry in entries:
        if found and entry.answer and not found[-1].answer and entry.call == found[-1].call:
            found.pop()
        found.append(entry)
    return tuple(found)


@dataclass(frozen=True, repr=False)
class Journal(Shown, Serializable):
    """The changes that were made, in their order, and every call and wait."""

    grant: str
    changes: tuple[Change, ...] = ()
    entries: tuple[Entry, ...] = ()

    @property
    def began(self) -> bool:
        """Return whether the run made a call, or was about to make one."""
        return bool(self.changes or self.entries)

    def undo_plan(self) -> Plan:
        """Return the plan that undoes what was done; revoked sessions stay revoked."""
        return Plan(self.grant, reversible_changes(self.changes)).reverse()

    def view(self) -> View:
        """Return every call with AWS's result and request id, then the last line."""
        return self.page(self.last_line()) if self.entries else Text("Nothing was changed.", "note")

    def last_line(self) -> View:
        """Return how many changes were made; after an interrupted run, how to go on."""
        count = len(self.changes)
        if count or all(each.answer for each in self.entries):
            return Text(f"{count} change{'s' * (count != 1)} made.", "good")
        return Text("The run ended here. Plan again to finish it, or roll it back.", "bad")

    def page(self, last: View, tones: tuple[str, ...] = ()) -> View:
        """Return every call as a table, the cutoffs of revoked sessions, and a last line."""
        rows = tuple(
            (
                each.at[11:19],
                each.account,
                each.operation,
                each.target,
                each.answer or NO_RESPONSE,
                f"{each.seconds:.2f} s" + f", {each.tries} tries" * (each.tries > 1),
                each.request_id,
            )
            for each in self.entries
        )
        heads = ("at (UTC)", "account", "call", "resource", "result", "took", "request id")
        revoked = [describe_revocation(each.target, each.after) for each in self.changes if revokes(each)]
        return Page("Journal", (Table(heads, rows, tones=tones), *map(Text, revoked), last))
