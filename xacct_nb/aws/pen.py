"""The one place that writes to AWS, and notes every call as it happens."""

from datetime import UTC, datetime
from typing import Any, Protocol

from xacct_nb.aws.sessions import Sessions, translated
from xacct_nb.aws.waits import Wait
from xacct_nb.errors import AwsRefused
from xacct_nb.journals import Entry
from xacct_nb.plans import Change
from xacct_nb.shields import shield

_CREATES = ("CreateRole", "CreatePolicy")


class Sink(Protocol):
    """Where entries go as they happen: a list, or a file."""

    def append(self, entry: Entry, /) -> None:
        """Takes one entry."""


class Pen:
    """Writes to AWS; a call that IAM is not ready for yet is made again for `patience` seconds."""

    def __init__(self, sessions: Sessions, sink: Sink, patience: float) -> None:
        self.sessions, self.sink, self.patience = sessions, sink, patience
        self.entries: list[Entry] = []

    def write(self, change: Change, operation: str, *, kept: Any = None, **parameters: Any) -> Any:
        """One call on the change's account, whose answer is returned. Raises AwsRefused."""
        call = getattr(self.sessions.admin(change.account, "iam"), operation)
        name = "".join(word.title() for word in operation.split("_"))
        began, wait = utc(), Wait(f"{name} {change.title}", self.patience)
        while True:
            try:
                with translated(f"{name} {change.title}"):
                    answer = call(**parameters)
                break
            except AwsRefused as problem:
                if not (self._is_passing(problem) and wait.again()):
                    self._note(began, change, name, problem.answer, problem.request_id, wait, None)
                    raise
        self._note(began, change, name, "made", answer["ResponseMetadata"].get("RequestId", ""), wait, kept)
        return answer

    def note(self, entry: Entry) -> None:
        """Keeps an entry and hands it on."""
        self.entries.append(entry)
        self.sink.append(entry)

    def _note(
        self, began: str, change: Change, name: str, answer: str, request_id: str, wait: Wait, kept: Any
    ) -> None:
        wait.done()
        lasted = (wait.seconds, wait.tries)
        self.note(Entry(began, change.account, name, change.title, answer, request_id, *lasted, shield(kept)))

    def _is_passing(self, problem: AwsRefused) -> bool:
        """Whether IAM may be behind: what was made a moment ago is not known everywhere yet."""
        if problem.answer == "MalformedPolicyDocument":
            return "Invalid principal" in problem.what
        if problem.answer == "NoSuchEntity":
            made = (
                entry.target
                for entry in self.entries
                if entry.operation in _CREATES and entry.answer == "made"
            )
            return any(target.rpartition("/")[2] in str(problem.__cause__) for target in made)
        return problem.answer == "ConcurrentModification"


def utc() -> str:
    """Now, as it stands in records: 2026-11-24T10:15:00Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
