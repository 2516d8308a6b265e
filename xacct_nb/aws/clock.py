"""The two clocks of a run: this machine's, which records state, and AWS's, which AWS compares."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

# A Date header has whole seconds: the time of the response is half a second later on average.
_HALF_A_SECOND = timedelta(seconds=0.5)


class Events(Protocol):
    """The events of a botocore session or client."""

    def register(self, event_name: str, handler: Any) -> Any: ...


def local_time() -> datetime:
    """Return this machine's time."""
    return datetime.now(UTC)


def utc(moment: datetime | None = None) -> str:
    """Return a moment in UTC, by default now, as records state it: 2026-11-24T10:15:00Z."""
    return f"{moment or local_time():%Y-%m-%dT%H:%M:%SZ}"


def date_of(response: Any) -> datetime | None:
    """Return the Date header of a response or error of boto3, as AWS's time; None where it has none."""
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return _parsed(headers.get("date"))


class AwsClock:
    """AWS's time, from the Date headers of the responses that the clients of its sessions get.

    It goes on by this machine's monotonic clock, which nobody sets.
    """

    def __init__(self) -> None:
        self._began: datetime | None = None

    def follow(self, events: Events) -> None:
        """Read the Date headers of every client that has these events."""
        events.register("before-parse", self._note)

    @property
    def is_known(self) -> bool:
        """Whether a response had a Date header."""
        return self._began is not None

    def now(self) -> datetime:
        """Return AWS's time, at most a second too early; this machine's before the first response."""
        return self._began + _monotonic() if self._began else local_time()

    def offset(self) -> float:
        """Return by how many seconds AWS's clock is ahead of this machine's; 0 before the first response."""
        ahead = (self.now() + _HALF_A_SECOND - local_time()).total_seconds() if self._began else 0.0
        return round(ahead, 1)

    def _note(self, response_dict: Any, **_: Any) -> None:
        date = _parsed(response_dict["headers"].get("date"))
        if date:
            # A header is cut to the second and was on its way, so the latest one is nearest to AWS's time.
            began = date - _monotonic()
            self._began = max(began, self._began) if self._began else began


def _monotonic() -> timedelta:
    return timedelta(seconds=time.monotonic())


def _parsed(header: Any) -> datetime | None:
    try:
        date = parsedate_to_datetime(str(header)) if header else None
    except (ValueError, TypeError):
        return None
    return date if date is None or date.tzinfo else date.replace(tzinfo=UTC)
