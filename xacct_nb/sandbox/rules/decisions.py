"""Authorizes every call of the sandbox by `xacct_nb.iam.evaluation`, from all policies that apply."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from xacct_nb.errors import InvalidArn, InvalidInput
from xacct_nb.iam.decision import Decision
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.iam.grammar import NEW, RESOURCE, TRUST
from xacct_nb.iam.policy import ParsedPolicy, parse
from xacct_nb.sandbox.ministack import clock
from xacct_nb.sandbox.ministack.authorization_request import AuthorizationRequest
from xacct_nb.sandbox.ministack.callers import SandboxCaller
from xacct_nb.sandbox.rules import organizations
from xacct_nb.sandbox.rules.documents import read_policy


def decide(request: AuthorizationRequest) -> Decision | None:
    """Return the decision on a request; None where the caller, the resource or a key is none of IAM's."""
    caller = request.caller
    service_control, resource_control = organizations.control_policies(caller.account, request.owner)
    limited = bool(request.resource_policy or service_control or resource_control)
    # Most calls need no condition keys: the policies of their caller alone count, and have no conditions.
    has_conditions = limited or any(map(_has_conditions, _texts(caller)))
    if caller.kind == "Root" and not limited and request.owner in ("", caller.account):
        return _of_root(caller.arn, request.action)
    try:
        return evaluate(
            caller.arn,
            request.action,
            request.resource if request.resource.count(":") >= 5 else "*",
            _context(request) if has_conditions else {},
            [read_policy(text) for text in caller.identity],
            _resource_policy(request),
            _limits(caller.boundaries),
            _limits(caller.session_policies),
            service_control,
            resource_control,
            request.owner or None,
        )
    except (InvalidArn, InvalidInput):
        return None


def _texts(caller: SandboxCaller) -> Iterator[str]:
    yield from caller.identity
    yield from caller.boundaries or ()
    yield from caller.session_policies or ()


def _has_conditions(text: str) -> bool:
    """Return whether a policy may have a condition or a variable."""
    return "Condition" in text or "${" in text or "\\u" in text


@lru_cache(maxsize=4096)
def _of_root(arn: str, action: str) -> Decision | None:
    """Return the decision on a root user whom no policy limits: the same for each resource of its account."""
    try:
        return evaluate(arn, action, "*", {})
    except (InvalidArn, InvalidInput):
        return None


def _limits(texts: tuple[str, ...] | None) -> list[ParsedPolicy] | None:
    return None if texts is None else [read_policy(text) for text in texts]


def _resource_policy(request: AuthorizationRequest) -> ParsedPolicy | None:
    kind = TRUST if ":iam:" in request.resource and ":role/" in request.resource else RESOURCE
    if request.resource_policy is not None:
        return read_policy(request.resource_policy, kind)
    return _delegating(request.caller.account) if request.delegated and kind == RESOURCE else None


@lru_cache(maxsize=1024)
def _delegating(account: str) -> ParsedPolicy:
    """Return a resource's policy that leaves the decision to the caller's account."""
    statement = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "*", "Resource": "*"}
    return parse({"Version": NEW, "Statement": statement}, RESOURCE)


def _context(request: AuthorizationRequest) -> dict[str, Any]:
    """Return the condition keys of a request: those that every one has, the caller's, and its own."""
    return {
        "aws:sourceip": request.address,
        "aws:securetransport": "true" if request.secure else "false",
        "aws:requestedregion": request.region,
        **_times(int(clock.now())),
        **organizations.keys_of(request.caller.account, request.owner or request.caller.account),
        **request.caller.keys,
        **request.context,
    }


@lru_cache(maxsize=1)
def _times(second: int) -> dict[str, str]:
    return {"aws:currenttime": datetime.fromtimestamp(second, UTC).isoformat(), "aws:epochtime": str(second)}
