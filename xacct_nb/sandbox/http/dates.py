"""The Date header of the sandbox's responses."""

from email.utils import formatdate

from xacct_nb.sandbox.http.messages import App, Message, Receive, Send
from xacct_nb.sandbox.ministack import clock


def dated(app: App) -> App:
    """Return `app` whose responses all have a Date header by the sandbox's clock, as AWS's have."""

    async def enter(scope: Message, receive: Receive, send: Send) -> None:
        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                others = [pair for pair in message.get("headers", []) if pair[0].lower() != b"date"]
                message = {
                    **message,
                    "headers": [*others, (b"date", formatdate(clock.now(), usegmt=True).encode())],
                }
            await send(message)

        # A fault that cuts the connection finds it behind the server's own `send`.
        send_dated.__self__ = getattr(send, "__self__", None)  # type: ignore[attr-defined]
        await app(scope, receive, send_dated if scope["type"] == "http" else send)

    return enter
