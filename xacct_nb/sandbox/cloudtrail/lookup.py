"""The answer of LookupEvents: the events of an account and region, the newest first, page by page.

Source: the API reference of LookupEvents. AWS allows two calls a second for an account and region; the
sandbox allows any number.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from xacct_nb.sandbox.cloudtrail.entries import Event
from xacct_nb.sandbox.ministack.guard_result import HttpResponse

KEPT = 90 * 24 * 3600.0
"""Seconds for which CloudTrail keeps the events that can be looked up."""
_MOST = 50
_HEADERS = {"Content-Type": "application/x-amz-json-1.1"}
_KEYS: Mapping[str, Callable[[Event, str], bool]] = {
    **{
        name: lambda event, value, name=name: event.get(name, "") == value  # type: ignore[misc]
        for name in ("EventId", "EventName", "ReadOnly", "Username", "EventSource", "AccessKeyId")
    },
    "ResourceName": lambda event, value: _has(event, "ResourceName", value),
    "ResourceType": lambda event, value: _has(event, "ResourceType", value),
}
"""The attributes by which events are looked up: whether an event has a value of it."""


def look_up(events: Sequence[Event], asked: Mapping[str, Any], now: float) -> HttpResponse:
    """Return one page of the events that a call asks for, the newest first; `events` has the newest last."""
    attributes = asked.get("LookupAttributes") or []
    if len(attributes) > 1 or any(each.get("AttributeKey") not in _KEYS for each in attributes):
        return _error("InvalidLookupAttributesException", "Invalid LookupAttributes.")
    since, until = float(asked.get("StartTime") or 0), float(asked.get("EndTime") or now)
    if since > until:
        return _error("InvalidTimeRangeException", "The start time is after the end time.")
    most = asked.get("MaxResults", _MOST)
    if not isinstance(most, int) or not 1 <= most <= _MOST:
        return _error("InvalidMaxResultsException", "MaxResults is 1 to 50.")
    since = max(since, now - KEPT)
    found = [
        each
        for each in reversed(events)
        if since <= each["EventTime"] <= until and _matches(each, attributes)
    ]
    return _page(found if not asked.get("EventCategory") else [], asked, most)


def _page(found: list[Event], asked: Mapping[str, Any], most: int) -> HttpResponse:
    """Return the page after the event that the token names."""
    token, about = str(asked.get("NextToken") or ""), _about(asked)
    if token:
        last, _, same = token.partition(".")
        place = next((number for number, each in enumerate(found) if each["EventId"] == last), None)
        if same != about or place is None:
            return _error("InvalidNextTokenException", "The token is not one of this lookup.")
        found = found[place + 1 :]
    page = found[:most]
    more = {"NextToken": f"{page[-1]['EventId']}.{about}"} if len(found) > most else {}
    return 200, dict(_HEADERS), json.dumps({"Events": page, **more}).encode()


def _about(asked: Mapping[str, Any]) -> str:
    """Return what a call has in common with that for its next page."""
    same = {name: value for name, value in asked.items() if name not in ("NextToken", "MaxResults")}
    return json.dumps(same, sort_keys=True).encode().hex()


def _matches(event: Event, attributes: Sequence[Mapping[str, str]]) -> bool:
    return all(_KEYS[each["AttributeKey"]](event, each.get("AttributeValue", "")) for each in attributes)


def _has(event: Event, field: str, value: str) -> bool:
    return value in _values(event, field)


def _values(event: Event, field: str) -> Iterator[str]:
    return (each[field] for each in event["Resources"])


def _error(code: str, message: str) -> HttpResponse:
    return 400, dict(_HEADERS), json.dumps({"__type": code, "message": message}).encode()
