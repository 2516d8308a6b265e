"""One policy for the retries of every call to AWS: what is retried, how long, and a line that says so."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError
from botocore.retries.standard import (
    ModeledRetryableChecker,
    RetryContext,
    RetryEventAdapter,
    ThrottlingErrorDetector,
    TransientRetryableChecker,
)

from xacct_nb.aws.clock import Events
from xacct_nb.aws.polling import tell
from xacct_nb.errors import AwsBusy

PATIENCE = 120.0
"""Seconds for which a call is retried, unless a run has its own."""
THROTTLED, FAILED, CUT, UNREACHED = "throttles", "fails at", "closed the connection of", "is not reached for"
_MOST_UNREACHED = 5
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_QUIET, _EVERY = 1.0, 5.0
# A second call that took effect would make a second version, or use a code of an MFA device again.
_NOT_TWICE = ("CreatePolicyVersion",)
# Codes of throttling that botocore's table lacks.
_MORE_CODES = ("TooManyRequests", "RequestThrottledException", "429")
_WAIT = "xacct-nb-wait"

_adapter = RetryEventAdapter()
_throttling, _modeled, _transient = (
    ThrottlingErrorDetector(_adapter),
    ModeledRetryableChecker(),
    TransientRetryableChecker(),
)


class Retries:
    """Retries the calls of its sessions, each for at most `patience` seconds; counts retries and seconds.

    Throttled calls, AWS's own failures and cut connections are retried. A call for which AWS cannot be
    reached at all is retried a few times. What AWS throttles until the patience is over raises AwsBusy.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self.count, self.seconds = 0, 0.0

    def note(self, retries: int, seconds: float) -> None:
        """Count retries, and the seconds that were waited for them."""
        self.count += retries
        self.seconds += seconds

    @contextmanager
    def within(self, patience: float) -> Iterator[None]:
        """Have another patience within the block."""
        before, self.patience = self.patience, patience
        try:
            yield
        finally:
            self.patience = before

    def follow(self, events: Events) -> None:
        """Decide about the retries of every client that has these events."""
        events.register("needs-retry", self._needs_retry)

    def to_json(self) -> dict[str, Any]:
        """Return how many retries there were, and how many seconds were waited for them."""
        return {"retries": self.count, "seconds": round(self.seconds, 3)}

    def _needs_retry(self, **about: Any) -> float | None:
        """Return the pause before the next try, None for none. botocore calls this after each response."""
        context = _adapter.create_retry_context(**about)
        kept, kind = about["request_dict"]["context"], _kind(context)
        wait: _Wait | None = kept.get(_WAIT)
        if not kind or (kind != THROTTLED and _not_twice(about)) or _is_unreached(kind, about["attempts"]):
            if wait:
                wait.close(kind)
            return None
        wait = kept.setdefault(_WAIT, wait or _Wait(about["operation"], self.patience))
        pause = wait.next_pause(kind)
        if pause is not None:
            for each in (self, _counting.get()):
                if each is not None:
                    each.note(1, pause)
            return pause
        wait.close(kind)
        if kind == THROTTLED:
            raise wait.busy(context) from ClientError(context.parsed_response, about["operation"].name)
        return None


_counting: ContextVar[Retries | None] = ContextVar("retries of this thread", default=None)


@contextmanager
def counted_retries() -> Iterator[Retries]:
    """Yield what counts the retries that this thread waits for in the block, of whichever client."""
    counts = Retries()
    token = _counting.set(counts)
    try:
        yield counts
    finally:
        _counting.reset(token)


class _Wait:
    """The retries of one call; shows a line once they last longer than a second, then each five seconds."""

    def __init__(self, operation: Any, patience: float) -> None:
        self.service, self.operation = operation.service_model.service_id, operation.name
        self.retries, self.patience, self.unclear = 0, patience, False
        self._began, self._shown = time.monotonic(), 0.0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def next_pause(self, kind: str) -> float | None:
        """Return the next pause; None once the time is over."""
        self.unclear = self.unclear or kind in (FAILED, CUT)
        left = self.patience - self.seconds
        if left <= 0:
            return None
        self.retries += 1
        if self.seconds >= max(_QUIET, self._shown + _EVERY * bool(self._shown)):
            self._shown = self.seconds
            tell(f"{self.service} {kind} {self.operation}: retry {self.retries}, {left:.0f} s left")
        return min(backoff(self.retries), left)

    def close(self, kind: str) -> None:
        """End the lines, if any was shown."""
        if self._shown:
            ended = "gave up" if kind else "AWS responds again"
            tell(
                f"{self.service} {self.operation}: {ended} after {self.seconds:.0f} s, {self.retries} retries"
            )

    def busy(self, context: RetryContext) -> AwsBusy:
        """Return the error for a call that AWS throttled until the patience was over."""
        error, tries = context.parsed_response["Error"], self.retries + 1
        return AwsBusy(
            f"{self.service} throttled {self.operation} for {self.patience:g} s, in {tries} tries: "
            f"{error.get('Code')}: {error.get('Message')}",
            why="The patience is over. Other programs may use up the account's request rate.",
            hint="Run it again later, or give it more time: -p patience_seconds 600",
            aws_code=str(error.get("Code")),
            request_id=str(context.parsed_response.get("ResponseMetadata", {}).get("RequestId", "")),
            unclear=self.unclear,
        )


def backoff(retry: int) -> float:
    """Return the pause before a retry: at random up to a length that doubles each time."""
    return random.uniform(0.5, 1.0) * min(_FIRST_PAUSE * 2.0 ** (retry - 1), _LONGEST_PAUSE)


def _kind(context: RetryContext) -> str:
    """Return why a call may be retried, "" for a response that stands. The tables are botocore's own."""
    status = context.http_response.status_code if context.http_response is not None else 0
    more = status == 429 or context.get_error_code() in _MORE_CODES
    if context.parsed_response and (more or _throttling.is_throttling_error_from_context(context)):
        return THROTTLED
    if isinstance(context.caught_exception, HTTPClientError):
        return CUT
    if isinstance(context.caught_exception, ConnectionError):
        return UNREACHED
    return FAILED if _transient.is_retryable(context) or _modeled.is_retryable(context) else ""


def _is_unreached(kind: str, attempts: int) -> bool:
    return kind == UNREACHED and attempts > _MOST_UNREACHED


def _not_twice(about: dict[str, Any]) -> bool:
    """Return whether the call must not be made again if it may have taken effect."""
    body = about["request_dict"].get("body")
    return about["operation"].name in _NOT_TWICE or (isinstance(body, dict) and "TokenCode" in body)
