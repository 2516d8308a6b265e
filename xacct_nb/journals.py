"""What was done, call by call (Journal), and the way back from it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from xacct_nb.plans import Change, Plan
from xacct_nb.views import Page, Shown, Table, Text, View


@dataclass(frozen=True)
class Entry:
    """One call or wait: when it began (UTC, ISO 8601), where, what, and how AWS answered.

    `answer` is `made`, `waited`, or AWS's error code; `seconds` is how long it took, `tries` how often it
    was asked. `kept` holds what the call destroyed, so that it can be read again.
    """

    at: str
    account: str
    operation: str
    target: str
    answer: str
    request_id: str = ""
    seconds: float = 0.0
    tries: int = 1
    kept: Any = None


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

    def way_back(self) -> Plan:
        """The plan that takes back what was done."""
        return Plan(self.grant, self.changes).reverse()

    def view(self) -> View:
        """Every call with AWS's answer and request id."""
        if not self.entries:
            return Text("Nothing was changed.", "note")
        rows = tuple(
            (
                each.at[11:19],
                each.account,
                each.operation,
                each.target,
                each.answer,
                f"{each.seconds:.2f} s",
                each.request_id,
            )
            for each in self.entries
        )
        count = len(self.changes)
        heads = ("at (UTC)", "account", "call", "of", "answer", "took", "request id")
        return Page(
            "Journal", (Table(heads, rows), Text(f"{count} change{'s' * (count != 1)} made.", "good"))
        )
