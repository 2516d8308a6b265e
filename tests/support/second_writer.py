"""Somebody else who changes AWS in the middle of what the toolkit does."""

from collections.abc import Callable
from typing import Any

from xacct_nb.changes.journal import Entry


class Meddler:
    """A journal that does something else in AWS right after the first call that it hears of was answered.

    With an operation it does so right before that call is made.
    """

    def __init__(self, meddle: Callable[[], Any], before: str = "") -> None:
        self.meddle, self.before, self.saw = meddle, before, list[Any]()

    def append(self, entry: Entry) -> None:
        now = entry.operation == self.before if self.before else entry.answer == "made"
        if now and not self.saw:
            self.saw = [self.meddle()]
