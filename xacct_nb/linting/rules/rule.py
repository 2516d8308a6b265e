"""A lint rule as a row of a table, and the finding that it makes."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Generic, TypeVar

from xacct_nb.validation import Serializable

WIDENS, WARNING, NOTE = "widens", "warning", "note"
SEVERITIES = (WIDENS, WARNING, NOTE)
# Where the rule applies, and the text for `{it}` in its messages; after a bar, the text for `{more}`.
Hit = tuple[str, str]
Target = TypeVar("Target")
_PLACE = re.compile(r"\{it\}|\{more\}")
Find = Callable[[Target], Iterable[Hit]]


@dataclass(frozen=True)
class Finding(Serializable):
    """One finding: its code, severity, location, why it matters, and how to fix it.

    A finding that `widens` gives access beyond what is named, and the grant must accept it. A `warning` will
    not work, or not as it reads. A `note` is information.
    """

    code: str
    severity: str
    where: str
    why: str
    mend: str


@dataclass(frozen=True)
class Rule(Generic[Target]):
    """A check (`find`) and the messages for each hit, in which `{it}` and `{more}` are replaced by its text.

    `kinds` are the kinds of policy that it applies to, all if empty; `refused`: AWS refuses such a policy.
    """

    code: str
    severity: str
    find: Find[Target]
    kinds: tuple[str, ...] = ()
    _: KW_ONLY
    why: str
    mend: str
    refused: bool = False

    def findings(self, target: Target) -> Iterator[Finding]:
        """Yield the rule's findings on one policy, statement or grant."""
        splits = "{more}" in self.why + self.mend
        for where, hit in self.find(target):
            it, _, more = hit.rpartition("|") if splits else (hit, "", "")
            values = {"{it}": it, "{more}": more}
            why, mend = (_filled(text, values) for text in (self.why, self.mend))
            yield Finding(self.code, self.severity, where, why, mend)


def _filled(text: str, values: dict[str, str]) -> str:
    return _PLACE.sub(lambda found: values[found[0]], text)
