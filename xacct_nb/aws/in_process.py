"""Lets botocore reach a sandbox within this process: its requests call a function, over no socket."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session
from urllib3 import HTTPHeaderDict, HTTPResponse

Respond = Callable[[str, str, Mapping[str, bytes], bytes], tuple[int, list[tuple[str, str]], bytes]]
"""Takes method, URL, headers and body; returns status, headers and body."""


def send_in_process(endpoint: str, respond: Respond, cut: type[Exception]) -> Callable[[], None]:
    """Let every AWS client of this process that calls `endpoint` be answered by `respond`.

    `cut` is what `respond` raises where a connection is cut: clients see a closed connection. Returns what
    takes this back.
    """
    over_http = URLLib3Session.send

    def send(session: URLLib3Session, request: AWSPreparedRequest) -> Any:
        if not request.url.startswith(f"{endpoint}/"):
            return over_http(session, request)
        headers = {name: _as_bytes(value) for name, value in request.headers.items()}
        try:
            status, pairs, body = respond(
                request.method, request.url, headers, _as_bytes(request.body or b"")
            )
        except cut as problem:
            raise ConnectionClosedError(endpoint_url=endpoint) from problem
        raw = HTTPResponse(
            BytesIO(body), HTTPHeaderDict(pairs), status, preload_content=False, request_method=request.method
        )
        response = AWSResponse(request.url, raw.status, raw.headers, raw)
        if not request.stream_output:
            _ = response.content  # this reads the body, as botocore does here
        return response

    def take_back() -> None:
        URLLib3Session.send = over_http

    URLLib3Session.send = send
    return take_back


def _as_bytes(value: Any) -> bytes:
    whole = value.read() if hasattr(value, "read") else value
    return bytes(whole) if isinstance(whole, bytes | bytearray) else str(whole).encode("latin-1")
