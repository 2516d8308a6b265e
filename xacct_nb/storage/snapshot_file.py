"""Snapshot files, which one owner writes and the other reads; they hold no secret."""

import json
from pathlib import Path

from xacct_nb.diagnosis.snapshot import Snapshot, no_snapshot
from xacct_nb.storage.json_file import read_plain_json
from xacct_nb.validation import truncate

_LONGEST, _DEEPEST = 20_000_000, 50  # bytes; levels of lists and mappings


def read_snapshot(path: str | Path) -> Snapshot:
    """Return the snapshot in a file. Raises InvalidSnapshot."""
    try:
        given = read_plain_json(Path(path), longest=_LONGEST, deepest=_DEEPEST)
    except (OSError, ValueError, RuntimeError) as problem:
        why = str(getattr(problem, "strerror", "") or "It is not JSON.")
        raise no_snapshot(f"{truncate(str(path))}: {why}") from problem
    return Snapshot.from_json(given)


def write_snapshot(snapshot: Snapshot, path: str | Path) -> Path:
    """Write the snapshot for the other owner, readable by this user only; external IDs are fingerprints."""
    file = Path(path).expanduser()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    text = json.dumps(snapshot.to_json(), indent=1, ensure_ascii=False) + "\n"
    file.write_text(text, encoding="utf-8", errors="backslashreplace")
    return file.absolute()
