"""Snapshot files, which one owner writes and the other reads; they hold no secret."""

import json
from pathlib import Path

from xacct_nb.diagnosis.snapshot import Snapshot, no_snapshot


def read_snapshot(path: str | Path) -> Snapshot:
    """Return the snapshot in a file. Raises InvalidSnapshot."""
    try:
        given = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        why = str(getattr(problem, "strerror", "") or "It is not JSON.")
        raise no_snapshot(f"{path}: {why}") from problem
    return Snapshot.from_json(given)


def write_snapshot(snapshot: Snapshot, path: str | Path) -> Path:
    """Write the snapshot for the other owner, readable by this user only; external IDs are fingerprints."""
    file = Path(path).expanduser()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    text = json.dumps(snapshot.to_json(), indent=1, ensure_ascii=False) + "\n"
    file.write_text(text, encoding="utf-8", errors="backslashreplace")
    return file.absolute()
