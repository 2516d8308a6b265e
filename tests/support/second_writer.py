"""Another actor that changes AWS while an apply or a rollback is in progress."""

from collections.abc import Callable
from typing import Any

from xacct_nb.changes.journal import Entry


class SecondWriter:
    """A journal that changes AWS once: right after the first call, or right before a call of `before`."""

    def __init__(self, write: Callable[[], Any], before: str = "") -> None:
        self.write, self.before, self.results = write, before, list[Any]()

    def append(self, entry: Entry) -> None:
        now = entry.operation == self.before if self.before else entry.answer == "made"
        if now and not self.results:
            self.results = [self.write()]
