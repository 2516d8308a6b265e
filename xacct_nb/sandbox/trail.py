"""CloudTrail: an AssumeRole can be looked up in the caller's account, and in the role's if it succeeded.

`tests/test_sandbox_trail.py` fails when a newer MiniStack keeps events elsewhere, or records these itself.
"""

from xacct_nb.sandbox.calls import App, Call, Message, Receive, Send, read_call
from xacct_nb.sandbox.events import Event, Who, answer_from, events_of

# Whose key or signature is not good is nobody, in whose account nothing is recorded.
_UNKNOWN = {"InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken", "IncompleteSignature"}


def trailed(app: App) -> App:
    """`app`, whose AssumeRole calls can be looked up as soon as they are answered."""

    async def listen(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_"):
            return await app(scope, receive, send)
        call, receive = await read_call(scope, receive)
        if (call.service, call.action) != ("sts", "AssumeRole") or not call.parameter("RoleArn"):
            return await app(scope, receive, send)
        agent = dict(scope["headers"]).get(b"user-agent", b"").decode("latin-1")
        heard: list[Message] = []

        async def hear(message: Message) -> None:
            heard.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                _record(call, b"".join(each.get("body", b"") for each in heard), agent)
                for each in heard:
                    await send(each)

        await app(scope, receive, hear)

    return listen


def _record(call: Call, body: bytes, agent: str) -> None:
    answer = answer_from(body)
    who = _who(call) if call.account and answer.code not in _UNKNOWN else None
    if who:
        for account, event in events_of(call, who, answer, agent):
            _add(account, call.region, event)


def _who(call: Call) -> Who | None:
    from ministack.core import iam_evaluator, responses

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
