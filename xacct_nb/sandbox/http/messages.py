"""Reads the body of an ASGI request, and sends a response."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from xacct_nb.sandbox.ministack.guard_result import HttpResponse

Message = Any  # what ASGI calls scope, event and message: dictionaries of many shapes
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


async def read_body(receive: Receive) -> bytes:
    """Return the whole body of a request."""
    body, _ = await read_and_replay(receive)
    return body


async def read_and_replay(receive: Receive, most: int | None = None) -> tuple[bytes, Receive]:
    """Return the body (b"" for more than `most` bytes), and a `receive` that starts at its beginning."""
    seen, body, more = [], bytearray(), True
    while more and (most is None or len(body) <= most):
        message = await receive()
        seen.append(message)
        body += message.get("body", b"")
        more = message.get("more_body", False)
    waiting = iter(seen)

    async def replay() -> Message:
        message = next(waiting, None)
        return await receive() if message is None else message

    return (bytes(body) if most is None or len(body) <= most else b""), replay


async def send_response(send: Send, response: HttpResponse) -> None:
    """Send a response."""
    status, headers, body = response
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    pairs.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


async def send_json(send: Send, status: int, value: Any) -> None:
    """Send a value as JSON."""
    await send_response(send, (status, {"Content-Type": "application/json"}, json.dumps(value).encode()))
