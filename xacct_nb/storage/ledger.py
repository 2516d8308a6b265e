"""Records on disk: bundles that are written once, and the ledger that chains them."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from xacct_nb.errors import NotSealed, UnknownRecord
from xacct_nb.records.fields import RECORD, SUMS
from xacct_nb.records.model import Record
from xacct_nb.records.repair_entry import RepairEntry, parse_repair, repairs_in, strict_json
from xacct_nb.records.sealing import (
    broken_links,
    broken_seals,
    ledger_line,
    parse_ledger_line,
    record_content,
    seal,
    text_hash,
)
from xacct_nb.storage import chain
from xacct_nb.storage.approval_files import APPROVALS, broken_approvals
from xacct_nb.storage.chain import ledger_bytes, ledger_lines, split_lines
from xacct_nb.storage.durable_files import write_file
from xacct_nb.storage.plain_files import hash_plain, kind_of, read_plain, remove_folder, require_folder
from xacct_nb.storage.reserve import release
from xacct_nb.storage.run_folder import HANDOFFS, WORK, remove_run_folder
from xacct_nb.storage.signed_approvals import broken_signatures
from xacct_nb.validation import truncate

LEDGER = chain.LEDGER
_TRUNCATED = "its last line is truncated"
# Jupyter's copies of the files that someone opened in JupyterLab: no part of a record.
_CHECKPOINTS = ".ipynb_checkpoints"
# What reading and showing the content of a record raises where others made it.
_NO_RECORD = (OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
_LARGEST, _LARGEST_FILE = 64_000_000, 1_000_000_000  # bytes: what is read as JSON, and what is hashed


def append_record(records: Path, record: Record, files: Mapping[str, bytes]) -> Path:
    """Seal the record and its files as one bundle, append its ledger line, and remove the run's folder.

    Return the record's folder. Raises NotSealed, such as for a full disk; the run's folder is then kept.
    """
    release(records / WORK / record.id)
    try:
        _seal(records, record, {RECORD: record_content(record), **files})
    except OSError as problem:
        raise NotSealed(
            f"The record {record.id!r} could not be sealed.",
            why=str(problem),
            hint=f"Fix the cause. The evidence is kept in {records / WORK / record.id}",
        ) from problem
    remove_run_folder(records, record.id)
    return records / record.id


class LedgerContent(NamedTuple):
    """The records' lines that are whole, each record once; what is wrong with the others, by number."""

    lines: list[dict[str, Any]]
    broken: dict[int, str]


def read_whole_lines(records: Path) -> LedgerContent:
    """Return the whole lines of the ledger, and what is wrong with the others.

    A record that a repair listed again stands where it started. Raises UnknownRecord where the ledger cannot
    be read at all.
    """
    found, broken, is_mended = dict[str, dict[str, Any]](), dict[int, str](), False
    for number, line in enumerate(ledger_lines(records), start=1):
        fields = parse_ledger_line(line)
        if fields and fields["id"] in found:
            broken[number] = "lists a record for the second time"
        elif fields:
            found[fields["id"]] = fields
        elif repair := parse_repair(line):
            is_mended = is_mended or bool(repair[0].again)
        else:
            broken[number] = "is not a ledger line"
    lines = list(found.values())
    return LedgerContent(sorted(lines, key=lambda line: line["started"]) if is_mended else lines, broken)


def read_ledger(records: Path) -> list[dict[str, Any]]:
    """Return the whole lines of the ledger as data. Raises UnknownRecord where it cannot be read at all."""
    return read_whole_lines(records).lines


