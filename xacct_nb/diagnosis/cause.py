"""A cause of a denial: its code, whose side it is on, why, the mend, and how sure that is."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

CLIENT, SOURCE, DESTINATION, ORGANIZATION = "client", "source", "destination", "organization"
CERTAIN, LIKELY, POSSIBLE = "certain", "likely", "possible"
CONFIDENCES = (CERTAIN, LIKELY, POSSIBLE)


@dataclass(frozen=True)
class Known:
    """A known cause in general words: `entries` are its places in the catalogue of failures (A1, C10).

    `text` is a pattern of the error text that tells it; `sure` how sure that text alone is; `policy_type` the
    kind of policy that AWS names for it, where it names one.
    """

    entries: tuple[str, ...]
    code: str
    side: str
    why: str
    mend: str
    text: str = ""
    sure: str = CERTAIN
    policy_type: str = ""

    def told_by(self, words: str) -> re.Match[str] | None:
        """The place in an error text that tells this cause."""
        return re.search(self.text, words) if self.text else None


@dataclass(frozen=True)
class Cause:
    """One cause of this denial.

    `why` names the statement and the value, `mend` says what to change, and `commands` do it: for the AWS CLI
    with an administrator's profile of that side, or in the caller's own shell (client, and `sts`).
    """

    code: str
    side: str
    why: str
    mend: str
    confidence: str
    commands: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self) | {"commands": list(self.commands)}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "Cause":
        """The Cause that `to_json` was made from."""
        return cls(**{**given, "commands": tuple(given["commands"])})


def known(entries: str, code: str, side: str, why: str, mend: str, **more: str) -> Known:
    """A row of the catalogue; `entries` are separated by spaces."""
    return Known(tuple(entries.split()), code, side, why, mend, **more)
