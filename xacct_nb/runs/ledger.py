"""The ledger of a records folder: list, filter, read, compare and verify its records, and export one."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from xacct_nb.errors import InvalidParameters, UnknownRecord
from xacct_nb.jupyter.forms.history_form import HistoryForm
from xacct_nb.jupyter.pdf import to_pdf
from xacct_nb.records.comparison import Comparison, compare
from xacct_nb.records.fields import PAGE
from xacct_nb.records.history import History, LedgerQuery, Verification
from xacct_nb.records.ocsf import ocsf_lines
from xacct_nb.records.repair_entry import repairs_in
from xacct_nb.records.sealing import covered_from, parse_ledger_line, text_hash
from xacct_nb.runs.recovery import unclosed
from xacct_nb.runs.sealing import FOLDER_VARIABLE, records_folder
from xacct_nb.storage.chain import LEDGER, ledger_lines, wrong_nodes
from xacct_nb.storage.ledger import (
    broken_record,
    find_record,
    read_file,
    read_record,
    read_whole_lines,
    verify_records,
)
from xacct_nb.storage.signatures import Signature, check_signatures
from xacct_nb.views import Shown, View

PAGE_FORM, OCSF_FORM = "page", "ocsf"
"""The forms in which a record is exported."""


class Ledger(Shown):
    """The records of a folder, the newest last. Reading changes nothing in the folder.

    `.notes` say which lines and runs are not among the records, and why.
    """

    def __init__(self, records: Path) -> None:
        self.records = records
        self.unclosed = unclosed(records)
        self.lines, broken = read_whole_lines(records)
        self.notes = (*_broken_notes(broken), *self.unclosed.notes)

    def view(self) -> View:
        """Return all lines as a table, and the notes."""
        return History(self.lines, notes=self.notes).view()

    def filter(
        self,
        status: str = "",
        grant: str = "",
        notebook: str = "",
        since: str = "",
        until: str = "",
        limit: int = 0,
    ) -> HistoryForm:
        """Return a form that filters the records, as LedgerQuery does. Raises InvalidParameters."""
        query = LedgerQuery(status, grant, notebook, since, until, limit)
        return HistoryForm(self.lines, query, live=FOLDER_VARIABLE not in os.environ, notes=self.notes)

    def show(self, name: str = "") -> Shown:
        """Return one record, the newest where none is named; also that of a killed run as it will be closed.

        Raises UnknownRecord.
        """
        if not name and not self.lines:
            return History(())
        named = [each for each in self.unclosed.records if name and each.id.startswith(name)]
        return named[0] if len(named) == 1 else read_record(self.records, name or self.lines[-1]["id"])

    def compare(self, first: str = "", second: str = "") -> Comparison:
        """Return what differs between two records, by default the newest and the one before it.

        Raises UnknownRecord.
        """
        ids = [line["id"] for line in self.lines]
        later = find_record(self.records, second).name if second else ids[-1] if ids else ""
        before = ids[: ids.index(later)][-1:] if later in ids else []
        if not (first or before):
            return Comparison("", later, ())
        return compare_records(self.records, first or before[0], later)

    def verify(self) -> Shown:
        """Check that every record is as it was sealed."""
        return verify_ledger(self.records) if self.lines else History(())


def compare_records(records: Path, first: str, second: str) -> Comparison:
    """Return what differs between two records. Raises UnknownRecord."""
    return compare(read_record(records, first), read_record(records, second))


def verify_ledger(records: Path, signers: Path | None = None, expected: str = "") -> Verification:
    """Check that the records are as sealed, that a signer signed, and that a line has the `expected` hash.

    Nothing in the folder is changed. Raises UnknownRecord where there is no ledger, InvalidKey, MissingTool.
    """
    broken, signed = verify_records(records), tuple[str, ...]()
    lines = [] if wrong_nodes(records) else ledger_lines(records)
    hashes = [text_hash(line) for line in lines]
    found = tuple(check_signatures(records, signers)) if lines else ()
    broken += [each.broken for each in found if each.broken]
    if signers and not any(each.signer for each in found):
        broken.append(f"{LEDGER}: no line of it is signed by one of the signers")
    if expected and expected not in hashes:
        broken.append(f"{LEDGER}: has no line of the hash {expected}: it was removed, or written anew")
    signed = tuple(_signed(each, lines) for each in found)
    notes = (*(str(repair) for _, repair in repairs_in(lines)), *unclosed(records).notes)
    count, last = sum(map(bool, map(parse_ledger_line, lines))), hashes[-1] if hashes else ""
    return Verification(count, last, tuple(broken), signed, notes)


def export_record(records: Path, name: str, file: Path, form: str = PAGE_FORM) -> Path:
    """Write a record to a file, and return the file.

    As `page` it is an HTML or PDF file, by the suffix of the file; as `ocsf` one event a line for each call.

    Raises UnknownRecord, also for a record that was changed since it was sealed; InvalidParameters where
    the file exists or cannot be written; MissingTool where the extra pdf is not installed.
    """
    folder = find_record(records, name)
    if broken := broken_record(records, name):
        raise UnknownRecord(
            f"The record {folder.name!r} was changed since it was sealed, and is not exported.",
            why="; ".join(broken),
            hint="Check all records: xacct-nb records verify",
        )
    convert = _CONVERTERS.get(file.suffix.lower())
    if form == PAGE_FORM and convert is None:
        raise _not_writable(file, f"Its name must end in {' or '.join(_CONVERTERS)}.")
    if os.path.exists(file):
        raise _not_writable(file, "The file exists.")
    try:
        content = convert(read_file(folder, PAGE)) if convert and form == PAGE_FORM else _ocsf(folder)
        file.write_bytes(content)
    except OSError as problem:
        raise _not_writable(file, str(problem.strerror)) from problem
    return file


def _ocsf(folder: Path) -> bytes:
    record = read_record(folder.parent, folder.name)
    try:
        return ocsf_lines(record).encode(errors="backslashreplace")
    except ValueError as problem:
        raise UnknownRecord(
            f"The calls of the record {folder.name!r} are no events.",
            why=str(problem),
            hint="Look at its journal: xacct-nb records show",
        ) from problem


def _not_writable(file: Path, why: str) -> InvalidParameters:
    hint = "Name another file with -o."
    return InvalidParameters(f"The record cannot be written to {str(file)!r}.", why=why, hint=hint)


_CONVERTERS: dict[str, Callable[[bytes], bytes]] = {".html": bytes, ".pdf": to_pdf}


def _signed(found: Signature, lines: list[str]) -> str:
    who = f"signed by {found.signer}" if found.signer else "signed; name the signers with --signers"
    first = covered_from(lines, found.line)
    return f"Lines {first} to {found.line} of {len(lines)} ({found.record}): {who}"


def _broken_notes(broken: Mapping[int, str]) -> Iterator[str]:
    for number, why in sorted(broken.items()):
        yield f"{LEDGER}: line {number} {why}, and is left out. Set it aside: xacct-nb records repair"


def show_ledger(records: str = "") -> Ledger:
    """Return the ledger of a records folder, which shows itself as a table."""
    return Ledger(records_folder(records))
