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
    seen: list[Message] = []
    length = 0
    while not seen or seen[-1].get("more_body", False):
        seen.append(await receive())
        length += len(seen[-1].get("body", b""))
        if most is not None and length > most:
            break
    whole = b"".join(message.get("body", b"") for message in seen) if most is None or length <= most else b""
    waiting = iter(seen)

    async def replay() -> Message:
        message = next(waiting, None)
        return await receive() if message is None else message

    return whole, replay


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
