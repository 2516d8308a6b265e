"""What the guard found about the call that MiniStack is serving."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, NamedTuple

HttpResponse = tuple[int, dict[str, str], bytes]
"""HTTP status, headers, body."""


class IamResource(NamedTuple):
    """The resource of an IAM call: its ARN, and how a denial names it; "" for each that MiniStack knows.

    `keys` are IAM's own condition keys of the call, in lower case.
    """

    arn: str = ""
    shown: str = ""
    keys: Mapping[str, str] = MappingProxyType({})


class GuardResult(NamedTuple):
    """What MiniStack does with a call.

    `response` replaces its own, once it has authenticated the caller and authorized the call. `authorized` if
    the guard has authorized the call. `session` is kept with the session that the call makes. `on_success` is
    called after the call has succeeded. `resource` is that of a call of IAM.
    """

    response: HttpResponse | None = None
    authorized: bool = False
    session: Mapping[str, Any] = MappingProxyType({})
    on_success: Callable[[], None] | None = None
    resource: IamResource = IamResource()


NOTHING = GuardResult()
"""Leaves a call to MiniStack."""

current: ContextVar[GuardResult] = ContextVar("guard_result", default=NOTHING)
"""The result for the call that is being served; each request has a context of its own."""

checked_service: ContextVar[str] = ContextVar("checked_service", default="")
"""The service for which the guard has checked the call; `iam` and `sts` serve no other's."""