def find_record(records: Path, name: str) -> Path:
    """Return a record's folder by its id, its path, or the unique start or end of its id.

    Raises UnknownRecord.
    """
    if name and os.path.exists(Path(name) / RECORD):  # unlike Path.exists, it accepts a name of any length
        return Path(os.path.abspath(name))
    ids: list[str] = [line["id"] for line in read_ledger(records)]
    found = [each for each in ids if each == name] or [
        each for each in ids if name and (each.startswith(name) or each.endswith(name))
    ]
    if len(found) == 1:
        return records / found[0]
    many = f"{len(found)} records have ids like this."
    raise UnknownRecord(
        f"No single record matches {name!r}.",
        why=many if found else f"No record in {str(records)!r} has this id.",
        hint="Find the record with: xacct-nb records list",
    )


def read_record(records: Path, name: str) -> Record:
    """Return a record by its id, its path, or the unique start or end of its id. Raises UnknownRecord."""
    folder = find_record(records, name)
    try:
        record = Record.from_json(strict_json(read_file(folder, RECORD, _LARGEST)))
        record.view()  # a part that is not what it should be shows only here
    except _NO_RECORD as problem:
        raise UnknownRecord(
            f"The record {folder.name!r} cannot be read.",
            why=truncate(str(getattr(problem, "strerror", "") or problem)),
            hint="Find the change with: xacct-nb records verify",
        ) from problem
    return record


def read_file(folder: Path, name: str, most: int = _LARGEST_FILE) -> bytes:
    """Return a file of a record; the record's folder is no link. Raises OSError."""
    require_folder(folder)
    return read_plain(folder / name, most)


def verify_records(records: Path) -> list[str]:
    """Return every change since the records were sealed, one line each. Raises UnknownRecord."""
    if not kind_of(records / LEDGER):
        raise UnknownRecord(
            f"There is no ledger in {str(records)!r}.",
            why=f"A records folder holds {LEDGER}.",
            hint="Name the folder with --records.",
        )
    if wrong := chain.wrong_nodes(records):
        return wrong
    with chain.shared_lock(records):
        content = ledger_bytes(records)
        there = {path.name: kind_of(path) for path in _entries(records)}
    lines = split_lines(content)
    known = {line["id"]: line for line in map(parse_ledger_line, lines) if line}
    truncated = [_TRUNCATED] * bool(content and not content.endswith(b"\n"))
    links = [f"{LEDGER}: {broken}" for broken in (*broken_links(lines), *truncated)]
    bundles = [broken for name, line in known.items() for broken in _broken(records / name, line)]
    repairs = [broken for _, repair in repairs_in(lines) for broken in _changed_file(records, repair)]
    others = [f"{name}: {what}" for name in there if (what := _stranger(name, there[name], known))]
    signed = broken_signatures(records, {name: line["seal"] for name, line in known.items()})
    return [*links, *bundles, *repairs, *others, *(broken_approvals(records) or signed)]


def broken_record(records: Path, name: str) -> list[str]:
    """Return the changes to one record, and to its line of the ledger, since then. Raises UnknownRecord."""
    folder = find_record(records, name)
    lines = [line for line in read_ledger(folder.parent) if line["id"] == folder.name]
    broken = [each for line in lines for each in _broken(folder, line)]
    return broken if lines else [f"is not in {LEDGER}"]


def unlisted_records(records: Path) -> list[Path]:
    """Return the folders of records that have no whole line in the ledger."""
    listed = {line["id"] for line in read_ledger(records)}
    if not records.is_dir():
        return []
    with os.scandir(records) as entries:
        names = [each.name for each in entries if each.is_dir(follow_symlinks=False)]
    return [
        records / name for name in sorted(names) if name not in listed and kind_of(records / name / RECORD)
    ]


def sealed_line(folder: Path, previous: str) -> str:
    """Return the line that the ledger has for a whole record; "" where the record does not match its seal."""
    try:
        sums, digests = _sums_and_digests(folder)
        record = Record.from_json(strict_json(read_file(folder, RECORD, _LARGEST)))
    except (OSError, ValueError, TypeError, KeyError):
        return ""
    is_whole = sums and not broken_seals(sums, digests) and not list(_not_files(folder))
    return ledger_line(record, sums, previous) if is_whole and record.id == folder.name else ""


