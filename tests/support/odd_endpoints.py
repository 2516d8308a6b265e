"""Endpoints that answer as AWS never does, or refuse: HTTP servers on the loopback, one for each answer."""

import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def _refusal(code: str, text: str) -> bytes:
    return (
        f"<ErrorResponse><Error><Code>{code}</Code><Message>{text}</Message></Error></ErrorResponse>".encode()
    )


ANSWERS: dict[str, tuple[int, bytes]] = {
    "unknown key": (403, _refusal("InvalidClientTokenId", "The security token is invalid.")),
    "expired": (403, _refusal("ExpiredToken", "The security token included in the request is expired")),
    "wrong secret": (403, _refusal("SignatureDoesNotMatch", "The request signature does not match.")),
    "late": (
        403,
        _refusal("SignatureDoesNotMatch", "Signature expired: 20261128T212000Z is now earlier than"),
    ),
    "no XML": (500, b"oops"),
    "nothing": (200, b""),
    "JSON": (200, b"{}"),
    "a page": (200, b"<html><title>Welcome to the network of this hotel</title></html>"),
    "overloaded": (503, b"<html><h1>503 Service Unavailable</h1></html>"),
    "not active": (403, _refusal("OptInRequired", "The account needs a subscription for the service")),
    "a user": (
        200,
        b"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111111111111:user/me</Arn>"
        b"<UserId>AIDA</UserId><Account>111111111111</Account></GetCallerIdentityResult>"
        b"</GetCallerIdentityResponse>",
    ),
    "a proxy": (407, b"Proxy Authentication Required"),
}


@cache
def endpoint_that_answers(name: str) -> str:
    """The URL of a server that gives this answer to every request; it ends with the process."""
    status, body = ANSWERS[name]

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"
