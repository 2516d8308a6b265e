"""JSON files that came from others: read with limits of size and depth, refused where not plain."""

import json
from pathlib import Path
from typing import Any

from xacct_nb.storage.bounded_read import read_small


def read_plain_json(path: Path, *, longest: int, deepest: int) -> Any:
    """Return the content of a JSON file of at most `longest` bytes and `deepest` levels.

    Raises OSError, and ValueError where it is not JSON, or has a field twice, NaN, or half a character.
    """
    return parse_plain_json(read_small(path.expanduser(), most=longest), deepest=deepest)


def parse_plain_json(content: bytes, *, deepest: int) -> Any:
    """Return what JSON of at most `deepest` levels says.

    Raises ValueError where it is not JSON, or has a field twice, NaN, or half a character.
    """
    try:
        given = json.loads(content.decode("utf-8-sig"), parse_constant=_refuse, object_pairs_hook=_once)
        json.dumps(given, ensure_ascii=False).encode()  # half of a surrogate pair is no text
        _check_depth(given, deepest)
    except (RecursionError, RuntimeError) as problem:
        raise ValueError(str(problem)) from problem
    return given


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