def _seal(records: Path, record: Record, content: Mapping[str, bytes]) -> None:
    sums = seal(content)
    require_folder(records / WORK)
    work = records / WORK / f"{record.id}.bundle"
    remove_folder(work)  # left by a process that was killed
    work.mkdir(parents=True)
    for name, data in (*content.items(), (SUMS, sums.encode())):
        write_file(work / name, data, "xb")
    chain.append_bundle(
        records, work, records / record.id, lambda previous: ledger_line(record, sums, previous)
    )


def _broken(folder: Path, line: Mapping[str, Any]) -> Iterator[str]:
    """Compare the sums with the ledger, the files with the sums, and the record with its ledger line."""
    if (kind := kind_of(folder)) != "folder":
        yield f"{folder.name}: is {f'a {kind}, and no folder' if kind else 'missing'}"
        return
    try:
        others = dict(_not_files(folder))
        sums, digests = _sums_and_digests(folder)
    except OSError as problem:
        yield f"{folder.name}: cannot be read: {problem.filename}: {problem.strerror}"
        return
    broken = broken_seals(sums, digests)
    yield from (f"{folder.name}/{name}: {what}" for name, what in others.items())
    if text_hash(sums) != line["seal"]:
        # Sums that still match every file were computed again, or the ledger was changed.
        yield f"{folder.name}/{SUMS}: was changed" + ("" if broken else f", or its line in {LEDGER} was")
    else:
        yield from (f"{folder.name}/{each}" for each in broken or _line_differences(folder, sums, line))


def _sums_and_digests(folder: Path) -> tuple[str, dict[str, str]]:
    """Return the content of SHA256SUMS, and the digest of every other file. Raises OSError."""
    names = [path.name for path in _entries(folder) if kind_of(path) == "file"]
    sums = read_plain(folder / SUMS, _LARGEST).decode("utf-8", "replace") if SUMS in names else ""
    return sums, {name: hash_plain(folder / name, _LARGEST_FILE) for name in names if name != SUMS}


def _not_files(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield what is in a record's folder and is no file, with what is wrong with it."""
    for path in _entries(folder):
        if (kind := kind_of(path)) != "file":
            yield path.name, f"was added: it is a {kind}" if kind != "folder" else "was added"


def _stranger(name: str, kind: str, known: Mapping[str, Any]) -> str:
    """Return what is wrong with something beside the records, "" for a file, such as a signature."""
    if name in known or name in (WORK, APPROVALS, HANDOFFS) or kind in ("", "file"):
        return ""
    return f"is not in {LEDGER}" if kind == "folder" else f"is a {kind}, and no part of the records"


def _changed_file(records: Path, repair: RepairEntry) -> Iterator[str]:
    """Compare the file of the lines that a repair set aside with the repair's line."""
    try:
        if not kind_of(records / repair.file):
            yield f"{repair.file}: is missing"
        elif hash_plain(records / repair.file, _LARGEST_FILE) != repair.sha256:
            yield f"{repair.file}: was changed"
    except OSError as problem:
        yield f"{repair.file}: cannot be read: {problem.strerror}"


def _entries(folder: Path) -> list[Path]:
    """Return the paths in a folder, without Jupyter's checkpoints."""
    return [
        path
        for path in sorted(folder.iterdir())
        if path.name != _CHECKPOINTS or kind_of(path) not in ("folder", "")
    ]


def _line_differences(folder: Path, sums: str, line: Mapping[str, Any]) -> Iterator[str]:
    try:
        record = Record.from_json(strict_json(read_plain(folder / RECORD, _LARGEST)))
        expected = parse_ledger_line(ledger_line(record, sums, line["previous"]))
    except (OSError, ValueError, TypeError, KeyError):
        yield f"{RECORD}: is not a record"
        return
    if expected != line:
        yield f"{RECORD}: differs from its line in {LEDGER}"
