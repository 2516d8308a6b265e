"""Journaled calls: each call that changes AWS is noted before it is made, and again with its response."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from xacct_nb.aws.clock import utc
from xacct_nb.aws.error_translation import translate_errors
from xacct_nb.aws.polling import Wait
from xacct_nb.aws.preconditions import find_conflict
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.journal import Entry
from xacct_nb.changes.plan import Change
from xacct_nb.errors import AwsBusy, AwsRefused
from xacct_nb.redaction.redact import mask_secrets

Response = dict[str, Any]
FreshParameters = Callable[[], dict[str, Any]]
RecoverResponse = Callable[[], Response | None]
"""Returns the response that a call would have had, if it took effect and its response was lost, else None."""

MADE_WITHOUT_RESPONSE = "made, its answer was lost"
_CREATES = ("CreateRole", "CreatePolicy")


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
        fresh: FreshParameters | None = None,
        **parameters: Any,
    ) -> Response:
        """Make one call in the change's account and return its response. Raises AwsRefused.

        A call that must not be made twice has `recover`, which is tried after each failure. Its name is in
        `retries`, too. Before each try, `fresh` returns what AWS's present state decides of the parameters.
        """
        iam = self.sessions.admin(change.account, "iam")
        name = iam.meta.method_to_api_mapping[operation]
        entry = Entry(utc(), change.account, name, change.title, kept=mask_secrets(kept))
        self.sink.append(entry)
        wait = Wait(f"{name} {change.title}", self.patience)
        try:
            method = partial(getattr(iam, operation), **parameters)
            made = self._merging(wait, method, fresh) if fresh else method
            response = self._retry(change, wait, made, recover, again_when_busy=fresh is not None)
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

    def _merging(
        self, wait: Wait, method: Callable[..., Response], fresh: FreshParameters
    ) -> Callable[[], Response]:
        """Return the call with fresh parameters; botocore would repeat it with those of the first try.

        The reads of `fresh` have a patience of their own.
        """

        def call() -> Response:
            with wait.uncounted():
                parameters = fresh()
            with self.sessions.endpoint.retries.within(0):
                return method(**parameters)

        return call

    def _retry(
        self,
        change: Change,
        wait: Wait,
        call: Callable[[], Response],
        recover: RecoverResponse | None,
        again_when_busy: bool,
    ) -> Response:
        while True:
            try:
                return self._counted(wait, call)
            except AwsRefused as problem:
                lost = (recover or again_when_busy) and may_have_taken_effect(problem)
                busy = again_when_busy and isinstance(problem, AwsBusy)
                again = (self._is_passing(problem) or lost or busy) and wait.pause()
                if recover and (response := recover()):
                    return response
                if not again:
                    raise (_busy(problem, wait) if busy else problem) from problem.__cause__
                with wait.uncounted():
                    conflict = find_conflict(self.sessions, change)
                if conflict:
                    self.conflict = conflict
                    raise AwsRefused(
                        f"{problem.what} Meanwhile {conflict}.",
                        aws_code=problem.aws_code,
                        request_id=problem.request_id,
                    ) from problem.__cause__

    def _counted(self, wait: Wait, call: Callable[[], Response]) -> Response:
        """Make a call, and add to the tries of the wait those that the clients' own retries made."""
        retries = self.sessions.endpoint.retries
        before = retries.count
        try:
            with translate_errors(wait.what):
                return call()
        finally:
            wait.tries += retries.count - before

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


def _busy(problem: AwsRefused, wait: Wait) -> AwsBusy:
    """Return the error of a call that was throttled in each of its tries."""
    what = (
        f"{wait.what}: AWS throttled it for {wait.seconds:.0f} s, in {wait.tries} tries: {problem.aws_code}"
    )
    about = {"aws_code": problem.aws_code, "request_id": problem.request_id}
    unclear = may_have_taken_effect(problem)
    return AwsBusy(what, why=problem.why, hint=problem.hint, unclear=unclear, **about)


def was_retried(problem: AwsRefused) -> bool:
    """Return whether the call was made more than once: the last error may be due to the first call."""
    return isinstance(problem, AwsBusy) or bool(_metadata(problem).get("RetryAttempts"))


def may_have_taken_effect(problem: AwsRefused) -> bool:
    """Return whether AWS sent no response, or failed with a status of 500 or more, in one of the tries."""
    if isinstance(problem, AwsBusy):
        return problem.unclear
    no_response = isinstance(problem.__cause__, (ConnectionError, HTTPClientError))
    return no_response or _metadata(problem).get("HTTPStatusCode", 0) >= 500


def _metadata(problem: AwsRefused) -> dict[str, Any]:
    cause = problem.__cause__
    return dict(cause.response.get("ResponseMetadata", {})) if isinstance(cause, ClientError) else {}
