"""Journaled calls: each call that changes AWS is noted before it is made, and again with its response."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from xacct_nb.aws.clock import utc
from xacct_nb.aws.polling import Wait
from xacct_nb.aws.preconditions import find_conflict
from xacct_nb.aws.sessions import Sessions, translate_errors
from xacct_nb.changes.journal import Entry
from xacct_nb.changes.plan import Change
from xacct_nb.errors import AwsRefused
from xacct_nb.redaction.redact import mask_secrets

Response = dict[str, Any]
RecoverResponse = Callable[[], Response | None]
"""Returns the response that a call would have had, if it took effect and its response was lost, else None."""

MADE_WITHOUT_RESPONSE = "made, its answer was lost"
_CREATES = ("CreateRole", "CreatePolicy")
_BUSY = ("Throttling", "ThrottlingException", "RequestLimitExceeded")


class EntrySink(Protocol):
    """Takes journal entries as calls happen, such as a list; each call comes before it is made and after."""

    def append(self, entry: Entry, /) -> None: ...


class JournaledClient:
    """Makes the calls that change AWS and journals each; retries for `patience` seconds until IAM is ready.

    Before a retry, it checks whether another actor changed the resource. If so, the call fails, and
    `conflict` describes the change.
    """

    def __init__(self, sessions: Sessions, sink: EntrySink | None, patience: float) -> None:
        self.sessions, self.patience = sessions, patience
        self.sink: EntrySink = [] if sink is None else sink
        self.entries: list[Entry] = []
        self.conflict = ""

    def call(
        self,
        change: Change,
        operation: str,
        *,
        kept: Any = None,
        recover: RecoverResponse | None = None,
        **parameters: Any,
    ) -> Response:
        """Make one call in the change's account and return its response. Raises AwsRefused.

        A call that must not be made twice has `recover`, which is tried after each failure.
        """
        iam = self.sessions.admin(change.account, "iam")
        name = iam.meta.method_to_api_mapping[operation]
        entry = Entry(utc(), change.account, name, change.title, kept=mask_secrets(kept))
        self.sink.append(entry)
        if recover:
            # botocore calls the first handler first; its False stops the retries of this operation.
            event = f"needs-retry.iam.{name}"
            iam.meta.events.register_first(event, lambda **_: False, unique_id=f"xacct-once-{name}")
        wait = Wait(f"{name} {change.title}", self.patience)
        try:
            response = self._retry(change, wait, lambda: getattr(iam, operation)(**parameters), recover)
        except AwsRefused as problem:
            self._note(entry, wait, problem.aws_code, problem.request_id)
            raise
        meta = response.get("ResponseMetadata")
        self._note(entry, wait, "made" if meta else MADE_WITHOUT_RESPONSE, (meta or {}).get("RequestId", ""))
        return response

    def tries(self, change: Change) -> int:
        """Return how often a call was made for this change."""
        key = (change.account, change.title)
        return sum(entry.tries for entry in self.entries if (entry.account, entry.target) == key)

    def note(self, entry: Entry) -> None:
        """Add an entry to the journal, and pass it to the sink."""
        self.entries.append(entry)
        self.sink.append(entry)

    def _retry(
        self, change: Change, wait: Wait, call: Callable[[], Response], recover: RecoverResponse | None
    ) -> Response:
        while True:
            try:
                with translate_errors(wait.what):
                    return call()
            except AwsRefused as problem:
                # boto3's own retries of a call with `recover` are off: AWS was busy, or sent no response.
                boto3_would = problem.aws_code in _BUSY or may_have_taken_effect(problem)
                again = (self._is_passing(problem) or (recover and boto3_would)) and wait.pause()
                if recover and (response := recover()):
                    return response
                if not again:
                    raise
                if conflict := find_conflict(self.sessions, change):
                    self.conflict = conflict
                    raise AwsRefused(
                        f"{problem.what} Meanwhile {conflict}.",
                        aws_code=problem.aws_code,
                        request_id=problem.request_id,
                    ) from problem.__cause__

    def _note(self, entry: Entry, wait: Wait, answer: str, request_id: str) -> None:
        wait.close()
        done = replace(entry, answer=answer, request_id=request_id, seconds=wait.seconds, tries=wait.tries)
        self.note(done)

    def _is_passing(self, problem: AwsRefused) -> bool:
        """Return whether IAM is eventually consistent here: a new resource is not known everywhere yet."""
        if problem.aws_code == "MalformedPolicyDocument":
            return "Invalid principal" in problem.what
        if problem.aws_code == "NoSuchEntity":
            made = [each for each in self.entries if each.operation in _CREATES and each.answer == "made"]
            return any(each.target.rpartition("/")[2] in str(problem.__cause__) for each in made)
        return problem.aws_code == "ConcurrentModification"


def was_retried(problem: AwsRefused) -> bool:
    """Return whether boto3 made the call more than once: the last error may be due to the first call."""
    return bool(_metadata(problem).get("RetryAttempts"))


def may_have_taken_effect(problem: AwsRefused) -> bool:
    """Return whether AWS sent no response, or failed with a status of 500 or more."""
    no_response = isinstance(problem.__cause__, (ConnectionError, HTTPClientError))
    return no_response or _metadata(problem).get("HTTPStatusCode", 0) >= 500


def _metadata(problem: AwsRefused) -> dict[str, Any]:
    cause = problem.__cause__
    return dict(cause.response.get("ResponseMetadata", {})) if isinstance(cause, ClientError) else {}
