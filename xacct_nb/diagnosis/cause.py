"""A cause of a denial: its code, its side, why, what to do, and how sure that is."""

import re
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Annotated

from pydantic import Field

from xacct_nb.diagnosis.attempt import ASSUME, FEDERATED_ACTIONS
from xacct_nb.diagnosis.fixes.fix import NO_FIX, Fix

CLIENT, SOURCE, DESTINATION, ORGANIZATION = "client", "source", "destination", "organization"
CERTAIN, LIKELY, POSSIBLE = "certain", "likely", "possible"
CONFIDENCES = (CERTAIN, LIKELY, POSSIBLE)


@dataclass(frozen=True)
class KnownCause:
    """A cause in general terms; `numbers` are its numbers in the list of failures ("A1", "C6 G5").

    `text` is a pattern of error texts that show this cause, and `sure` the confidence from such a text.
    `policy_type` is the kind of policy that AWS names for it, if AWS names one. `actions` are the denied
    actions that it can be a cause of, empty for every action, and `signed` says that it needs a caller, whom
    the unsigned forms of AssumeRole do not have.
    """

    numbers: str
    code: str
    side: str
    _: KW_ONLY
    why: str
    mend: str
    text: str = ""
    sure: str = CERTAIN
    policy_type: str = ""
    actions: tuple[str, ...] = ()
    signed: bool = False

    def holds_for(self, action: str) -> bool:
        """Return whether this can be a cause of the denial of an action; "" is sts:AssumeRole."""
        named = (action or ASSUME).lower()
        if self.signed and named in map(str.lower, FEDERATED_ACTIONS):
            return False
        return not self.actions or named in map(str.lower, self.actions)

    def matches(self, error_text: str) -> bool:
        """Return whether an error text shows this cause."""
        return bool(self.text) and re.search(self.text, error_text) is not None


def only_for(actions: tuple[str, ...], causes: tuple[KnownCause, ...]) -> tuple[KnownCause, ...]:
    """Return these causes as causes of the denial of these actions only."""
    return tuple(replace(each, actions=actions) for each in causes)


@dataclass(frozen=True)
class ComparedElement:
    """One element of the statement behind a cause, as the policy wants it and as the request has it.

    `statement` is where it stands; `holds` says whether they match, None where the value is not known.
    """

    statement: str
    element: str
    wanted: str
    got: str
    holds: bool | None


@dataclass(frozen=True)
class Cause:
    """One cause of this denial.

    `why` names the statement and the value, `mend` says what to change, and `commands` do it: for the AWS CLI
    with an administrator's profile of that side, or in the caller's own shell (client, and `sts`). `fix` is
    what the commands are made from; it holds secrets, and is neither shown nor written. `nearest` is the
    statement that decided or that comes nearest, element by element.

    `works` says whether the request is allowed with the mend, as the edited policies are evaluated; None
    where that cannot be shown. `obstacle` is then what denies it, or what was not read. `lets_in` are those
    who may do more by it, `takes_from` is what somebody might lose.
    """

    code: str
    side: str
    why: str
    mend: str
    confidence: str
    commands: tuple[str, ...] = ()
    works: bool | None = None
    obstacle: str = ""
    lets_in: tuple[str, ...] = ()
    takes_from: tuple[str, ...] = ()
    fix: Annotated[Fix, Field(exclude=True)] = field(default=NO_FIX, repr=False, compare=False)
    nearest: tuple[ComparedElement, ...] = ()

    @property
    def effect(self) -> str:
        """What the mend does, in words; "" for one that was not evaluated."""
        if self.works is None and not self.obstacle:
            return ""
        who = f" It lets in {', '.join(self.lets_in)}, and nobody else." if self.lets_in else ""
        return (
            f"With this mend {outcome(self.works, self.obstacle)}"
            + who
            + (" Nobody loses access." if who else "")
        )


def outcome(works: bool | None, obstacle: str) -> str:
    """Return in a sentence whether the request is allowed with a mend, and what denies it if not."""
    if works:
        return "the request is allowed, as far as what was read decides it."
    start = (
        "it cannot be shown that the request is allowed" if works is None else "the request is still denied"
    )
    return f"{start}: {obstacle.rstrip('.')}."
