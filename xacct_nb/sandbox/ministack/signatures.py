"""Checks the signature of a request by AWS's Signature Version 4, with MiniStack's own record of keys.

Sources: reference_sigv-create-signed-request and sigv4-query-string-auth, for each error the service's API
reference. Of Signature Version 2 only links to S3 are accepted, which boto3 makes by default; 4A is refused.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ministack import app
from ministack.core import iam_actions, iam_evaluator, router, sigv4
from ministack.core.iam_evaluator import AuthError
from ministack.core.responses import fix_error_content_type

from xacct_nb.sandbox.ministack import clock, internals
from xacct_nb.sandbox.ministack.forms import parse_qs
from xacct_nb.sandbox.ministack.guard_result import HttpResponse

ALGORITHM = "AWS4-HMAC-SHA256"
_TERMINATOR = "aws4_request"
_DATE = re.compile(r"\d{8}T\d{6}Z")
_QUERY_SIGNED = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "AWSAccessKeyId")
_BY_CONTENT = re.compile(r"UNSIGNED-PAYLOAD|STREAMING-(UNSIGNED-PAYLOAD-TRAILER|AWS4-HMAC-SHA256-PAYLOAD.*)")
_STATUS_400 = ("XAmzContentSHA256Mismatch", "InvalidRequest")
_LONGEST = 7 * 24 * 3600
_OTHER_SIGNATURE = (
    "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
)


class ReceivedRequest(NamedTuple):
    """A request as it arrived: the path and the query still encoded, the names of headers in lower case."""

    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, list[str]]:
        """The values of each parameter of the query."""
        return parse_qs(self.query_string, keep_blank_values=True)


def received(scope: Any, body: bytes) -> ReceivedRequest:
    """Return the request of an ASGI scope. A header on several lines is signed as one, joined by commas."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), sigv4.decode_header_value(value)
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
    return ReceivedRequest(scope["method"], path, scope["query_string"].decode("latin-1"), headers, body)


def is_unsigned(request: ReceivedRequest) -> bool:
    """Return whether a request has no signature at all."""
    return not request.headers.get("authorization") and not any(
        name in request.query for name in _QUERY_SIGNED
    )


def signature_failure(request: ReceivedRequest) -> AuthError | None:
    """Return why the signature of a request is not accepted; None for a valid one."""
    authorization, query = request.headers.get("authorization", ""), request.query
    in_query = any(name in query for name in _QUERY_SIGNED)
    if is_unsigned(request):
        return AuthError("MissingAuthenticationToken", "Request is missing Authentication Token")
    if (authorization and in_query) or authorization.count("Credential=") > 1:
        return AuthError("IncompleteSignature", "Only one authorization mechanism is allowed.")
    if "AWSAccessKeyId" in query:
        return _old_link_failure(request)
    return _new_failure(request, presigned=not authorization)


def _new_failure(request: ReceivedRequest, presigned: bool) -> AuthError | None:
    """Return why a signature of Version 4, in the query or in the header, is not accepted."""
    authorization, query = request.headers.get("authorization", ""), request.query
    algorithm = query.get("X-Amz-Algorithm", [""])[0] if presigned else authorization.partition(" ")[0]
    if algorithm != ALGORITHM:
        return AuthError("UnsupportedSignature", _OTHER_SIGNATURE)
    parsed = (
        sigv4.parse_query_signature(query) if presigned else sigv4.parse_header_signature(request.headers)
    )
    if isinstance(parsed, tuple):
        return AuthError(*parsed)
    if parsed.access_key_id != router.extract_access_key_id(request.headers, query):
        return AuthError("IncompleteSignature", "The credential is ambiguous.")
    failure = _scope_failure(request, parsed) or _time_failure(request, parsed, presigned)
    return (
        failure or _secret_failure(request, parsed, presigned) or _content_failure(request, parsed, presigned)
    )


def _scope_failure(request: ReceivedRequest, parsed: Any) -> AuthError | None:
    """Return why the end or the date of a credential's scope is not accepted."""
    text = request.headers.get("authorization") or request.query["X-Amz-Credential"][0]
    term = text.partition(f"{parsed.region}/{parsed.service}/")[2].partition(",")[0].strip()
    if term != _TERMINATOR:
        why = f"Credential should be scoped with a valid terminator: '{_TERMINATOR}', not '{term}'. "
        return AuthError("SignatureDoesNotMatch", why)
    day, moment = parsed.date_stamp, parsed.amz_date
    if day == moment[:8]:
        return None
    what = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP"
    return AuthError("CredentialDateMismatch", f"{what}: '{day}' != '{moment[:8]}', from '{moment}'.")


