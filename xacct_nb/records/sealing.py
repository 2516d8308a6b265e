"""How a record is sealed, and how tampering shows: its sums, and the lines of the ledger."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from xacct_nb.iam.canonical import canonical_json
from xacct_nb.records.fields import RecordFields

FIRST_PREVIOUS = "0" * 64


_LINE = ("id", "status", "notebook", "started", "grant", "digest", "summary", "seal", "previous")


def seal(files: Mapping[str, bytes]) -> str:
    """The content of SHA256SUMS, as `sha256sum -c` reads it."""
    return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))


def broken_seals(sums: str, files: Mapping[str, bytes]) -> list[str]:
    """What does not fit the sums: files changed, missing or added. Each as `NAME: what`."""
    lines = (line.partition("  ") for line in sums.splitlines())
    named = {name: digest for digest, _, name in lines if name}
    changed = [
        f"{name}: was changed"
        for name, digest in sorted(named.items())
        if name in files and hashlib.sha256(files[name]).hexdigest() != digest
    ]
    missing = [f"{name}: is missing" for name in sorted(set(named) - set(files))]
    added = [f"{name}: was added" for name in sorted(set(files) - set(named))]
    return [*changed, *missing, *added]


def ledger_line(record: RecordFields, sums: str, previous: str) -> str:
    """The record's line in the ledger: what it was, the hash of its sums, the hash of the line before."""
    return canonical_json(
        {
            "id": record.id,
            "status": record.status,
            "notebook": record.notebook,
            "started": record.started,
            "grant": record.parameters.get("name", ""),
            "digest": record.plan.digest if record.plan else "",
            "summary": record.summary,
            "seal": _sha(sums),
            "previous": previous,
        }
    )


def sums_hash(sums: str) -> str:
    """The hash of a SHA256SUMS file that the ledger holds as `seal`."""
    return _sha(sums)


def line_hash(line: str) -> str:
    """The hash of a ledger line that the next line carries."""
    return _sha(line)


def parse_ledger_line(line: str) -> dict[str, Any] | None:
    """A line of the ledger as data, None where it is not one."""
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    texts = isinstance(fields, dict) and all(isinstance(fields.get(name), str) for name in _LINE)
    return fields if texts and is_file_name(fields["id"]) else None


def is_file_name(words: str) -> bool:
    """Whether this names something in a folder, and leads nowhere else."""
    return words not in ("", ".", "..") and not set(words) & {"/", "\\", "\0"}


def broken_links(lines: Iterable[str]) -> list[str]:
    """The ledger lines that are not as and where they were written, each as `line N (ID): what`."""
    found, previous, every = [], FIRST_PREVIOUS, list(lines)
    places = {line_hash(line): f"after line {number}" for number, line in enumerate(every, start=1)}
    for number, line in enumerate(every, start=1):
        fields = parse_ledger_line(line)
        if fields is None:
            found.append(f"line {number}: is not a ledger line")
        elif canonical_json(fields) != line:
            found.append(f"line {number} ({fields['id']}): was changed")
        elif (link := fields["previous"]) != previous:
            place = places.get(link, "as the first" if link == FIRST_PREVIOUS else "")
            said = f"was moved, it was written {place}" if place else "does not follow from the line before"
            found.append(f"line {number} ({fields['id']}): {said}")
        previous = line_hash(line)
    return found


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
