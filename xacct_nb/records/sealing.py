"""How records are sealed and verified: the sums of their files, and the chained lines of the ledger."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from xacct_nb.iam.canonical import canonical_json
from xacct_nb.records.fields import RecordFields

FIRST_PREVIOUS = "0" * 64
_LINE = ("id", "status", "notebook", "started", "grant", "digest", "summary", "seal", "previous")


def text_hash(text: str) -> str:
    """Return the hash of a ledger line, or of a SHA256SUMS file: the `previous` and `seal` of a line."""
    return _sha256(text.encode())


def seal(files: Mapping[str, bytes]) -> str:
    """Return the content of SHA256SUMS, as `sha256sum -c` reads it."""
    return "".join(f"{_sha256(files[name])}  {name}\n" for name in sorted(files))


def broken_seals(sums: str, files: Mapping[str, bytes]) -> list[str]:
    """Return the files that were changed, removed or added since sealing, each as `NAME: what`."""
    lines = (line.partition("  ") for line in sums.splitlines())
    sealed = {name: digest for digest, _, name in lines if name}
    changed = [
        f"{name}: was changed"
        for name, digest in sorted(sealed.items())
        if name in files and _sha256(files[name]) != digest
    ]
    missing = [f"{name}: is missing" for name in sorted(set(sealed) - set(files))]
    added = [f"{name}: was added" for name in sorted(set(files) - set(sealed))]
    return [*changed, *missing, *added]


def ledger_line(record: RecordFields, sums: str, previous: str) -> str:
    """Return a record's line in the ledger, with the hash of its sums and the hash of the line before."""
    return canonical_json(
        {
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
    )


def parse_ledger_line(line: str) -> dict[str, Any] | None:
    """Return a line of the ledger as data, None where it is not one."""
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    texts = isinstance(fields, dict) and all(isinstance(fields.get(name), str) for name in _LINE)
    return fields if texts and is_file_name(fields["id"]) else None


def is_file_name(text: str) -> bool:
    """Return whether the text names a file in a folder, and no path out of it."""
    return text not in ("", ".", "..") and not set(text) & {"/", "\\", "\0"}


def broken_links(lines: Iterable[str]) -> list[str]:
    """Return the ledger lines that were changed, moved or removed, each as `line N (ID): what`."""
    found, previous, every = [], FIRST_PREVIOUS, list(lines)
    positions = {text_hash(line): f"after line {number}" for number, line in enumerate(every, start=1)}
    positions[FIRST_PREVIOUS] = "as the first"
    for number, line in enumerate(every, start=1):
        fields = parse_ledger_line(line)
        if fields is None:
            found.append(f"line {number}: is not a ledger line")
        elif canonical_json(fields) != line:
            found.append(f"line {number} ({fields['id']}): was changed")
        elif (link := fields["previous"]) != previous:
            moved = f"was moved, it was written {positions[link]}" if link in positions else ""
            found.append(f"line {number} ({fields['id']}): {moved or 'does not follow from the line before'}")
        previous = text_hash(line)
    return found


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