def _old_link_failure(request: ReceivedRequest) -> AuthError | None:
    """Return why a link of Signature Version 2 is not accepted; only S3 knows such links."""
    query, host = request.query, request.headers.get("host", "")
    headers = dict(request.headers)
    if router.detect_service(request.method, request.path, headers, query) != "s3" or "Action" in query:
        return AuthError("UnsupportedSignature", _OTHER_SIGNATURE)
    bucket, key = app._extract_s3_vhost_bucket(host), query["AWSAccessKeyId"][0]
    path = f"/{bucket}{request.path}" if bucket else request.path
    signed = iam_evaluator.SignedRequest(
        key, request.method, request.path, query, headers, sigv2=True, auth_path=path
    )
    found = iam_evaluator._sigv2_check(signed, internals.account_of(key))
    return found if isinstance(found, AuthError) else None


def _time_failure(request: ReceivedRequest, parsed: Any, presigned: bool) -> AuthError | None:
    """Return why the time of a signature is not accepted; a link to S3 has a lifetime of its own."""
    if not _DATE.fullmatch(parsed.amz_date):
        form = "Date must be in ISO-8601 'basic format'. See http://en.wikipedia.org/wiki/ISO_8601"
        return AuthError("IncompleteSignature", f"{form}. Got '{parsed.amz_date}'.")
    if not (presigned and parsed.service == "s3"):
        skewed = sigv4.request_time_failure(parsed, now=clock.moment())
        return AuthError(*skewed) if skewed else None
    seconds = request.query.get("X-Amz-Expires", [""])[0]
    if not seconds.isdecimal() or int(seconds) > _LONGEST:
        return AuthError("InvalidRequest", "X-Amz-Expires must be a number of seconds, a week at most.")
    if sigv4.presigned_request_is_expired(parsed.amz_date, seconds, now=clock.moment()):
        return AuthError("RequestExpired", "Request has expired")
    skewed = sigv4.request_time_failure(parsed, now=clock.moment())
    return AuthError(*skewed) if skewed and "not yet" in skewed[1] else None


def _secret_failure(request: ReceivedRequest, parsed: Any, presigned: bool) -> AuthError | None:
    """Return why the key, its session token or the signature is not accepted."""
    query, headers, key = request.query, request.headers, parsed.access_key_id
    given = (
        query.get("X-Amz-Security-Token", [""])[0] if presigned else headers.get("x-amz-security-token", "")
    )
    found = iam_evaluator.resolve_credential(key, internals.account_of(key), given)
    if isinstance(found, iam_evaluator.CredentialResolutionError):
        unknown = found.code == "InvalidToken" and not given  # the key of a session, without its token
        return AuthError("InvalidClientTokenId" if unknown else found.code, found.message)
    if internals.is_orphaned(key):
        return AuthError("InvalidClientTokenId", "The security token included in the request is invalid.")
    failure = sigv4.header_signature_failure(
        parsed,
        found.secret_access_key,
        request.method,
        request.path,
        query,
        headers,
        request.body,
        presigned=presigned,
    )
    internals.checked.set((key, found))
    return AuthError(*failure) if failure else None


def _content_failure(request: ReceivedRequest, parsed: Any, presigned: bool) -> AuthError | None:
    """Return why a valid signature does not cover the request: a header, or the body."""
    signed = parsed.signed_headers.split(";")
    if "host" not in signed or not {name for name in request.headers if name.startswith("x-amz-")} <= {
        *signed
    }:
        return AuthError("AccessDenied", "There were headers present in the request which were not signed")
    is_s3, stated = parsed.service == "s3", request.headers.get("x-amz-content-sha256", "")
    if is_s3 and (presigned or _BY_CONTENT.fullmatch(stated)):
        return None
    if is_s3 and not stated:
        return AuthError("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
    if stated and stated != hashlib.sha256(request.body).hexdigest():
        why = "The provided 'x-amz-content-sha256' header does not match what was computed."
        return AuthError("XAmzContentSHA256Mismatch", why)
    return None


def failure_response(request: ReceivedRequest, failure: AuthError) -> HttpResponse:
    """Return the error as the service of the request words it, in its protocol."""
    headers = dict(request.headers)
    params = app._routing_params(request.method, request.path, headers, request.body, request.query)
    service = router.detect_service(request.method, request.path, headers, params)
    status, fields, body = iam_actions.access_denied_response(
        service,
        "",
        "",
        app.uuid.uuid4().hex,
        error_code=failure.code,
        message=failure.message,
        headers=headers,
    )
    fix_error_content_type(service, status, fields)
    return 400 if failure.code in _STATUS_400 else status, fields, body
