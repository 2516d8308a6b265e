"""Where a diagnosis looked: in the sandbox, in AWS or at another address, and with which profiles."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.diagnosis.denial import Denial
from xacct_nb.views import Code, Text, View

SANDBOX, AWS = "sandbox", "AWS"
ABOUT_SANDBOX = "The error text was looked up in the sandbox, so this is about the sandbox, not about AWS."
ELSEWHERE = "The sandbox has neither this caller nor this role, so this explains the error text alone."
# A longer text is read from a file.
_LONGEST = 400


@dataclass(frozen=True)
class LookedIn:
    """Where the sides were looked up: `place` is sandbox, AWS or an address, "" where nothing was.

    `profiles` are those that looked, by side; `from_file` are the sides that the other owner sent. `note`
    says what that means for the error text, and `command` looks in AWS.
    """

    place: str = ""
    endpoint: str = ""
    profiles: Mapping[str, str] = field(default_factory=dict)
    from_file: tuple[str, ...] = ()
    note: str = ""
    command: str = ""

    @property
    def text(self) -> str:
        """Where it looked, with which profiles, and what that means for the error text."""
        return " ".join((*self._places(), *((self.note,) if self.note else ())))

    def parts(self) -> Iterator[View]:
        """Yield what stands below the headline of a diagnosis."""
        yield Text(self.text, "note")
        if self.command:
            yield Code("To look in AWS, with your own profiles", self.command)

    def _places(self) -> Iterator[str]:
        where = f"the SANDBOX at {self.endpoint}" if self.place == SANDBOX else self.place
        named = ", ".join(f"{profile} ({side})" for side, profile in self.profiles.items())
        if where:
            yield f"Looked in {where}" + (f", with the profiles: {named}." if named else ".")
        for side in self.from_file:
            yield f"The {side} side is from a file."
        if not (where or self.from_file):
            yield "Nothing was looked up, neither in AWS nor in the sandbox."


NOWHERE = LookedIn()


def command_for_aws(attempt: Attempt, denial: Denial) -> str:
    """Return the command that makes the same diagnosis in AWS, with placeholders for the profiles."""
    text, named = denial.text, {}
    if not denial.caller and attempt.caller:
        named["caller"] = attempt.caller
    if attempt.role and attempt.role not in text:
        named["role"] = attempt.role
    if attempt.is_direct and not denial.resource:
        named |= {"action": attempt.action, "resource": attempt.resource}
    is_short = len(text) <= _LONGEST and "\n" not in text
    parts = [
        "xacct-nb run diagnose_a_denial -p sandbox false",
        "-p source_profiles SOURCE_ADMIN -p destination_profiles DESTINATION_ADMIN -p caller_profiles CALLER",
        *(f"-p {name} {shlex.quote(value)}" for name, value in named.items() if value),
        f"-p error_text {shlex.quote(text)}" if is_short else '-p error_text "$(cat error.txt)"',
    ]
    return " \\\n  ".join(parts)
