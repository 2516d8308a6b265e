"""Reads in an account's CloudTrail who changed resources of IAM since a moment.

IAM is global: CloudTrail has its events in one region of the partition, which is us-east-1 on AWS itself.
Source: the API reference of LookupEvents, which allows two calls a second for an account and region.
"""

import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from xacct_nb.aws.clients import AwsClient
from xacct_nb.aws.clock import utc
from xacct_nb.aws.error_translation import translate_errors
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.drift import (
    KEPT_DAYS,
    TrailAnswer,
    TrailEvent,
    calls_on,
    changes_resource,
    resource_names,
)
from xacct_nb.changes.plan import Change
from xacct_nb.errors import AwsRefused, WrongAccount
from xacct_nb.iam.arns import REGIONS

MOST_PAGES = 10
"""Pages of 50 events that are read for one name."""
_NAMES = ("roleName", "userName", "groupName", "policyName", "policyArn")
_OWN_CLIENT = "xacct-nb"
_IAM = "iam.amazonaws.com"  # other services have calls of the same names, such as CreatePolicy of IoT
_DENIED = ("AccessDenied", "AccessDeniedException")


class _Pace:
    """Lets two calls a second pass for each account; any thread may wait."""

    def __init__(self, pause: float = 0.5) -> None:
        self.pause, self._lock = pause, threading.Lock()
        self._free = dict[str, float]()

    def wait(self, account: str) -> None:
        """Wait until the account may be called."""
        with self._lock:
            now = time.monotonic()
            at = max(now, self._free.get(account, now))
            self._free[account] = at + self.pause
        time.sleep(at - now)


PACE = _Pace()


def read_trail(
    sessions: Sessions, account: str, changes: Iterable[Change], since: str = "", pace: _Pace = PACE
) -> TrailAnswer:
    """Return who changed these resources since a moment (UTC, ISO 8601), in the account's own session.

    Without a moment, and where that is longer ago, since 90 days ago. A moment says that the resources were
    as they should be then, so that a call must have changed them. Where CloudTrail cannot be read, the answer
    says why, and which right is missing.
    """
    wanted, now = list(changes), sessions.endpoint.clock.now()
    begin = _begin(since, now)
    try:
        trail = _Trail(sessions.admin(account, "cloudtrail"), account, begin, pace)
        events = trail.events_of(wanted, thoroughly=bool(since))
    except (AwsRefused, WrongAccount) as problem:
        return TrailAnswer(utc(begin), problem=_why_not(problem, sessions.partition))
    return TrailAnswer(utc(begin), events, cut=trail.cut)


class _Trail:
    """The CloudTrail of one account, since a moment."""

    def __init__(self, client: AwsClient, account: str, begin: datetime, pace: _Pace) -> None:
        self._client, self._account, self._begin, self._pace = client, account, begin, pace
        self.cut = False

    def events_of(self, changes: Sequence[Change], *, thoroughly: bool) -> tuple[TrailEvent, ...]:
        """Return the events on these resources, the newest first.

        They are asked for by the names of the resources. Where that finds none, they are asked for thoroughly
        by the names of the calls, since AWS does not document which names an event has.
        """
        found = dict[str, TrailEvent]()
        for name in dict.fromkeys(name for change in changes for name in resource_names(change)):
            found |= self._look_up("ResourceName", name)
        calls = (call for change in changes if not _has(found.values(), change) for call in calls_on(change))
        for call in dict.fromkeys(calls) if thoroughly else ():
            found |= self._look_up("EventName", call)
        return tuple(sorted(found.values(), key=lambda each: each.at, reverse=True))

    def _look_up(self, attribute: str, value: str) -> dict[str, TrailEvent]:
        """Return the calls that took effect, by the ids of their events."""
        found, token = dict[str, TrailEvent](), dict[str, str]()
        asked = [{"AttributeKey": attribute, "AttributeValue": value}]
        for _ in range(MOST_PAGES):
            self._pace.wait(self._account)
            with translate_errors(f"LookupEvents in account {self._account}"):
                page = self._client.lookup_events(LookupAttributes=asked, StartTime=self._begin, **token)
            for each in page["Events"]:
                try:
                    found |= dict(_events([each]))
                except (KeyError, ValueError, TypeError, AttributeError):  # not of the documented form
                    self.cut = True
            if not page.get("NextToken"):
                return found
            token = {"NextToken": page["NextToken"]}
        self.cut = True
        return found


def _begin(since: str, now: datetime) -> datetime:
    """Return the moment from which events are asked for: whole seconds, as the events have them."""
    earliest = now - timedelta(days=KEPT_DAYS)
    moment = max(datetime.fromisoformat(since), earliest) if since else earliest
    return moment.replace(microsecond=0)


def _has(events: Iterable[TrailEvent], change: Change) -> bool:
    return any(changes_resource(each, change) for each in events)


def _events(page: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, TrailEvent]]:
    for each in page:
        content = json.loads(each["CloudTrailEvent"])
        if content.get("errorCode") or content.get("readOnly") or content.get("eventSource") != _IAM:
            continue
        asked = content.get("requestParameters") or {}
        yield (
            str(each["EventId"]),
            TrailEvent(
                str(content["eventTime"]),
                str(content["eventName"]),
                _who(content.get("userIdentity") or {}),
                str(content.get("requestID", "")),
                {name: str(asked[name]) for name in _NAMES if asked.get(name)},
                _OWN_CLIENT in str(content.get("userAgent", "")),
            ),
        )


def _who(identity: Mapping[str, Any]) -> str:
    """Return the ARN of who called, and the source identity of the session; else what AWS has instead."""
    named = (identity.get(name) for name in ("arn", "invokedBy", "principalId", "type"))
    who = str(next(filter(None, named), "someone whom the event does not name"))
    source = (identity.get("sessionContext") or {}).get("sourceIdentity")
    return f"{who} (source identity {source})" if source else who


def _why_not(problem: AwsRefused | WrongAccount, partition: str) -> str:
    """Return why CloudTrail was not read, with the right that is missing."""
    if isinstance(problem, AwsRefused) and problem.aws_code in _DENIED:
        return (
            f"The session may not read CloudTrail: it lacks cloudtrail:LookupEvents in {REGIONS[partition]}."
        )
    return f"CloudTrail was not read: {problem.what}"
