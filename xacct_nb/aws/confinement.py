"""Confines every AWS client of this process to one endpoint, whatever its environment and its AWS files say.

All that botocore sends goes through one method: calls of clients, and requests for credentials to the
metadata of a machine or a container. It is replaced once in a process, and does what it did while nothing is
confined.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from botocore.httpsession import ProxyConfiguration, URLLib3Session

from xacct_nb.errors import OutsideSandbox

_FOR_RUNS = "Use the sandbox's profiles without an endpoint of your own, or run it with: -p sandbox false"
_confined_to: str | None = None
_hint = _FOR_RUNS


def confine(endpoint_url: str, hint: str = _FOR_RUNS) -> None:
    """Let all clients of this process reach this endpoint only, and directly; none at all for "".

    `hint` says what to do about a call that is refused.
    """
    global _confined_to, _hint
    _confined_to, _hint = _origin(endpoint_url), hint
    if not hasattr(URLLib3Session.send, "confines"):
        URLLib3Session.send = _confined(URLLib3Session.send)


def release() -> None:
    """Let clients reach what they are configured for."""
    global _confined_to  # noqa: PLW0603
    _confined_to = None


def _confined(send: Callable[..., Any]) -> Callable[..., Any]:
    def send_inside(session: URLLib3Session, request: Any) -> Any:
        if _confined_to is not None:
            if _origin(request.url) != _confined_to:
                raise _outside(request.url)
            session._proxy_config = ProxyConfiguration({}, None)
        return send(session, request)

    send_inside.confines = True  # type: ignore[attr-defined]
    return send_inside


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower()}" if url else ""


def _outside(url: str) -> OutsideSandbox:
    return OutsideSandbox(
        f"A call to {_origin(url)} is refused.",
        why=f"This run acts on the sandbox ({_confined_to or 'not open yet'}), and nothing of it leaves it.",
        hint=_hint,
    )
