"""A lint rule as a row of a table, and the finding that it makes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

WIDENS, WARNING, NOTE = "widens", "warning", "note"
SEVERITIES = (WIDENS, WARNING, NOTE)
# Where something was found, and the word for it in what the rule says.
Hit = tuple[str, str]
Target = TypeVar("Target")


@dataclass(frozen=True)
class Finding:
    """One point: its code, severity, place, why it matters, mend.

    `widens` lets more in than was named and needs a word; a `warning` will not work, or not as it reads; a
    `note` is good to know.
    """

    code: str
    severity: str
    where: str
    why: str
    mend: str


@dataclass(frozen=True)
class Rule(Generic[Target]):
    """What to look for (`find`), and what to say of each hit: `{it}` stands for the hit's word.

    `kinds` are the kinds of policy that it looks at, all if empty; `refused` says that AWS refuses this.
    """

    code: str
    severity: str
    find: Callable[[Target], Iterable[Hit]]
    why: str
    mend: str
    kinds: tuple[str, ...] = ()
    refused: bool = False

    def findings(self, looked: Target) -> Iterator[Finding]:
        """The rule's findings on one policy, statement or grant."""
        for where, it in self.find(looked):
            why, mend = (words.replace("{it}", it) for words in (self.why, self.mend))
            yield Finding(self.code, self.severity, where, why, mend)


def summarize(names: Sequence[str]) -> str:
    """The first three names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
