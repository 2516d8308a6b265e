"""A question about a world: may this principal do that? AWS answers it, by real calls."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xacct_nb.iam.arns import Arn


@dataclass(frozen=True)
class AssumeCall:
    """One AssumeRole: the ARN of the role, and further parameters as boto3's `assume_role` takes them."""

    role: str
    parameters: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Question:
    """May `who`, through the roles that are assumed one after the other, make the last call?

    `who` is a profile of the world. With an `action`, the call is that one on `resource`, with the last
    session; without one, it is the last AssumeRole. `through` holds ARNs of roles or AssumeCalls. `expected`
    is True where AWS must allow it. `because` tells the participant why. `parameters` are those of the
    action's call, where the resource does not give them. With `simulated`, IAM's policy simulator is asked
    what the policies of the last role, else of `who`, alone allow, for what cannot be called yet;
    `parameters` are then its own, such as ContextEntries.
    """

    who: str
    expected: bool
    through: tuple[AssumeCall | str, ...] = ()
    action: str = ""
    resource: str = ""
    because: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict, repr=False)
    simulated: bool = False

    @property
    def calls(self) -> tuple[AssumeCall, ...]:
        """Return the roles in their order, each as a call of AssumeRole."""
        return tuple(AssumeCall(each) if isinstance(each, str) else each for each in self.through)

    @property
    def text(self) -> str:
        """Return the question for a person."""
        roles = ", then ".join(_text_of(each) for each in self.calls)
        if not self.action:
            return f"{self.who} assumes {roles}"
        about = f" on {name_of(self.resource)}" if self.resource not in ("", "*") else ""
        if self.simulated:
            return f"the policies of {roles or self.who} alone: {self.action}{about}"
        return f"{self.who}{f' as {roles}' if roles else ''} calls {self.action}{about}"


@dataclass(frozen=True)
class Reply:
    """What AWS answered: allowed or not (None: no answer could be had), with its error code and message.

    `at` is the number of the AssumeCall that failed, from 0; None where it was the action, or nothing failed.
    """

    question: Question
    allowed: bool | None
    code: str = ""
    message: str = ""
    at: int | None = None

    @property
    def as_expected(self) -> bool:
        """Return whether AWS answered as the question expects it."""
        return self.allowed is self.question.expected

    @property
    def text(self) -> str:
        """Return the answer in short: allowed, or AWS's error code."""
        return "allowed" if self.allowed else self.code or "denied"


def _text_of(call: AssumeCall) -> str:
    """Return the role of a call for a person, with what else decides whether AWS accepts it."""
    seconds = call.parameters.get("DurationSeconds")
    code = " with an MFA code" if "TokenCode" in call.parameters else ""
    return f"{name_of(call.role)}{code}{f' for {seconds} seconds' if seconds else ''}"


def name_of(arn: str) -> str:
    """Return the resource of an ARN, such as role/reader or bucket/key; what is no ARN stays as it is."""
    return Arn.parse(arn).resource if arn.startswith("arn:") else arn
