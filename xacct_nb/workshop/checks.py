"""The requests of a notebook that is being graded: its kernel asks, and the grader's own process judges.

Each connection to a port of the loopback carries one line of JSON and one line back. The variable
`XACCT_WORKSHOP_CHECKS` of the kernel has the port and a token.

| request `do` | fields | response |
|---|---|---|
| `open` | `sheet`, `participant`, `seed` | `folder`, `endpoint`, `instance`, `participant`, `seed` |
| `check` | `exercise`, `answer` | `verdict` |
| `reset` | `seed` | as `open` |
| `clean-up` | | `clean_up` |

A request that cannot be served has the response `error`, with `what`, `why` and `hint`.
"""

import hmac
import json
import os
import secrets
import socket
from collections.abc import Callable, Mapping
from threading import Thread
from typing import Any

from xacct_nb.errors import InvalidInput, SandboxError, XacctError

CHECKS_VARIABLE = "XACCT_WORKSHOP_CHECKS"
_LONGEST = 1_000_000  # bytes of a request, and of a response
_LONGEST_REASON = 300  # characters
_TO_SEND, _TO_JUDGE = 5.0, 120.0  # seconds
_HOST = "127.0.0.1"

Message = Mapping[str, Any]


def is_graded() -> bool:
    """Return whether the notebook of this kernel is being graded."""
    return CHECKS_VARIABLE in os.environ


def ask_grader(do: str, **fields: object) -> dict[str, Any]:
    """Return the response of the grader. Raises InvalidInput with its error, SandboxError without one."""
    port, _, token = os.environ[CHECKS_VARIABLE].partition(":")
    try:
        with socket.create_connection((_HOST, int(port)), timeout=_TO_JUDGE) as connection:
            connection.sendall(_line({"token": token, "do": do, **fields}))
            response: dict[str, Any] = json.loads(_read_line(connection))
    except (OSError, ValueError) as problem:
        raise SandboxError("The grader does not answer.", why=f"{type(problem).__name__}.") from problem
    if error := response.get("error"):
        raise InvalidInput(error["what"], why=error["why"], hint=error["hint"])
    return response


class CheckServer:
    """Serves the requests of one kernel, one after the other, in a thread of its own.

    `address` is the value of the variable. `serve(request)` returns the response; an XacctError that it
    raises becomes one, and so does any other error.
    """

    def __init__(self, serve: Callable[[Message], Message]) -> None:
        self._serve, self._token = serve, secrets.token_hex(32)
        self._listener = socket.create_server((_HOST, 0), backlog=64)
        self.address = f"{self._listener.getsockname()[1]}:{self._token}"
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self, patience: float) -> None:
        """Accept no more requests, and wait for the one that is being served."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(patience)
        self._listener.close()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._respond(connection)

    def _respond(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(_TO_SEND)
            request = json.loads(_read_line(connection))
            if hmac.compare_digest(str(request.pop("token")).encode(), self._token.encode()):
                connection.sendall(_line(self._answer(request)))
        except (OSError, ValueError, LookupError, AttributeError, TypeError, RecursionError):
            return  # whoever sends something else gets no response

    def _answer(self, request: Message) -> Message:
        try:
            return self._serve(request)
        except XacctError as problem:
            return {"error": {"what": problem.what, "why": problem.why, "hint": problem.hint}}
        except Exception as problem:  # else the thread ends, and no later request has a response
            why = f"{type(problem).__name__}: {str(problem)[:_LONGEST_REASON]}"
            return {"error": {"what": "The grader failed at this request.", "why": why, "hint": ""}}


def _line(message: Message) -> bytes:
    return json.dumps(message).encode() + b"\n"


def _read_line(connection: socket.socket) -> bytes:
    """Return what comes up to the end of the line. Raises ValueError where it is too long or breaks off."""
    found = bytearray()
    while not found.endswith(b"\n"):
        part = connection.recv(65_536)
        found += part
        if not part or len(found) > _LONGEST:
            raise ValueError("It is no line of a request.")
    return bytes(found)
