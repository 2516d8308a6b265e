"""Serves programs on this machine only: no web page, and nothing of the sandbox's own without its token."""

import hmac
from collections.abc import Mapping

from xacct_nb.sandbox.http.messages import App, Message, Receive, Send, send_json

TOKEN_HEADER = "x-xacct-token"

# Headers that browsers add and that no SDK of AWS sends.
_OF_BROWSERS = ("origin", "referer", "cookie", "upgrade-insecure-requests", "purpose", "x-moz")
_PREFIXES_OF_BROWSERS = ("sec-", "access-control-request-")
_ACCEPTED_BY_BROWSERS = ("text/html", "text/css", "text/event-stream", "image/", "audio/", "video/")
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
_PAGES = "The sandbox serves programs on this machine, not web pages."
_OWN = "This path of the sandbox needs its token, which its state file has: use xacct-nb sandbox."
_SERVED = ("/_xacct/", "/_ministack/reset")


def closed(app: App, token: str) -> App:
    """Return `app` that gets no request of a web page, and none to its own paths without the token."""

    async def enter(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif refusal := _refusal(scope, token):
            await send_json(send, 403, {"message": refusal})
        else:
            await app(scope, receive, send)

    return enter


def _refusal(scope: Message, token: str) -> str:
    """Return why a request is refused; "" for one that is not."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    hosts = [value for name, value in scope["headers"] if name.lower() == b"host"]
    if len(hosts) != 1 or not _is_loopback(hosts[0].decode("latin-1")) or scope["method"] not in _METHODS:
        return _PAGES
    if _is_of_browser(headers):
        return _PAGES
    if scope["path"].startswith("/_"):
        given = headers.get(TOKEN_HEADER, "").encode("latin-1")
        if not scope["path"].startswith(_SERVED) or not hmac.compare_digest(given, token.encode()):
            return _OWN
    return ""


def _is_loopback(host: str) -> bool:
    # A page's own name may lead to the loopback too.
    name, colon, port = host.lower().partition(":")
    if colon and not port.isdecimal():
        return False
    return name in ("127.0.0.1", "localhost") or name.endswith(".localhost")


def _is_of_browser(headers: Mapping[str, str]) -> bool:
    if any(name in _OF_BROWSERS or name.startswith(_PREFIXES_OF_BROWSERS) for name in headers):
        return True
    accepted = headers.get("accept", "").lower()
    return any(kind in accepted for kind in _ACCEPTED_BY_BROWSERS) or "Mozilla/" in headers.get(
        "user-agent", ""
    )
