"""Snapshots as files: what one owner writes and the other reads; no secret is in them."""

import json
from pathlib import Path

from xacct_nb.diagnosis.snapshot import Snapshot, no_snapshot


def read_snapshot(path: str | Path) -> Snapshot:
    """The snapshot in a file. Raises InvalidSnapshot."""
    try:
        given = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        why = str(getattr(problem, "strerror", "") or "It is not JSON.")
        raise no_snapshot(f"{path}: {why}") from problem
    return Snapshot.from_json(given)


def write_snapshot(snapshot: Snapshot, path: str | Path) -> Path:
    """Writes the snapshot for the other owner, readable by this user alone; external IDs are fingerprints."""
    place = Path(path).expanduser()
    place.parent.mkdir(parents=True, exist_ok=True)
    place.touch(mode=0o600)
    words = json.dumps(snapshot.to_json(), indent=1, ensure_ascii=False) + "\n"
    place.write_text(words, encoding="utf-8", errors="backslashreplace")
    return place.absolute()
