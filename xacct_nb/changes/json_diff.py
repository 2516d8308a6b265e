"""The differences between two values of JSON-like data, with the path of each."""

from collections.abc import Iterator, Mapping
from itertools import islice

from xacct_nb.iam.canonical import canonical_json

_MAX_DIFFERENCES, _MAX_LENGTH = 5, 80
_MISSING = object()


def json_diff(was: object, now: object) -> tuple[str, ...]:
    """Return each path with both values, such as `Statement[0].Effect was "Allow", is "Deny"`.

    Of many differences the first five are returned, then how many more there are.
    """
    every = _differences("", was, now)
    shown, more = list(islice(every, _MAX_DIFFERENCES)), sum(1 for _ in every)
    return (*shown, *([f"{more} more differences"] if more else []))


def _differences(path: str, was: object, now: object) -> Iterator[str]:
    if was == now:
        return
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in {**was, **now}:
            inner = f"{path}.{key}" if path else str(key)
            yield from _differences(inner, was.get(key, _MISSING), now.get(key, _MISSING))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for number, (old, new) in enumerate(zip(was, now, strict=True)):
            yield from _differences(f"{path}[{number}]", old, new)
    else:
        yield f"{path} was {_shorten(was)}, is {_shorten(now)}".lstrip()


def _shorten(value: object) -> str:
    text = "nothing" if value is None or value is _MISSING else canonical_json(value)
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}..."
