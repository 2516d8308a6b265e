"""CloudTrail: what changes IAM can be looked up in its account, an AssumeRole in the caller's and the role's.

`tests/test_sandbox_trail.py` fails when another MiniStack keeps events elsewhere, or records these itself.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from heapq import merge

from ministack.core.iam_evaluator import ResolvedCredential

from xacct_nb.sandbox.cloudtrail.entries import Event, read_response
from xacct_nb.sandbox.cloudtrail.events import events_of
from xacct_nb.sandbox.cloudtrail.iam_events import changes_iam, iam_event
from xacct_nb.sandbox.cloudtrail.lookup import look_up
from xacct_nb.sandbox.http.calls import Call, read_call
from xacct_nb.sandbox.http.messages import App, Message, Receive, Send
from xacct_nb.sandbox.ministack import clock, internals

MOST = 10_000
"""Calls of a service that are kept until an account looks its events up; the oldest of more are dropped."""

# With an invalid key or signature the caller is unknown, and no account has an event.
_UNKNOWN = {"InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken", "IncompleteSignature"}


@dataclass(frozen=True)
class _RecordedCall:
    """A call: its caller at that time, the body of the response, the user agent, and the time."""

    call: Call
    caller: ResolvedCredential
    body: bytes
    agent: str
    moment: datetime


def trailed(app: App) -> App:
    """Return `app` with calls that can be looked up as soon as their response is sent."""
    recorded = {service: deque[_RecordedCall](maxlen=MOST) for service in ("iam", "sts")}
    internals.serve_lookups(lambda events, asked: look_up(events, asked, clock.now()))

    async def record(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_"):
            if scope.get("path") == "/_ministack/reset":
                for each in recorded.values():
                    each.clear()
            return await app(scope, receive, send)
        call, receive = await read_call(scope, receive)
        if _is_assume_role(call) or changes_iam(call):
            agent = dict(scope["headers"]).get(b"user-agent", b"").decode("latin-1")
            return await app(scope, receive, _recording(send, call, agent, recorded[call.service]))
        if (call.service, call.action) == ("cloudtrail", "LookupEvents"):
            _make_events(recorded.values())
        await app(scope, receive, send)

    return record


def _recording(send: Send, call: Call, agent: str, recorded: deque[_RecordedCall]) -> Send:
    """Return `send` that records the response before it sends it."""
    caller = internals.credential(call.key, call.account) if call.account else None
    body = bytearray()

    async def record(message: Message) -> None:
        body.extend(message.get("body", b""))
        if caller and message["type"] == "http.response.body" and not message.get("more_body", False):
            recorded.append(_RecordedCall(call, caller, bytes(body), agent, clock.moment()))
        await send(message)

    return record


def _is_assume_role(call: Call) -> bool:
    return (call.service, call.action) == ("sts", "AssumeRole") and bool(call.parameter("RoleArn"))


def _make_events(recorded: Iterable[deque[_RecordedCall]]) -> None:
    """Make events of the recorded calls: only now, since most are never looked up."""
    calls = [[each.popleft() for _ in range(len(each))] for each in recorded]
    for call in merge(*calls, key=lambda each: each.moment):
        for account, event in _events(call):
            internals.add_event(account, call.call.region, event)


def _events(each: _RecordedCall) -> list[tuple[str, Event]]:
    """Return the events of a call, and the account that each is in."""
    response = read_response(each.body)
    if response is None or response.get("Code") in _UNKNOWN:
        return []
    if each.call.service == "sts":
        return events_of(each.call, each.caller, response, each.agent, each.moment)
    found = iam_event(each.call, each.caller, each.body, response, each.agent, each.moment)
    return [found] if found else []
