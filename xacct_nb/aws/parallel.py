"""Calls that do not depend on each other, made at the same time."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Found = TypeVar("Found")


def each_at_once(function: Callable[[Given], Found], items: Iterable[Given], *, threads: int) -> list[Found]:
    """Return the function's results in order, from at most so many threads.

    Where no thread can be started, such as in a browser tab, the calls are made one after the other.
    """
    given = list(items)
    with ThreadPoolExecutor(threads) as pool:
        try:
            found = pool.map(function, given)
        except RuntimeError:  # can't start new thread
            return [function(each) for each in given]
        return list(found)
