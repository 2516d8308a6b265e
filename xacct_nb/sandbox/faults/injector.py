"""Injects faults on demand: those that are set at `/_xacct/faults` affect the calls of every client."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from xacct_nb.errors import InvalidFault
from xacct_nb.sandbox.faults.faults import Fault, Faults, faults_from
from xacct_nb.sandbox.faults.propagation import Propagation
from xacct_nb.sandbox.faults.responses import KINDS as ERRORS
from xacct_nb.sandbox.faults.responses import failure
from xacct_nb.sandbox.faults.statistics import FaultCounter
from xacct_nb.sandbox.http.calls import Call, read_call
from xacct_nb.sandbox.http.messages import App, Message, Receive, Send, read_body, send_json, send_response

PATH = "/_xacct/faults"
_RESET = "/_ministack/reset"


def faulty(app: App) -> App:
    """Return `app` with faults: PUT sets them, GET shows them with their counts, DELETE ends them.

    A reset of the sandbox ends them too.
    """
    state = _FaultState()

    async def enter(scope: Message, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path == PATH:
            await _control(state, scope["method"], receive, send)
        elif state.counter.faults.faults and path and not path.startswith("/_"):
            await state.serve(app, scope, receive, send)
        else:
            if path == _RESET:
                state.set(Faults())
            await app(scope, receive, send)

    return enter


class _FaultState:
    """The faults that are set, their counts, and the changes of IAM that have no effect yet."""

    def __init__(self) -> None:
        self.counter = FaultCounter(Faults())
        self.propagation: Propagation | None = None

    def set(self, faults: Faults) -> None:
        """Set other faults, counted from 0; delayed changes take effect."""
        if self.propagation:
            self.propagation.stores.close()
        delays = any(fault.kind == "propagation" for fault in faults.faults)
        self.counter, self.propagation = FaultCounter(faults), Propagation() if delays else None

    async def serve(self, app: App, scope: Message, receive: Receive, send: Send) -> None:
        """Serve a call with the faults that affect it."""
        call, receive = await read_call(scope, receive)
        failing = self.counter.strike(call.service, call.action) if call.service else ()
        if self.propagation:
            app = self.propagation.decided(app, call)
        for fault in reversed(failing):
            if fault.kind == "propagation" and self.propagation:
                app = self.propagation.delayed(app, call, fault.seconds)
            else:
                app = partial(_EFFECTS[fault.kind], app, fault, call)
        await app(scope, receive, send)


async def _control(state: _FaultState, method: str, receive: Receive, send: Send) -> None:
    """Serve the route of faults: `Misbehaviour` as JSON; 400 with what, why and hint for an invalid fault."""
    body = await read_body(receive)
    try:
        if method == "PUT":
            state.set(faults_from(json.loads(body)))
        elif method == "DELETE":
            state.set(Faults())
    except ValueError:
        why = "The body is not JSON."
        refusal = InvalidFault("The faults cannot be read.", why=why, hint="Send the faults as JSON.")
        return await send_json(send, 400, refusal.to_json())
    except InvalidFault as problem:
        return await send_json(send, 400, problem.to_json())
    await send_json(send, 200, state.counter.counts().to_json())


async def _close_connection(send: Send) -> None:
    """Close the TCP connection behind hypercorn's own `send`, as a failing network does."""
    from hypercorn.events import Closed
    from hypercorn.protocol.events import StreamClosed

    stream: Any = send.__self__  # type: ignore[attr-defined]
    protocol: Any = stream.send.__self__
    await stream.handle(StreamClosed(stream_id=stream.stream_id))
    await protocol.send(Closed())


async def _discard(message: Message) -> None:
    """Send nothing."""


async def _refuse(app: App, fault: Fault, call: Call, scope: Message, receive: Receive, send: Send) -> None:
    await read_body(receive)
    await send_response(send, failure(fault.kind, call, scope))


async def _cut_before(
    app: App, fault: Fault, call: Call, scope: Message, receive: Receive, send: Send
) -> None:
    await _close_connection(send)


async def _cut_after(
    app: App, fault: Fault, call: Call, scope: Message, receive: Receive, send: Send
) -> None:
    await app(scope, receive, _discard)
    await _close_connection(send)


async def _delay(app: App, fault: Fault, call: Call, scope: Message, receive: Receive, send: Send) -> None:
    await asyncio.sleep(fault.seconds)
    await app(scope, receive, send)


_EFFECTS: dict[str, Callable[..., Awaitable[None]]] = {
    **dict.fromkeys(ERRORS, _refuse),
    "cut-before": _cut_before,
    "cut-after": _cut_after,
    "latency": _delay,
}
