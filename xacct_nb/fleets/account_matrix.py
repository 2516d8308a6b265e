"""The matrix of accounts and grants: accounts with equal cells share a row, the rarest first."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from xacct_nb.changes.plan import Change
from xacct_nb.fleets.live_findings import few
from xacct_nb.views import Table

_MOST_ROWS = 40
NOT_THERE = "-"
"""What stands where a grant has nothing in an account."""


def account_matrix(
    cells: Mapping[str, Mapping[str, str]], columns: Sequence[str], caption: str
) -> Iterator[Table]:
    """Yield a table of the accounts by `columns`, from the cells of each account; nothing without accounts.

    Past 40 rows the last one says how many accounts have other cells.
    """
    rows = dict[tuple[str, ...], list[str]]()
    for account, own in cells.items():
        rows.setdefault(tuple(own.get(name, NOT_THERE) for name in columns), []).append(account)
    ordered = sorted(rows.items(), key=lambda row: len(row[1]))
    shown = [(str(len(them)), "\n".join(few(them, len(them))), *own) for own, them in ordered[:_MOST_ROWS]]
    if more := ordered[_MOST_ROWS:]:
        others = sum(len(them) for _, them in more)
        shown.append((str(others), f"in {len(more)} more rows", *("..." for _ in columns)))
    if shown:
        yield Table(("accounts", "which", *columns), tuple(shown), caption=caption)


def signs_of(changes: Iterable[Change]) -> str:
    """Return how many changes there are of each sign, such as +2 ~1; = for none."""
    count = Counter(change.sign for change in changes)
    return " ".join(f"{sign}{count[sign]}" for sign in "+~-" if count[sign]) or "="
