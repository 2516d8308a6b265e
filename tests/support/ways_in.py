"""Ways in which a page in a browser can send a request to a port of this machine, and proof that it did."""

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

ACCOUNT = "111111111111"
_SIGNED = {
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": f"{ACCOUNT}/20260101/us-east-1/iam/aws4_request",
    "X-Amz-Date": "20260101T000000Z",
    "X-Amz-SignedHeaders": "host",
    "X-Amz-Signature": "0" * 64,
}
_HEADER = (
    f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, "
    f"Signature={'0' * 64}"
)
_TOKEN, _ASSERTION = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJhIn0.", "PFJlc3BvbnNlLz4="


@dataclass(frozen=True)
class Way:
    """A way in: JavaScript in which `$URL` and others stand for the call.

    `page` is where the page is from: http, file or data. `host` is the name by which it calls this machine.
    """

    name: str
    script: str
    page: str = "http"
    host: str = "127.0.0.1"

    def code(self, number: int, port: int) -> str:
        """Return the script with the call in it: CreateUser of `way-NUMBER`, signed as root by a guess."""
        call = {"Action": "CreateUser", "Version": "2010-05-08", "UserName": f"way-{number}"}
        place, role = f"http://{self.host}:{port}", f"arn:aws:iam::{ACCOUNT}:role/hub"
        token, assertion = f"{_TOKEN}{number}", _ASSERTION
        session = {"Version": "2011-06-15", "RoleArn": role, "RoleSessionName": f"way-{number}"}
        web = {"Action": "AssumeRoleWithWebIdentity", **session, "WebIdentityToken": token}
        saml = {"Action": "AssumeRoleWithSAML", **session, "PrincipalArn": role, "SAMLAssertion": assertion}
        values = {
            "URL": f"{place}/?{urlencode(call | _SIGNED)}",
            "CALL": f"{place}/?way-{number}&{urlencode(_SIGNED)}",
            "BODY": urlencode(call),
            "PLACE": place,
            "WAY": f"way-{number}",
            "HEADER": _HEADER,
            "WEB": urlencode(web),
            "SAML": urlencode(saml),
        }
        return Template(self.script).substitute({name: json.dumps(value) for name, value in values.items()})


_FILE = Path(__file__).parent.parent / "cases" / "ways_in.json"
WAYS = tuple(Way(**each) for each in json.loads(_FILE.read_text())["ways"])


class Relay:
    """Passes what comes in to a server, and keeps what was sent both ways."""

    def __init__(self, endpoint: str) -> None:
        self._to = urlsplit(endpoint).port
        self.sent, self.answered = bytearray(), bytearray()
        self.listeners: list[socket.socket] = []
        self.port = 0

    def listen(self) -> None:
        """Listen at one port, on IPv4 and, where it is there, on IPv6."""
        first = socket.create_server(("127.0.0.1", 0))
        self.port, self.listeners = first.getsockname()[1], [first]
        with suppress(OSError):
            self.listeners.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))
        for each in self.listeners:
            threading.Thread(target=self._accept, args=(each,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                for way in ((client, server, self.sent), (server, client, self.answered)):
                    threading.Thread(target=_pass_on, args=way, daemon=True).start()

    def reached(self, number: int) -> bool:
        """Whether a request of this way came in."""
        return re.search(rb"way-%d\b" % number, bytes(self.sent)) is not None

    def statuses(self) -> set[str]:
        """The statuses of all responses."""
        return {each.decode() for each in re.findall(rb"^HTTP/1\.\d (\d+)", bytes(self.answered), re.M)}


def _pass_on(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            kept += data
            target.sendall(data)
    with suppress(OSError):  # the browser waits for the end of each connection
        target.shutdown(socket.SHUT_WR)


@contextmanager
def relay(endpoint: str) -> Iterator[Relay]:
    """A relay to a server, until the block ends."""
    found = Relay(endpoint)
    found.listen()
    try:
        yield found
    finally:
        for each in found.listeners:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def page_of(script: str) -> str:
    """A page whose script runs as soon as it is there."""
    return f"<!doctype html><title>A page</title><body><script>{script}</script>"


class _Site(BaseHTTPRequestHandler):
    """A page with the script that its address has, and a service worker that calls what its address has."""

    def do_GET(self) -> None:
        asked = unquote(self.path.partition("?")[2])
        worker = f"fetch({json.dumps(asked)}, {{mode: 'no-cors'}})"
        is_worker = self.path.startswith("/worker.js")
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if is_worker else "text/html")
        self.end_headers()
        with suppress(OSError):  # a page that was left
            self.wfile.write((worker if is_worker else page_of(asked)).encode())

    def log_message(self, *_: Any) -> None:
        """Write nothing."""


@contextmanager
def site() -> Iterator[str]:
    """The address of a page on this machine, as somebody else's page."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
