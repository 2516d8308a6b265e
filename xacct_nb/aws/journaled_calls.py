"""The one place that writes to AWS, and notes every call before it is made and when it was answered."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from xacct_nb.aws.polling import Wait
from xacct_nb.aws.sessions import Sessions, translate_errors
from xacct_nb.changes.journal import Entry
from xacct_nb.changes.plan import Change
from xacct_nb.errors import AwsRefused
from xacct_nb.redaction.redact import mask_secrets

RecoverResponse = Callable[[], Any]
"""Looks whether a call whose answer was lost took effect: the answer that it would have had, else None."""

FindConflict = Callable[[Sessions, Change], str]
"""Looks what somebody else did to the thing of a change, in words; "" for nothing."""

MADE_WITHOUT_RESPONSE = "made, its answer was lost"
_CREATES = ("CreateRole", "CreatePolicy")
_BUSY = ("Throttling", "ThrottlingException", "RequestLimitExceeded")


class EntrySink(Protocol):
    """Where entries go as they happen: a list, or a file. A call goes there before it is made, too."""

    def append(self, entry: Entry, /) -> None:
        """Takes one entry."""


class JournaledClient:
    """Writes to AWS; a call that IAM is not ready for yet is made again for `patience` seconds.

    Before it is made again, `look` says what somebody did to the thing while it waited: then it is not, and
    `moved` has the words.
    """

    def __init__(
        self,
        sessions: Sessions,
        sink: EntrySink,
        patience: float,
        find_conflict: FindConflict = lambda sessions, change: "",
    ) -> None:
        self.sessions, self.sink, self.patience, self.find_conflict = sessions, sink, patience, find_conflict
        self.entries: list[Entry] = []
        self.conflict = ""

    def call(
        self,
        change: Change,
        operation: str,
        *,
        kept: Any = None,
        found: RecoverResponse | None = None,
        **given: Any,
    ) -> Any:
        """One call on the change's account, whose answer is returned. Raises AwsRefused.

        A call that must not be made twice comes with `found`: after a failure that is asked first.
        """
        iam, name = self.sessions.admin(change.account, "iam"), _name(operation)
        entry = Entry(utc(), change.account, name, change.title, kept=mask_secrets(kept))
        self.sink.append(entry)
        if found:
            _ask_once(iam, name)
        wait = Wait(f"{name} {change.title}", self.patience)
        try:
            answer = self._asked(change, wait, lambda: getattr(iam, operation)(**given), found)
        except AwsRefused as problem:
            self._note(entry, wait, problem.aws_code, problem.request_id)
            raise
        told = answer.get("ResponseMetadata")
        self._note(entry, wait, "made" if told else MADE_WITHOUT_RESPONSE, (told or {}).get("RequestId", ""))
        return answer

    def tries(self, change: Change) -> int:
        """How often a call was made for this change."""
        about = (change.account, change.title)
        return sum(entry.tries for entry in self.entries if (entry.account, entry.target) == about)

    def note(self, entry: Entry) -> None:
        """Keeps an entry and hands it on."""
        self.entries.append(entry)
        self.sink.append(entry)

    def _asked(self, change: Change, wait: Wait, call: RecoverResponse, found: RecoverResponse | None) -> Any:
        while True:
            try:
                with translate_errors(wait.what):
                    return call()
            except AwsRefused as problem:
                passing = self._is_passing(problem) or (found is not None and _may_pass(problem))
                again = passing and wait.again()
                if found and (answer := found()):
                    return answer
                if not again:
                    raise
                self._check_unmoved(change, problem)

    def _check_unmoved(self, change: Change, problem: AwsRefused) -> None:
        if words := self.find_conflict(self.sessions, change):
            self.conflict = words
            what = f"{problem.what} Meanwhile {words}."
            raise AwsRefused(
                what, aws_code=problem.aws_code, request_id=problem.request_id
            ) from problem.__cause__

    def _note(self, entry: Entry, wait: Wait, answer: str, request_id: str) -> None:
        wait.done()
        told = {"answer": answer, "request_id": request_id, "seconds": wait.seconds, "tries": wait.tries}
        self.note(replace(entry, **told))  # type: ignore[arg-type]

    def _is_passing(self, problem: AwsRefused) -> bool:
        """Whether IAM may be behind: what was made a moment ago is not known everywhere yet."""
        if problem.aws_code == "MalformedPolicyDocument":
            return "Invalid principal" in problem.what
        if problem.aws_code == "NoSuchEntity":
            made = (
                entry.target
                for entry in self.entries
                if entry.operation in _CREATES and entry.answer == "made"
            )
            return any(target.rpartition("/")[2] in str(problem.__cause__) for target in made)
        return problem.aws_code == "ConcurrentModification"


def was_retried(problem: AwsRefused) -> bool:
    """Whether boto3 made the call more than once, so that the last answer may be about the first one."""
    cause = problem.__cause__
    told = cause.response.get("ResponseMetadata", {}) if isinstance(cause, ClientError) else {}
    return bool(told.get("RetryAttempts"))


def may_have_taken_effect(problem: AwsRefused) -> bool:
    """Whether AWS gave no answer, or failed while it made one: the call may have taken effect."""
    cause = problem.__cause__
    if isinstance(cause, ClientError):
        return bool(cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500)
    return isinstance(cause, (ConnectionError, HTTPClientError))


def utc() -> str:
    """Now, as it stands in records: 2026-11-24T10:15:00Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _name(operation: str) -> str:
    return "".join(word.title() for word in operation.split("_"))


def _ask_once(client: Any, name: str) -> None:
    """boto3 does not repeat this operation by itself; of several handlers the most special one counts."""
    client.meta.events.register_first(f"needs-retry.iam.{name}", _never, unique_id=f"xacct-once-{name}")


def _never(**about: Any) -> bool:
    return False


def _may_pass(problem: AwsRefused) -> bool:
    """Whether boto3 itself would ask again: AWS is busy or failed, or no answer came."""
    return problem.aws_code in _BUSY or may_have_taken_effect(problem)
