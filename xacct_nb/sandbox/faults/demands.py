"""Demands of a running sandbox that it misbehaves, and that it behaves again."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any

from xacct_nb.errors import InvalidFault, SandboxError
from xacct_nb.sandbox.faults.faults import Fault, Faults
from xacct_nb.sandbox.faults.statistics import Misbehaviour, misbehaviour_from
from xacct_nb.sandbox.server.state import Sandbox

_DEADLINE = 20.0
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def misbehave(sandbox: Sandbox, *faults: Fault, seed: int = 0) -> Misbehaviour:
    """From now on these faults and no others strike the calls of every client; none given, it behaves again.

    Counts begin at 0. Raises InvalidFault, SandboxError.
    """
    return _told(sandbox, "PUT", Faults(faults, seed).to_json())


def misbehaviour(sandbox: Sandbox) -> Misbehaviour:
    """The faults that are set, and how many calls each met and struck. Raises SandboxError."""
    return _told(sandbox, "GET")


def behave(sandbox: Sandbox) -> Misbehaviour:
    """No fault strikes any more, and every change of IAM has arrived. Raises SandboxError."""
    return _told(sandbox, "DELETE")


@contextmanager
def misbehaving(sandbox: Sandbox, *faults: Fault, seed: int = 0) -> Iterator[None]:
    """Within this block these faults strike; after it, none. Raises InvalidFault, SandboxError."""
    misbehave(sandbox, *faults, seed=seed)
    try:
        yield
    finally:
        behave(sandbox)


def _told(sandbox: Sandbox, method: str, value: Any = None) -> Misbehaviour:
    data = None if value is None else json.dumps(value).encode()
    request = urllib.request.Request(f"{sandbox.endpoint}/_xacct/faults", data, method=method)
    try:
        with _direct.open(request, timeout=_DEADLINE) as answer:
            return misbehaviour_from(json.load(answer))
    except urllib.error.HTTPError as error:
        told = json.load(error)
        raise InvalidFault(told["what"], why=told["why"], hint=told["hint"]) from error
    except (OSError, HTTPException) as error:
        raise SandboxError("The sandbox does not answer.", why=str(error)) from error
