"""Snapshot files, which one owner writes and the other reads; they hold no secret."""

import json
from pathlib import Path
from typing import Any

from xacct_nb.diagnosis.snapshot import Snapshot, no_snapshot
from xacct_nb.storage.bounded_read import read_small
from xacct_nb.validation import truncate

_LONGEST, _DEEPEST = 20_000_000, 50  # bytes; levels of lists and mappings


def read_snapshot(path: str | Path) -> Snapshot:
    """Return the snapshot in a file. Raises InvalidSnapshot."""
    try:
        content = read_small(Path(path).expanduser(), most=_LONGEST)
        given = json.loads(content.decode("utf-8-sig"), parse_constant=_refuse, object_pairs_hook=_once)
        json.dumps(given, ensure_ascii=False).encode()  # half of a surrogate pair is no text
        _check_depth(given, _DEEPEST)
    except (OSError, ValueError, RecursionError, RuntimeError) as problem:
        why = str(getattr(problem, "strerror", "") or "It is not JSON.")
        raise no_snapshot(f"{truncate(str(path))}: {why}") from problem
    return Snapshot.from_json(given)


def _refuse(constant: str) -> None:
    raise ValueError(constant)  # NaN and Infinity are no JSON


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the fields, none of which may be there twice: one of the two values would be lost."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError
    return fields


def _check_depth(value: Any, most: int) -> None:
    """Raise ValueError where lists and mappings are nested more deeply: no policy is."""
    if most == 0:
        raise ValueError
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in items:
        _check_depth(item, most - 1)


def write_snapshot(snapshot: Snapshot, path: str | Path) -> Path:
    """Write the snapshot for the other owner, readable by this user only; external IDs are fingerprints."""
    file = Path(path).expanduser()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    text = json.dumps(snapshot.to_json(), indent=1, ensure_ascii=False) + "\n"
    file.write_text(text, encoding="utf-8", errors="backslashreplace")
    return file.absolute()
