"""The sandbox within this process: a request calls its application, over no socket and in no other process.

One request is served at a time. No other program reaches it, and no client times out. Where no thread can be
started and a loop runs (a browser tab), a fault that takes time is refused.
"""

import asyncio
import logging
import os
import secrets
import sys
import threading
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from xacct_nb.errors import SandboxError
from xacct_nb.sandbox.http.messages import App
from xacct_nb.sandbox.ministack.version import require_ministack
from xacct_nb.sandbox.server.connection import InProcessResponse, serve_here
from xacct_nb.sandbox.server.state import Sandbox, sandbox_in

# Only root may listen there, so that no other server does.
ENDPOINT = "http://127.0.0.1:19"


class ConnectionCut(Exception):
    """A fault cut the connection of a request."""


class _Driver(Protocol):
    def __call__(self, served: Coroutine[Any, Any, None]) -> None: ...


class InProcessApplication:
    """Serves requests to the application, one at a time; any thread may call it."""

    def __init__(self, app: App) -> None:
        self._app, self._lock = app, threading.Lock()
        self._drive = _driver()

    def __call__(self, method: str, url: str, headers: Mapping[str, bytes], body: bytes) -> InProcessResponse:
        """Return the response to a request. Raises ConnectionCut where a fault cuts its connection."""
        exchange = _Exchange(body)
        with self._lock:
            self._drive(self._app(_scope(method, url, headers), exchange.receive, exchange.send))  # type: ignore[arg-type]
        start, *rest = exchange.sent
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
        return InProcessResponse(start["status"], pairs, b"".join(part.get("body", b"") for part in rest))


def serve_in_process(folder: Path) -> tuple[Sandbox, InProcessApplication]:
    """Return a sandbox within this process, its AWS files in a folder, and the application that serves it.

    MiniStack is patched for the whole process, which can have one sandbox only. Raises SandboxError where it
    is not installed.
    """
    require_ministack()
    instance, token = secrets.token_hex(16), secrets.token_hex(32)
    sandbox = sandbox_in(folder, endpoint=ENDPOINT, pid=os.getpid(), instance=instance, token=token)
    application = InProcessApplication(_layers(sandbox))
    serve_here(ENDPOINT, application)
    return sandbox, application


def _layers(sandbox: Sandbox) -> App:
    if sys.platform == "emscripten":
        _stand_in_for_multiprocessing()
        _leave_out_background_threads()
        # It warns that it cannot sign, which no sheet asks for.
        logging.getLogger("kms").setLevel(logging.ERROR)
    with _logging_as_it_is():
        from ministack import app

    from xacct_nb.sandbox.server.layers import layers

    app.AUTH = True
    return layers(sandbox.instance, sandbox.token)


@contextmanager
def _logging_as_it_is() -> Iterator[None]:
    """Keep the process's logging: MiniStack sets it up for a server of its own when it is imported."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def _stand_in_for_multiprocessing() -> None:
    """Let hypercorn be imported, which names a class of a module that a browser does not have."""
    module = ModuleType("_multiprocessing")
    module.SemLock = type("SemLock", (), {"SEM_VALUE_MAX": 1})  # type: ignore[attr-defined]
    module.sem_unlink = lambda name: None  # type: ignore[attr-defined]
    sys.modules.setdefault("_multiprocessing", module)


def _leave_out_background_threads() -> None:
    """Let services of MiniStack be loaded whose clean-up runs in a thread: a browser tab can start none."""
    start = threading.Thread.start

    def start_if_possible(thread: threading.Thread) -> None:
        try:
            start(thread)
        except RuntimeError:
            if not thread.daemon:
                raise

    threading.Thread.start = start_if_possible  # type: ignore[assignment, method-assign]


class _Exchange:
    """One request and its response. A fault cuts the connection by the names that hypercorn gives them."""

    stream_id = 1

    def __init__(self, body: bytes) -> None:
        self.sent: list[Any] = []
        self._body = body

    async def receive(self) -> Any:
        return {"type": "http.request", "body": self._body, "more_body": False}

    async def send(self, message: Any) -> None:
        if not isinstance(message, dict):  # hypercorn's event Closed
            raise ConnectionCut
        self.sent.append(message)

    async def handle(self, event: object) -> None:
        """Do nothing when the stream is closed."""


def _scope(method: str, url: str, headers: Mapping[str, bytes]) -> dict[str, Any]:
    parts = urlsplit(url)
    others = ((name.lower().encode(), value) for name, value in headers.items())
    # Signed by awscrt, the headers have the host already.
    named = [each for each in others if each[0] != b"host"]
    return {
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


def _driver() -> _Driver:
    return _in_this_thread if sys.platform == "emscripten" else _EventLoop().drive


class _EventLoop:
    """An event loop that runs in the thread of each request: to change threads takes a third of its time.

    It gets a thread of its own once something goes on after a response (the making of a stack), or where
    another loop runs in the thread of a request.
    """

    def __init__(self) -> None:
        self._loop, self._has_thread = asyncio.new_event_loop(), False

    def drive(self, served: Coroutine[Any, Any, None]) -> None:
        """Run to its end what serves a request."""
        if self._has_thread or (_is_a_loop_running() and self._start_thread()):
            asyncio.run_coroutine_threadsafe(served, self._loop).result()
        elif _is_a_loop_running():
            _in_this_thread(served)
        else:
            self._loop.run_until_complete(served)
            if asyncio.all_tasks(self._loop):
                self._start_thread()

    def _start_thread(self) -> bool:
        """Return whether the loop runs in a thread of its own now."""
        with suppress(RuntimeError):  # can't start new thread
            threading.Thread(target=self._loop.run_forever, daemon=True).start()
            self._has_thread = True
        return self._has_thread


def _is_a_loop_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _in_this_thread(served: Coroutine[Any, Any, None]) -> None:
    """Run to its end what never waits. Raises SandboxError where it waits."""
    try:
        served.send(None)
    except StopIteration:
        return
    served.close()
    raise SandboxError(
        "The sandbox cannot wait here.",
        why="A fault that takes time needs a thread, and a browser tab has one only.",
        hint="Use a fault that takes no time, such as throttling.",
    )
