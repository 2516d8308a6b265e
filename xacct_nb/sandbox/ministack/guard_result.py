"""What the guard found about the call that MiniStack is serving."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

HttpResponse = tuple[int, dict[str, str], bytes]
"""HTTP status, headers, body."""


@dataclass(frozen=True)
class GuardResult:
    """What MiniStack does with a call.

    `response` replaces its own, once it has authenticated the caller and authorized the call. `authorized` if
    the guard has authorized the call. `session` is kept with the session that the call makes. `on_success` is
    called after the call has succeeded.
    """

    response: HttpResponse | None = None
    authorized: bool = False
    session: Mapping[str, Any] = field(default_factory=dict)
    on_success: Callable[[], None] | None = None


_current: ContextVar[GuardResult | None] = ContextVar("guard_result", default=None)


@contextmanager
def applied(result: GuardResult) -> Iterator[None]:
    """Serve a call within this block as the result says."""
    token = _current.set(result)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> GuardResult | None:
    """Return the result for the call that is being served; None where the guard found nothing."""
    return _current.get()


def is_authorized() -> bool:
    """Return whether the guard has authorized the call that is being served."""
    result = _current.get()
    return result is not None and result.authorized
