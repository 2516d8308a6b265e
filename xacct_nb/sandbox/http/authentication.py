"""Lets only requests with a valid signature pass, whichever service and path they are for."""

from ministack.core.iam_evaluator import AuthError

from xacct_nb.sandbox.http.calls import SERVICES, Call, Refusal, read_call
from xacct_nb.sandbox.http.messages import App, Message, Receive, Send, read_and_replay, send_response
from xacct_nb.sandbox.http.query_protocol import other_protocol
from xacct_nb.sandbox.ministack.guard_result import HttpResponse
from xacct_nb.sandbox.ministack.signatures import failure_response, is_unsigned, received, signature_failure

REGION = "us-east-1"
UNSIGNED = (("sts", "AssumeRoleWithWebIdentity"), ("sts", "AssumeRoleWithSAML"))
"""The operations that are served without a signature."""
_READING = ("Get", "List", "Simulate")
_MAKING = ("GetSessionToken", "GetFederationToken", "GetDelegatedAccessToken", "GetWebIdentityToken")


def authenticated(app: App) -> App:
    """Return `app` that gets requests with a valid signature only; others are answered with AWS's error."""

    async def check(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_"):
            return await app(scope, receive, send)  # `local_access` has checked the token of these
        body, receive = await read_and_replay(receive)
        call, receive = await read_call(scope, receive, body)
        request = received(scope, body)
        if refusal := other_protocol(call, request):
            return await send_response(send, refusal.response(call.service))
        if (call.service, call.action) in UNSIGNED and is_unsigned(request) and request.method == "POST":
            return await app(scope, receive, send)  # a token of an identity provider stands for the signature
        if failure := signature_failure(request):
            return await send_response(send, failure_response(request, failure))
        if wrong := _refused_scope(call):
            return await send_response(send, wrong)
        if failure := _method_failure(call, request.method):
            return await send_response(send, failure_response(request, failure))
        await app(scope, receive, send)

    return check


def _refused_scope(call: Call) -> HttpResponse | None:
    """Return the error of a call to IAM or STS that was signed for another service or region.

    The sandbox is the global endpoint of both, whose region is us-east-1.
    """
    service = SERVICES.get(call.parameter("Version"), call.service)
    wrong = ""
    if service in SERVICES.values() and call.region != REGION:
        wrong = "Credential should be scoped to a valid region. "
    if service != call.service and call.action:
        wrong += f"Credential should be scoped to correct service: '{service}'. "
    return Refusal(403, "SignatureDoesNotMatch", wrong).response(service) if wrong else None


def _method_failure(call: Call, method: str) -> AuthError | None:
    """Return the error of a GET that would change something; AWS accepts it, and a link can send it."""
    if method == "POST" or call.service not in ("iam", "sts"):
        return None
    if call.action.startswith(_READING) and call.action not in _MAKING:
        return None
    return AuthError("AccessDenied", f"The sandbox accepts {call.action or 'a call'} by POST only.")
