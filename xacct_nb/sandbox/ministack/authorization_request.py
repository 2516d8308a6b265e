"""What is asked of the evaluator for one action of a call."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from xacct_nb.iam.decision import Decision
from xacct_nb.sandbox.ministack.callers import SandboxCaller


# A tuple, like `SandboxCaller`: every call makes one, and a frozen dataclass takes four times as long.
class AuthorizationRequest(NamedTuple):
    """One action of a caller on one resource, with the condition keys of the call in lower case.

    `owner` is the account of the resource. `resource_policy` is the text of the resource's own policy, None
    for none; with `delegated` the service behind the resource decides by it.
    """

    caller: SandboxCaller
    action: str
    resource: str
    context: Mapping[str, Any]
    owner: str
    resource_policy: str | None = None
    delegated: bool = False
    region: str = "us-east-1"
    address: str = "127.0.0.1"
    secure: bool = False


Decide = Callable[[AuthorizationRequest], Decision | None]
"""Decides a request from all policies; None where IAM has no such caller, resource or key."""
