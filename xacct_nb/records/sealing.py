"""How records are sealed and verified: the sums of their files, and the chained lines of the ledger."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from xacct_nb.iam.canonical import canonical_json
from xacct_nb.records.fields import RecordFields
from xacct_nb.records.repair_entry import parse_json, parse_repair, repairs_in

FIRST_PREVIOUS = "0" * 64
_LINE = ("id", "status", "notebook", "started", "grant", "digest", "summary", "seal", "previous")
_RECORD_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,250}")


def text_hash(text: str) -> str:
    """Return the hash of a ledger line, or of a SHA256SUMS file: the `previous` and `seal` of a line."""
    return _sha256(text.encode())


def digests_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the SHA-256 of each file, in hexadecimal digits."""
    return {name: _sha256(content) for name, content in files.items()}


def seal(files: Mapping[str, bytes]) -> str:
    """Return the content of SHA256SUMS, as `sha256sum -c` reads it."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests_of(files).items()))


def broken_seals(sums: str, digests: Mapping[str, str]) -> list[str]:
    """Return the files that were changed, removed or added since sealing, each as `NAME: what`."""
    lines = (line.partition("  ") for line in sums.splitlines())
    sealed = {name: digest for digest, _, name in lines if name}
    changed = [
        f"{name}: was changed"
        for name, digest in sorted(sealed.items())
        if digests.get(name, digest) != digest
    ]
    missing = [f"{name}: is missing" for name in sorted(set(sealed) - set(digests))]
    added = [f"{name}: was added" for name in sorted(set(digests) - set(sealed))]
    return [*changed, *missing, *added]


def record_content(record: RecordFields) -> bytes:
    """Return the content of record.json; half of a surrogate pair, which UTF-8 cannot hold, is an escape."""
    text = json.dumps(record.to_json(), indent=1, ensure_ascii=False) + "\n"
    return text.encode(errors="backslashreplace")


def ledger_line(record: RecordFields, sums: str, previous: str) -> str:
    """Return a record's line in the ledger, with the hash of its sums and the hash of the line before."""
    line: dict[str, str] = {
        "id": record.id,
        "status": record.status,
        "notebook": record.notebook,
        "started": record.started,
        "grant": record.parameters.get("name", ""),
        "digest": record.plan.digest if record.plan else "",
        "summary": record.summary,
        "seal": text_hash(sums),
        "previous": previous,
    }
    more = {"where": record.where.partition(" ")[0], "by": record.host.user}
    return canonical_json(line | {name: more[name] for name in record.listed})


def parse_ledger_line(line: str) -> dict[str, Any] | None:
    """Return a record's line in the ledger as data, None where it is not one."""
    fields = parse_json(line)
    texts = isinstance(fields, dict) and all(isinstance(fields.get(name), str) for name in _LINE)
    return fields if texts and _RECORD_ID.fullmatch(fields["id"]) else None


def is_file_name(text: str) -> bool:
    """Return whether the text names a file in a folder, and no path out of it."""
    return text not in ("", ".", "..") and not set(text) & {"/", "\\", "\0"}


def link_of(line: str) -> tuple[str, str]:
    """Return what a line of a ledger is about, and its `previous`; "" for both where it is not one."""
    if fields := parse_ledger_line(line):
        return str(fields["id"]), str(fields["previous"])
    repair = parse_repair(line)
    return ("a repair", repair[1]) if repair else ("", "")


def broken_links(lines: Iterable[str]) -> list[str]:
    """Return the ledger lines that were changed, moved or removed, each as `line N (ID): what`.

    Where a later repair set lines aside, the line before them and the line after them follow each other.
    """
    found, previous, every = [], FIRST_PREVIOUS, list(lines)
    gaps = {gap: number for number, repair in repairs_in(every) for gap in repair.gaps}
    positions = {text_hash(line): f"after line {number}" for number, line in enumerate(every, start=1)}
    positions[FIRST_PREVIOUS] = "as the first"
    for number, line in enumerate(every, start=1):
        about, link = link_of(line)
        if not about:
            found.append(f"line {number}: is not a ledger line")
        elif about != "a repair" and canonical_json(parse_json(line)) != line:
            found.append(f"line {number} ({about}): was changed")
        elif link != previous and gaps.get((previous, link), 0) <= number:
            moved = f"was moved, it was written {positions[link]}" if link in positions else ""
            found.append(f"line {number} ({about}): {moved or 'does not follow from the line before'}")
        previous = text_hash(line)
    return found


def covered_from(lines: Iterable[str], number: int) -> int:
    """Return the first line that the hash of line `number` covers through the chain.

    It covers what is before a gap only if the repair that notes the gap is covered, too.
    """
    first, previous, every = 1, FIRST_PREVIOUS, list(lines)[:number]
    gaps = {gap for _, repair in repairs_in(every) for gap in repair.gaps}
    for position, line in enumerate(every, start=1):
        link = link_of(line)[1]
        first = first if link == previous or (previous, link) in gaps else position
        previous = text_hash(line)
    return first


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
