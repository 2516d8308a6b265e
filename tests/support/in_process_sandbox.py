"""A sandbox within the process of the tests: requests to its endpoint call the application, over no socket.

It serves one request at a time. No other process reaches it, no client times out, and a fault that cuts the
connection raises boto3's error for that. `tests/test_in_process_sandbox.py` compares it with the server.
"""

import asyncio
import atexit
import json
import os
import secrets
import tempfile
import threading
from collections.abc import Callable
from email.message import Message
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session
from urllib3 import HTTPResponse

from xacct_nb.sandbox.http.local_access import TOKEN_HEADER
from xacct_nb.sandbox.http.messages import App
from xacct_nb.sandbox.server import client
from xacct_nb.sandbox.server.state import Sandbox, sandbox_in

# Only root may listen there, so no test's server does. The tests use ports 1, 2 and 9 as dead ones.
ENDPOINT = "http://127.0.0.1:19"


@pytest.fixture(scope="session")
def in_process_sandbox() -> Sandbox:
    """The sandbox of all files with the line `sandbox = in_process_sandbox`."""
    return start()


@cache
def start() -> Sandbox:
    """Return the one sandbox of this process. MiniStack can be patched only once, so it never ends."""
    folder = tempfile.TemporaryDirectory(prefix="xacct-nb-")
    atexit.register(folder.cleanup)
    sandbox = sandbox_in(
        Path(folder.name),
        endpoint=ENDPOINT,
        pid=os.getpid(),
        instance="in-process",
        token=secrets.token_hex(32),
    )
    application, patch = _Application(_layers(sandbox)), pytest.MonkeyPatch()
    patch.setattr(URLLib3Session, "send", _botocore_send(application, URLLib3Session.send))
    patch.setattr(client, "send", _control_send(application, client.send))
    return sandbox


def _layers(sandbox: Sandbox) -> App:
    """Return what `xacct_nb.sandbox.server.serve` serves."""
    from ministack import app

    from xacct_nb.sandbox.server.serve import layers

    app.AUTH = True
    return layers(sandbox.instance, sandbox.token)


class _Exchange:
    """One request and its response. `injector` cuts the connection by the names that hypercorn gives them."""

    stream_id = 1

    def __init__(self, body: bytes) -> None:
        self.sent: list[Any] = []
        self._body = body

    async def receive(self) -> Any:
        return {"type": "http.request", "body": self._body, "more_body": False}

    async def send(self, message: Any) -> None:
        if not isinstance(message, dict):  # hypercorn's event Closed
            raise ConnectionClosedError(endpoint_url=ENDPOINT)
        self.sent.append(message)

    async def handle(self, event: object) -> None:
        """Do nothing when the stream is closed."""


class _Application:
    """The application, served by a loop in a thread: in the main one Playwright's loop may run."""

    def __init__(self, app: App) -> None:
        self._app, self._loop, self._lock = app, asyncio.new_event_loop(), threading.Lock()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def request(self, method: str, url: str, headers: dict[str, bytes], body: bytes) -> HTTPResponse:
        """Return the response to a request, its body still to be read."""
        parts = urlsplit(url)
        # Signed by awscrt, the headers have the host already.
        others = ((name.lower().encode(), value) for name, value in headers.items())
        named = [each for each in others if each[0] != b"host"]
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(parts.path),
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [(b"host", parts.netloc.encode()), *named],
            "client": ("127.0.0.1", 1),
        }
        exchange = _Exchange(body)
        with self._lock:
            served = self._app(scope, exchange.receive, exchange.send)
            asyncio.run_coroutine_threadsafe(served, self._loop).result()
        start, *rest = exchange.sent
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
        stream = BytesIO(b"".join(part.get("body", b"") for part in rest))
        return HTTPResponse(stream, pairs, start["status"], preload_content=False, request_method=method)


def _botocore_send(application: _Application, over_http: Callable[..., Any]) -> Callable[..., Any]:
    """Return `URLLib3Session.send` that requests of the application what goes to its endpoint."""

    def send(session: URLLib3Session, request: AWSPreparedRequest) -> Any:
        if not request.url.startswith(f"{ENDPOINT}/"):
            return over_http(session, request)
        headers = {name: _as_bytes(value) for name, value in request.headers.items()}
        raw = application.request(request.method, request.url, headers, _as_bytes(request.body or b""))
        response = AWSResponse(request.url, raw.status, raw.headers, raw)
        if not request.stream_output:
            assert response.content is not None  # this reads the body, as botocore does here
        return response

    return send


def _control_send(application: _Application, over_http: Callable[..., Any]) -> Callable[..., Any]:
    """Return `connection.send` that requests of the application what goes to its endpoint."""

    def send(endpoint: str, token: str, path: str, method: str = "GET", value: Any = None) -> Any:
        if endpoint != ENDPOINT:
            return over_http(endpoint, token, path, method, value)
        data = b"" if value is None else json.dumps(value).encode()
        response = application.request(method, endpoint + path, {TOKEN_HEADER: token.encode()}, data)
        if response.status >= 400:
            raise HTTPError(path, response.status, "", Message(), BytesIO(response.read()))
        return response.json()

    return send


def _as_bytes(value: Any) -> bytes:
    whole = value.read() if hasattr(value, "read") else value
    return bytes(whole) if isinstance(whole, bytes | bytearray) else str(whole).encode("latin-1")
