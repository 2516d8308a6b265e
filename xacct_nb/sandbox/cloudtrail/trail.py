"""CloudTrail: an AssumeRole can be looked up in the caller's account, and in the role's if it succeeded.

`tests/test_sandbox_trail.py` fails when another MiniStack keeps events elsewhere, or records these itself.
"""

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from ministack.core.iam_evaluator import ResolvedCredential

from xacct_nb.sandbox.cloudtrail.events import events_of, read_response
from xacct_nb.sandbox.http.calls import Call, read_call
from xacct_nb.sandbox.http.messages import App, Message, Receive, Send
from xacct_nb.sandbox.ministack import clock, internals

MOST = 10_000
"""AssumeRole calls that are kept until an account looks its events up; of more, the oldest are dropped."""

# With an invalid key or signature the caller is unknown, and no account has an event.
_UNKNOWN = {"InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken", "IncompleteSignature"}


@dataclass(frozen=True)
class _RecordedCall:
    """An AssumeRole: its caller at that time, the body of the response, the user agent, and the time."""

    call: Call
    caller: ResolvedCredential
    body: bytes
    agent: str
    moment: datetime


def trailed(app: App) -> App:
    """Return `app` with AssumeRole calls that can be looked up as soon as their response is sent."""
    recorded: deque[_RecordedCall] = deque(maxlen=MOST)

    async def record(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_"):
            if scope.get("path") == "/_ministack/reset":
                recorded.clear()
            return await app(scope, receive, send)
        call, receive = await read_call(scope, receive)
        if (call.service, call.action) == ("sts", "AssumeRole") and call.parameter("RoleArn"):
            agent = dict(scope["headers"]).get(b"user-agent", b"").decode("latin-1")
            return await app(scope, receive, _recording(send, call, agent, recorded))
        if (call.service, call.action) == ("cloudtrail", "LookupEvents"):
            _make_events(recorded)
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


def _make_events(recorded: deque[_RecordedCall]) -> None:
    """Make events of the recorded calls: only now, since most are never looked up."""
    while recorded:
        each = recorded.popleft()
        response = read_response(each.body)
        if response and response.get("Code") not in _UNKNOWN:
            for account, event in events_of(each.call, each.caller, response, each.agent, each.moment):
                internals.add_event(account, each.call.region, event)
