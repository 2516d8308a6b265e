"""Sends HTTP requests to a sandbox, whatever proxy the environment names."""

import json
import urllib.request
from collections.abc import Callable, Mapping
from email.message import Message
from io import BytesIO
from typing import Any, NamedTuple
from urllib.error import HTTPError

from xacct_nb.sandbox.http.local_access import TOKEN_HEADER

DEADLINE = 20.0
"""Seconds within which a sandbox has to respond."""

InProcess = Callable[[str, str, Mapping[str, bytes], bytes], "InProcessResponse"]
"""Serves one request within this process: method, URL, headers and body."""

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class InProcessResponse(NamedTuple):
    """The response of a sandbox within this process."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


# The sandboxes within this process, by their endpoints.
_served_here = dict[str, InProcess]()


def serve_here(endpoint: str, serve: InProcess) -> None:
    """Let requests to an endpoint be served within this process."""
    _served_here[endpoint] = serve


def send(endpoint: str, token: str, path: str, method: str = "GET", value: Any = None) -> Any:
    """Send a request to a path of the sandbox's own; return the JSON of its response, None for an empty one.

    Raises OSError (HTTPError for a refusal), HTTPException or ValueError.
    """
    data = None if value is None else json.dumps(value).encode()
    if serve := _served_here.get(endpoint):
        return _content(path, serve(method, f"{endpoint}{path}", {TOKEN_HEADER: token.encode()}, data or b""))
    request = urllib.request.Request(f"{endpoint}{path}", data, {TOKEN_HEADER: token}, method=method)
    with _direct.open(request, timeout=DEADLINE) as response:
        body = response.read()
    return json.loads(body) if body else None


def _content(path: str, response: InProcessResponse) -> Any:
    if response.status >= 400:
        raise HTTPError(path, response.status, "", Message(), BytesIO(response.body))
    return json.loads(response.body) if response.body else None
