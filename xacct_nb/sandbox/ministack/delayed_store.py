"""MiniStack's stores of IAM, in which a change can take effect later for the authorization of calls.

`tests/test_sandbox_faults.py` fails when another MiniStack keeps them elsewhere.
"""

import time
from collections import UserDict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam

Key = tuple[str, str]
"""(account, name or ARN), by which MiniStack keeps its entries."""

_STORES = ("_users", "_roles", "_policies", "_groups", "_user_inline_policies", "_group_inline_policies")
_deciding: ContextVar[bool] = ContextVar("_deciding", default=False)


@contextmanager
def deciding() -> Iterator[None]:
    """Read only changes in effect within this block, or the function that this decorates, in this task."""
    token = _deciding.set(True)
    try:
        yield
    finally:
        _deciding.reset(token)


class DelayedStore(UserDict[Any, Any]):
    """A store of MiniStack; within `deciding` its entries stay as they were until a change takes effect."""

    def __init__(self, entries: dict[Any, Any]) -> None:
        super().__init__(entries)
        self._before: dict[Any, list[tuple[float, Any]]] = {}

    def image(self, key: Key) -> Any:
        """Return a copy of the entry for `delay`; None if there is none."""
        return deepcopy(self.data.get(key))

    def delay(self, key: Key, before: Any, seconds: float) -> None:
        """Show the entry as it was before for so many seconds."""
        self._before.setdefault(key, []).append((time.monotonic() + seconds, before))

    def clear(self) -> None:
        """Remove all entries and delays."""
        self.data.clear()
        self._before.clear()

    def __getitem__(self, key: Any) -> Any:
        if (seen := self._seen(key)) is None:
            raise KeyError(key)
        return seen

    def __contains__(self, key: object) -> bool:
        return self._seen(key) is not None

    def __iter__(self) -> Iterator[Any]:
        known = dict.fromkeys([*self.data, *(self._before if _deciding.get() else ())])
        return iter([key for key in known if key in self])

    def _seen(self, key: Any) -> Any:
        waiting = self._before.get(key) if _deciding.get() else None
        while waiting and waiting[0][0] <= time.monotonic():
            waiting.pop(0)
        return waiting[0][1] if waiting else self.data.get(key)


class DelayedStores:
    """The stores of IAM by MiniStack's names, DelayedStore until `close`; calls are authorized by them."""

    def __init__(self) -> None:
        self.stores = {name: DelayedStore(getattr(iam, name)._data) for name in _STORES}
        for name, store in self.stores.items():
            getattr(iam, name)._data = store
        self._enforce = iam_evaluator.enforce
        iam_evaluator.enforce = deciding()(self._enforce)

    def close(self) -> None:
        """Put all changes into effect."""
        for name, store in self.stores.items():
            getattr(iam, name)._data = store.data
        iam_evaluator.enforce = self._enforce
