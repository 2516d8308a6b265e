"""Ends the TCP connection of a request as a failing network does: without an answer."""

from typing import Any

from xacct_nb.sandbox.http.calls import Send


async def cut(send: Send) -> None:
    """Close the connection behind hypercorn's own `send`; what was not sent yet never is."""
    from hypercorn.events import Closed
    from hypercorn.protocol.events import StreamClosed

    stream: Any = send.__self__  # type: ignore[attr-defined]
    protocol: Any = stream.send.__self__
    await stream.handle(StreamClosed(stream_id=stream.stream_id))
    await protocol.send(Closed())
