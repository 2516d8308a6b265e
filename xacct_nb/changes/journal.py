"""What was done, call by call (Journal), and the way back from it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from xacct_nb.changes.plan import Change, Plan
from xacct_nb.changes.revocation import describe_revocation, reversible_changes, revokes
from xacct_nb.views import Page, Shown, Table, Text, View

NO_RESPONSE = "no answer: unknown whether it took effect"


@dataclass(frozen=True)
class Entry:
    """One call or wait: when it began (UTC, ISO 8601), where, what, and how AWS answered.

    `answer` is `made`, `waited`, or AWS's error code, and empty where the call is about to be made;
    `seconds` is how long it took, `tries` how often it was asked. `kept` holds what the call destroyed, so
    that it can be read again, or what it may be confused with: the versions that a policy had before.
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

    def is_answer_to(self, other: "Entry") -> bool:
        """Whether the other entry was written before this very call was made."""
        about = (self.at, self.account, self.operation, self.target)
        call = (other.at, other.account, other.operation, other.target)
        return self.answer != "" and other.answer == "" and about == call


def collapse_entries(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """One entry a call: its answer, and what was written before the call only where no answer came."""
    found: list[Entry] = []
    for entry in entries:
        if found and entry.is_answer_to(found[-1]):
            found.pop()
        found.append(entry)
    return tuple(found)


def journal_fields(
    journal: Mapping[str, Any] | None, entries: Iterable[Mapping[str, Any]]
) -> dict[str, Any] | None:
    """The journal as plain data: as it was kept, of a run that broke off the entries; None without either."""
    calls = [asdict(entry) for entry in collapse_entries(Entry(**each) for each in entries)]
    if journal is None and calls:
        return {"grant": "", "changes": [], "entries": calls}
    return None if journal is None else dict(journal)


@dataclass(frozen=True, repr=False)
class Journal(Shown):
    """The changes that were made, in their order, and every call and wait."""

    grant: str
    changes: tuple[Change, ...] = ()
    entries: tuple[Entry, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data; external IDs as fingerprints."""
        return {
            "grant": self.grant,
            "changes": [change.to_json() for change in self.changes],
            "entries": [asdict(entry) for entry in self.entries],
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Journal":
        """The Journal that `to_json` was made from."""
        return cls(
            fields["grant"],
            tuple(map(Change.from_json, fields["changes"])),
            tuple(Entry(**entry) for entry in fields["entries"]),
        )

    def undo_plan(self) -> Plan:
        """The plan that takes back what was done; sessions that were ended stay ended."""
        return Plan(self.grant, reversible_changes(self.changes)).reverse()

    def view(self) -> View:
        """Every call with AWS's answer and request id; of a run that broke off, how to go on."""
        if not self.entries:
            return Text("Nothing was changed.", "note")
        rows = tuple(
            (
                each.at[11:19],
                each.account,
                each.operation,
                each.target,
                each.answer or NO_RESPONSE,
                f"{each.seconds:.2f} s",
                each.request_id,
            )
            for each in self.entries
        )
        heads = ("at (UTC)", "account", "call", "of", "answer", "took", "request id")
        revoked = (
            Text(describe_revocation(each.target, each.after)) for each in self.changes if revokes(each)
        )
        return Page("Journal", (Table(heads, rows), *revoked, self._outcome()))

    def _outcome(self) -> View:
        count = len(self.changes)
        if count or all(each.answer for each in self.entries):
            return Text(f"{count} change{'s' * (count != 1)} made.", "good")
        return Text("It broke off here. Plan it again to finish it, or roll it back.", "bad")
