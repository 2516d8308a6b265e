"""CloudTrail: an AssumeRole can be looked up in the caller's account, and in the role's if it succeeded.

`tests/test_sandbox_trail.py` fails when a newer MiniStack keeps events elsewhere, or records these itself.
"""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime

from xacct_nb.sandbox.cloudtrail.events import Event, Who, answer_from, events_of
from xacct_nb.sandbox.http.calls import Call, read_call
from xacct_nb.sandbox.http.messages import App, Message, Receive, Send

MOST = 10_000
"""AssumeRole calls that wait to be looked up; of more, the oldest are forgotten."""

# Whose key or signature is not good is nobody, in whose account nothing is recorded.
_UNKNOWN = {"InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken", "IncompleteSignature"}


@dataclass(frozen=True)
class _Heard:
    """A call of AssumeRole, its caller as it was then, the answer, the user agent, and when it was."""

    call: Call
    who: Who
    body: bytes
    agent: str
    moment: datetime


def trailed(app: App) -> App:
    """`app`, whose AssumeRole calls can be looked up as soon as they are answered."""
    waiting: deque[_Heard] = deque(maxlen=MOST)

    async def listen(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_"):
            if scope.get("path") == "/_ministack/reset":
                waiting.clear()
            return await app(scope, receive, send)
        call, receive = await read_call(scope, receive)
        if (call.service, call.action) == ("sts", "AssumeRole") and call.parameter("RoleArn"):
            agent = dict(scope["headers"]).get(b"user-agent", b"").decode("latin-1")
            return await app(scope, receive, _hearing(send, call, agent, waiting))
        if (call.service, call.action) == ("cloudtrail", "LookupEvents"):
            _record(waiting)
        await app(scope, receive, send)

    return listen


def _hearing(send: Send, call: Call, agent: str, waiting: deque[_Heard]) -> Send:
    """`send`, which keeps the answer before it gives it on."""
    who, body = _who(call), bytearray()

    async def hear(message: Message) -> None:
        body.extend(message.get("body", b""))
        if who and message["type"] == "http.response.body" and not message.get("more_body", False):
            waiting.append(_Heard(call, who, bytes(body), agent, datetime.now(UTC)))
        await send(message)

    return hear


def _record(waiting: deque[_Heard]) -> None:
    """Makes events of what was heard. They are made when somebody looks, since most are never looked at."""
    while waiting:
        heard = waiting.popleft()
        answer = answer_from(heard.body)
        if answer and answer.code not in _UNKNOWN:
            for account, event in events_of(heard.call, heard.who, answer, heard.agent, heard.moment):
                _add(account, heard.call.region, event)


def _who(call: Call) -> Who | None:
    from ministack.core import iam_evaluator, responses

    if not call.account:
        return None
    with responses.request_scope(call.account, call.region):
        found = iam_evaluator.resolve_credential(call.key, call.account)
    if isinstance(found, iam_evaluator.CredentialResolutionError):
        return None
    kind, name = found.principal_type, found.principal_name
    return Who(found.principal_arn, found.principal_id, kind, found.account_id, name)


def _add(account: str, region: str, event: Event) -> None:
    from ministack.core import responses
    from ministack.services import cloudtrail

    with responses.request_scope(account, region):
        cloudtrail._get_event_queue().append(event)
