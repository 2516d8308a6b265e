"""IAM and STS speak the query protocol only: a request in another one is refused, as is a second meaning.

MiniStack reads other protocols too, and may authorize one reading of a request and serve another.
"""

import re

from xacct_nb.sandbox.http.calls import LONGEST_BODY, SERVICES, Call, Refusal
from xacct_nb.sandbox.ministack.forms import first_values
from xacct_nb.sandbox.ministack.signatures import ReceivedRequest

_FORM = re.compile(r"application/x-www-form-urlencoded(\s*;\s*charset=[\w-]+)?")
_OTHER = Refusal(404, "UnknownOperationException", "The request is not one of the AWS query protocol.")
_TOO_LARGE = Refusal(413, "RequestEntityTooLarge", f"The body has more than {LONGEST_BODY} bytes.")
_TWICE = Refusal(404, "MalformedQueryString", "A parameter is in the query string and in the body.")


def other_protocol(call: Call, request: ReceivedRequest) -> Refusal | None:
    """Refuse a request to IAM or STS that could be read as another call than the one that is checked."""
    if call.service not in SERVICES.values():
        return None
    headers = request.headers
    if headers.get("x-amz-target") or headers.get("content-encoding"):
        return _OTHER
    return _body_refused(request) if request.body else None


def _body_refused(request: ReceivedRequest) -> Refusal | None:
    body, query = request.body, request.query_string
    if len(body) > LONGEST_BODY:
        return _TOO_LARGE
    if request.method != "POST" or not _FORM.fullmatch(request.headers.get("content-type", "")):
        return _OTHER
    names = first_values(body.decode("utf-8", "replace")).keys() if query else ()
    return _TWICE if query and not first_values(query).keys().isdisjoint(names) else None
