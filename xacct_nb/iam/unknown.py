"""Condition keys whose value is not known, and what can be said of a request in spite of them."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from xacct_nb.errors import InvalidInput

Default = TypeVar("Default")


class UnknownValue(tuple[str, ...]):
    """The values of a key that is not known: a tuple without items, so that nothing is compared with it.

    Where a part of the one value is known, it is `front`, then nothing or an IAM path, then `end`. Without a
    `front` the key may have any value, several, or none.
    """

    front: str
    end: str

    def __new__(cls, front: str = "", end: str = "") -> "UnknownValue":
        made = super().__new__(cls)
        made.front, made.end = front, end
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnknownValue) and (self.front, self.end) == (other.front, other.end)

    def __hash__(self) -> int:
        return hash((self.front, self.end))

    @property
    def is_partial(self) -> bool:
        """Return whether a part of the value is known; such a key is there, and has one value."""
        return bool(self.front)


ANY_VALUE = UnknownValue()
# The `aws:userid` of a user or role of which only the ARN is given: it is always there, with an unknown id.
UNREAD_ID = UnknownValue()


class UnknownKeys(dict[str, tuple[str, ...]]):
    """The keys of a request in lower case, some of which are not known: those get `ANY_VALUE`."""

    def __init__(self, keys: Mapping[str, tuple[str, ...]], names: Iterable[str]) -> None:
        super().__init__(keys)
        lowered = [name.lower() for name in names]
        self._names = frozenset(lowered)
        self._starts = tuple(name[:-1] for name in lowered if name.endswith("*"))

    def get(self, key: str, default: Any = None) -> Any:
        """Return the values of a key, `ANY_VALUE` where it is not known."""
        found = super().get(key)
        if found is not None and found is not UNREAD_ID:
            return found
        if key in self._names or key.startswith(self._starts):
            return ANY_VALUE
        return default if found is None else found


def with_unknown(
    keys: Mapping[str, tuple[str, ...]], given: Mapping[str, Any], names: Iterable[str]
) -> Mapping[str, tuple[str, ...]]:
    """Return the keys of a request with those of these names as not known.

    A name is a key, or ends with `*` for all keys that begin so. What the caller gave stays; a key that
    follows from the principal is unknown only where its whole name is given. Raises InvalidInput.
    """
    if not isinstance(names, (list, tuple, set, frozenset)) or not all(map(_is_name, names)):
        raise InvalidInput(
            "unknown_keys is not a list of condition keys.",
            why="Each is the name of a key, such as aws:SourceIp; a * may stand at its end.",
            hint='Write it like ["aws:SourceIp", "aws:RequestTag/*"], or ["*"].',
        )
    stated = {key.lower() for key in given}
    unknown = {name.lower() for name in names} - stated
    return UnknownKeys({key: values for key, values in keys.items() if key not in unknown}, unknown)


def _is_name(name: object) -> bool:
    return isinstance(name, str) and bool(name) and "*" not in name[:-1]
