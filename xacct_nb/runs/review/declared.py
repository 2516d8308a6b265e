"""What is under review: the declarations of grant and fleet files, else those of the records that stand."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from xacct_nb.errors import UnknownRecord
from xacct_nb.fleets.expansion import ExpandedFleet
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.parameters import grant_of
from xacct_nb.records.model import Record
from xacct_nb.runs.fleet.fleet_rollback import expanded_of
from xacct_nb.runs.loading import read_fleet, read_grant
from xacct_nb.runs.notebooks import find_notebook, known_parameters
from xacct_nb.runs.standing import standing_records
from xacct_nb.storage.fleet_file import is_fleet_file
from xacct_nb.storage.ledger import LEDGER, read_ledger, read_record

EXAMPLE = "the example of plan_and_apply"


@dataclass(frozen=True)
class DeclaredAccess:
    """A grant or a fleet, and its origin: a file, the id of a record, or the example.

    `expanded` has the accounts of a fleet that a record declares, as they were then.
    """

    origin: str
    of: Grant | Fleet
    expanded: ExpandedFleet | None = None
    is_file: bool = False

    @property
    def name(self) -> str:
        """Return the name of the grant or fleet."""
        return self.of.name


def declared_in(files: Iterable[str], records: Path, sandbox: bool) -> tuple[DeclaredAccess, ...]:
    """Return what the files declare; without any, what stands by the records; else the example.

    Raises UnreadableGrant, InvalidGrant, UnknownRecord.
    """
    named = tuple(map(read_declared, dict.fromkeys(files)))
    if named:
        return named
    found = tuple(_standing(records, sandbox))
    if found or not sandbox:
        return found
    known = known_parameters(find_notebook("plan_and_apply"))
    return (DeclaredAccess(EXAMPLE, grant_of({name: each.default for name, each in known.items()})),)


def read_declared(file: str) -> DeclaredAccess:
    """Return what a grant or fleet file declares. Raises UnreadableGrant, InvalidGrant."""
    path = Path(file).expanduser()
    of = read_fleet(path) if is_fleet_file(path) else read_grant(path)
    return DeclaredAccess(file, of, is_file=True)


def declared_by(record: Record) -> DeclaredAccess | None:
    """Return what a record declares, None where it has neither a grant nor a fleet."""
    if record.fleet is not None:
        expanded = expanded_of(record.fleet)
        return DeclaredAccess(record.id, expanded.fleet, expanded)
    return DeclaredAccess(record.id, record.grant) if record.grant else None


def _standing(records: Path, sandbox: bool) -> Iterator[DeclaredAccess]:
    """Yield the newest declaration of each grant and fleet whose changes no rollback has undone."""
    seen = set[tuple[bool, str, tuple[str, ...]]]()
    for record in standing_records(records):
        declared = declared_by(record) if record.is_of_sandbox == sandbox else None
        if declared is None:
            continue
        callers = declared.of.source_accounts if isinstance(declared.of, Grant) else ()
        key = isinstance(declared.of, Fleet), declared.name, callers
        if key not in seen:
            seen.add(key)
            yield declared


class RecentRecords:
    """The records of some grants and fleets, the newest first; each is read once, when it is asked for."""

    def __init__(self, records: Path, names: Collection[str], sandbox: bool) -> None:
        self._read = list[Record]()
        self._rest = _recent(records, {*names, ""}, sandbox)

    def __iter__(self) -> Iterator[Record]:
        yield from self._read
        for record in self._rest:
            self._read.append(record)
            yield record


def _recent(records: Path, names: Collection[str], sandbox: bool) -> Iterator[Record]:
    for line in reversed(read_ledger(records) if (records / LEDGER).exists() else []):
        if line["grant"] not in names or line["status"] == "planned":
            continue
        try:
            record = read_record(records, line["id"])
        except UnknownRecord:
            continue
        if record.is_of_sandbox == sandbox:
            yield record
