"""A fleet on a record's page: groups of equal plans, the results, and the calls in short."""

from collections import Counter

from xacct_nb.changes.journal import NO_RESPONSE, Journal
from xacct_nb.fleets.plan import groups_view
from xacct_nb.records.fields import PAIRS_CSV, PAIRS_JSON, REPORT, RecordedFleet
from xacct_nb.records.outcome import is_success
from xacct_nb.views import Page, Table, Text, View

_MOST_FAILED = 200
_FILES = (
    f"In the record's folder, {REPORT} has the matrix of accounts and sources with a search, "
    f"{PAIRS_CSV} and {PAIRS_JSON} have each pair."
)


def fleet_view(fleet: RecordedFleet) -> View:
    """Return what the plan does in how many accounts, and what became of each."""
    counts = tuple((grant, str(len(accounts))) for grant, accounts in fleet.accounts.items())
    return Page(
        "Fleet",
        (
            Table(("grant", "destination accounts"), counts),
            *groups_view(fleet.groups),
            *((fleet.result.view(), Text(_FILES, "note")) if fleet.result else ()),
        ),
    )


def calls_view(journal: Journal) -> View:
    """Return how many calls of each kind were made, and those that failed; record.json has all of them."""
    total, failed = Counter[str](), [each for each in journal.entries if not is_success(each)]
    total.update(each.operation for each in journal.entries)
    parts: list[View] = [Table(("call", "times"), tuple((name, str(n)) for name, n in sorted(total.items())))]
    if failed:
        rows = tuple(
            (each.at[11:19], each.account, each.operation, each.target, each.answer or NO_RESPONSE)
            for each in failed[:_MOST_FAILED]
        )
        heads = ("at (UTC)", "account", "operation", "resource", "result")
        caption = f"Calls that failed{f', the first {_MOST_FAILED}' if len(failed) > _MOST_FAILED else ''}"
        parts.append(Table(heads, rows, caption=caption, tones=("bad",) * len(rows)))
    last = f"{len(journal.changes)} changes made, {len(journal.entries)} calls. record.json has each of them."
    return Page("Journal", (*parts, Text(last)))
