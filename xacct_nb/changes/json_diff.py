"""Where two values of JSON-like data differ, place by place, in words."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from xacct_nb.iam.canonical import canonical_json

_MOST, _WIDEST = 5, 80
_MISSING = object()


def json_diff(was: Any, now: Any) -> tuple[str, ...]:
    """Each place with both values, such as `Statement[0].Effect was "Allow", is "Deny"`.

    Of many the first five, and how many there are besides; empty for equals.
    """
    every = _differences("", was, now)
    shown, more = list(islice(every, _MOST)), sum(1 for _ in every)
    return (*shown, *([f"{more} more places"] if more else []))


def _differences(place: str, was: Any, now: Any) -> Iterator[str]:
    if was == now:
        return
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in {**was, **now}:
            yield from _differences(
                f"{place}.{key}" if place else str(key), was.get(key, _MISSING), now.get(key, _MISSING)
            )
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for number, (old, new) in enumerate(zip(was, now, strict=True)):
            yield from _differences(f"{place}[{number}]", old, new)
    else:
        yield f"{place} was {_shown(was)}, is {_shown(now)}".lstrip()


def _shown(value: Any) -> str:
    words = "nothing" if value is None or value is _MISSING else canonical_json(value)
    return words if len(words) <= _WIDEST else f"{words[:_WIDEST]}..."
