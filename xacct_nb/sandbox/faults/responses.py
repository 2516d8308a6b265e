"""The responses of AWS's services that throttle or fail, in their own protocols."""

import json
from html import escape
from uuid import uuid4

from xacct_nb.sandbox.http.calls import Call, Refusal
from xacct_nb.sandbox.http.messages import Message
from xacct_nb.sandbox.ministack.guard_result import HttpResponse

_CONCURRENT = (
    "The request was rejected because multiple requests to change this object were submitted simultaneously. "
    "Wait a few minutes and submit your request again."
)
_UNKNOWN = "The request processing has failed because of an unknown error, exception or failure."
_UNAVAILABLE = "The request has failed due to a temporary failure of the server."
# By kind of fault and service; "" is every other service.
_ERRORS = {
    "throttling": {
        "iam": (400, "Throttling", "Rate exceeded"),
        "sts": (400, "Throttling", "Rate exceeded"),
        "s3": (503, "SlowDown", "Please reduce your request rate."),
        "organizations": (400, "TooManyRequestsException", "Rate exceeded"),
        "": (400, "ThrottlingException", "Rate exceeded"),
    },
    "error-500": {
        "iam": (500, "ServiceFailure", _UNKNOWN),
        "s3": (500, "InternalError", "We encountered an internal error. Please try again."),
        "": (500, "InternalFailure", _UNKNOWN),
    },
    "error-503": {
        "s3": (503, "ServiceUnavailable", "Please reduce your request rate."),
        "": (503, "ServiceUnavailable", _UNAVAILABLE),
    },
    "concurrent-modification": {"": (409, "ConcurrentModification", _CONCURRENT)},
}
KINDS = tuple(_ERRORS)
"""The kinds of fault that are an error response."""


def failure(kind: str, call: Call, scope: Message) -> HttpResponse:
    """Return the response of a call's service for a kind of fault of KINDS; `scope` is the ASGI scope."""
    errors = _ERRORS[kind]
    status, code, message = errors.get(call.service, errors[""])
    if call.service == "s3":
        return _rest_xml(status, code, message)
    if any(name == b"x-amz-target" for name, _ in scope["headers"]):
        return _json(status, code, message)
    return Refusal(status, code, message).response(call.service)


def _rest_xml(status: int, code: str, message: str) -> HttpResponse:
    request = uuid4().hex[:16].upper()
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code>'
        f"<Message>{escape(message)}</Message><RequestId>{request}</RequestId></Error>"
    )
    return status, {"Content-Type": "application/xml", "x-amz-request-id": request}, text.encode()


def _json(status: int, code: str, message: str) -> HttpResponse:
    body = json.dumps({"__type": code, "message": message}).encode()
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": str(uuid4())}
    return status, headers, body
