"""The ledger of a records folder: listed, filtered, read, compared, verified, signed and handed on."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xacct_nb.errors import InvalidParameters, UnknownRecord
from xacct_nb.records.comparison import Comparison, compare
from xacct_nb.records.fields import PAGE
from xacct_nb.records.history import History, LedgerQuery, Verification
from xacct_nb.records.sealing import line_hash
from xacct_nb.runs.recovery import recover
from xacct_nb.runs.sealing import FOLDER_VARIABLE, records_folder
from xacct_nb.storage.chain import LEDGER, ledger_lines
from xacct_nb.storage.ledger import broken_record, find_record, read_ledger, read_record, verify_records
from xacct_nb.storage.signatures import Signature, check_signatures
from xacct_nb.views import Shown, View


class Ledger(Shown):
    """The records of a folder, the newest last; what killed processes left is completed or closed first."""

    def __init__(self, records: Path) -> None:
        self.records = records
        self.recovered = recover(records)
        self.lines = read_ledger(records)

    def view(self) -> View:
        """All lines as a table."""
        return History(self.lines).view()

    def filter(
        self,
        status: str = "",
        grant: str = "",
        notebook: str = "",
        since: str = "",
        until: str = "",
        limit: int = 0,
    ) -> Any:
        """A form that asks for some records, as `LedgerQuery` has them. Raises InvalidParameters."""
        from xacct_nb.jupyter.history_form import HistoryForm

        wanted = LedgerQuery(status, grant, notebook, since, until, limit)
        return HistoryForm(self.lines, wanted, live=FOLDER_VARIABLE not in os.environ)

    def show(self, name: str = "") -> Shown:
        """One record whole, the newest where none is named. Raises UnknownRecord."""
        if not name and not self.lines:
            return History(())
        return read_record(self.records, name or self.lines[-1]["id"])

    def compare(self, first: str = "", second: str = "") -> Comparison:
        """What differs between two records: where none is named the newest, and the one before it.

        Raises UnknownRecord.
        """
        ids = [line["id"] for line in self.lines]
        later = find_record(self.records, second).name if second else ids[-1] if ids else ""
        before = ids[: ids.index(later)][-1:] if later in ids else []
        if not (first or before):
            return Comparison("", later, ())
        return self.compared(first or before[0], later)

    def compared(self, first: str, second: str) -> Comparison:
        """What differs between two records. Raises UnknownRecord."""
        return compare(read_record(self.records, first), read_record(self.records, second))

    def verify(self) -> Shown:
        """Whether all is as it was sealed."""
        return verify_ledger(self.records) if self.lines else History(())


def verify_ledger(records: Path, signers: Path | None = None, expected: str = "") -> Verification:
    """Whether all is as it was sealed, signed by one of `signers`, and holds the line of the hash `expected`.

    Raises UnknownRecord where there is no ledger, InvalidKey, MissingTool.
    """
    broken, lines = verify_records(records), ledger_lines(records)
    hashes = [line_hash(line) for line in lines]
    found = tuple(check_signatures(records, signers))
    broken += [each.broken for each in found if each.broken]
    if signers and not any(each.signer for each in found):
        broken.append(f"{LEDGER}: no line of it is signed by one of the signers")
    if expected and expected not in hashes:
        broken.append(f"{LEDGER}: has no line of the hash {expected}: it was cut off, or written anew")
    last = hashes[-1] if hashes else ""
    return Verification(len(lines), last, tuple(broken), tuple(_signed(each, len(lines)) for each in found))


def export_record(records: Path, name: str, file: Path) -> Path:
    """Writes a record's page as one HTML or PDF file, as the ending of the file's name says.

    Raises UnknownRecord, also for a record that was changed since it was sealed; InvalidParameters where
    there is such a file; MissingTool where nothing here makes PDF.
    """
    folder = find_record(records, name)
    if broken := broken_record(records, name):
        raise UnknownRecord(
            f"The record {folder.name!r} is not as it was sealed, and is not handed on.",
            why="; ".join(broken),
            hint="xacct-nb records verify looks at all of them.",
        )
    page = (folder / PAGE).read_bytes()
    made = _FORMS.get(file.suffix.lower())
    if made is None or os.path.exists(file):
        raise InvalidParameters(
            f"The record cannot be written to {str(file)!r}.",
            why="It is there already." if made else f"A record is written as {' or '.join(_FORMS)}.",
            hint="Name another file with -o.",
        )
    content = made(page)
    try:
        file.write_bytes(content)
    except OSError as problem:
        raise InvalidParameters(
            f"The record cannot be written to {str(file)!r}.",
            why=str(problem.strerror),
            hint="Name another file with -o.",
        ) from problem
    return file


def _pdf(page: bytes) -> bytes:
    from xacct_nb.jupyter.pdf import to_pdf

    return to_pdf(page)


_FORMS: dict[str, Callable[[bytes], bytes]] = {".html": bytes, ".pdf": _pdf}


def _signed(found: Signature, count: int) -> str:
    who = f"signed by {found.signer}" if found.signer else "signed, by whom only --signers says"
    return f"Lines 1 to {found.line} of {count} ({found.record}): {who}"


def show_ledger(records: str = "") -> Ledger:
    """The ledger of a records folder as a table; says so where nothing was recorded yet."""
    return Ledger(records_folder(records))
