"""AWS's messages for a denied call, by service. Source: troubleshoot_access-denied."""

from collections.abc import Mapping

from xacct_nb.iam.decision import Decision
from xacct_nb.iam.explain import (
    EXPLICIT_DENY,
    IMPLICIT_DENY,
    PERMISSIONS_BOUNDARY,
    PRINCIPAL,
    RESOURCE,
    RESOURCE_CONTROL_POLICY,
    SERVICE_CONTROL_POLICY,
    SESSION,
)
from xacct_nb.sandbox.ministack import guard_result
from xacct_nb.sandbox.ministack.authorization_request import AuthorizationRequest

# AWS's names of the policies for which MiniStack has no message (troubleshoot_access-denied).
CONTROL_POLICIES = {
    SERVICE_CONTROL_POLICY: "service control policy",
    RESOURCE_CONTROL_POLICY: "resource control policy",
}
_NAMES = CONTROL_POLICIES | {
    PERMISSIONS_BOUNDARY: "permissions boundary",
    SESSION: "session policy",
}

NO_ACCESS = "You don't have permissions to access this resource."
"""What AWS Organizations says of every denial, whatever denies it: as public recordings of it show."""


def denial_message(request: AuthorizationRequest, decision: Decision | None) -> str:
    """Return AWS's message for a denial; "" for MiniStack's own, and where IAM has no such request."""
    service = request.action.partition(":")[0]
    return _MESSAGES.get(service, _other_message)(request, decision)


def _iam_message(request: AuthorizationRequest, decision: Decision | None) -> str:
    shown = guard_result.current.get().resource.shown or request.resource
    return _worded(request, f" on resource: {shown}", _reason(decision)) if decision else ""


def _s3_message(request: AuthorizationRequest, decision: Decision | None) -> str:
    """Return S3's message; another account gets no reason. Source: S3 guide, troubleshoot-403-errors."""
    if decision is None or request.owner != request.caller.account:
        return "Access Denied"
    where = "" if request.resource == "*" else f' on resource: "{request.resource}"'
    return _worded(request, where, _reason(decision))


def _other_message(request: AuthorizationRequest, decision: Decision | None) -> str:
    """Return the message where MiniStack has none for the policies that deny; "" for MiniStack's own."""
    why = denial_reason(decision) if decision else ""
    return _worded(request, f" on resource: {request.resource}", why) if why else ""


def _worded(request: AuthorizationRequest, where: str, why: str) -> str:
    return f"User: {request.caller.arn} is not authorized to perform: {request.action}{where} {why}"


def _kms_message(request: AuthorizationRequest, decision: Decision | None) -> str:
    return _worded(request, f" on resource: {request.resource}", _reason(decision)) if decision else ""


def _organizations_message(request: AuthorizationRequest, decision: Decision | None) -> str:
    return NO_ACCESS


_MESSAGES = {
    "iam": _iam_message,
    "s3": _s3_message,
    "kms": _kms_message,
    "organizations": _organizations_message,
}


def _reason(decision: Decision) -> str:
    """Return AWS's reason: it names one kind of policy, an explicit deny before others.

    Source: troubleshoot_access-denied.
    """
    denying = [check for check in decision.checks if check.effect in (EXPLICIT_DENY, IMPLICIT_DENY)]
    first = min(denying, key=lambda check: (check.effect != EXPLICIT_DENY, check.type != PRINCIPAL))
    name = {**_NAMES, PRINCIPAL: "identity-based policy", RESOURCE: "resource-based policy"}[first.type]
    if first.effect == EXPLICIT_DENY:
        article = "an" if name[0] in "aeiou" else "a"
        return f"with an explicit deny in {article} {name}"
    return f"because no {name} allows the {decision.action} action"


def denial_reason(decision: Decision, names: Mapping[str, str] = _NAMES) -> str:
    """Return AWS's message for a denial by the named kinds of policies; "" where another kind denies too.

    Source: troubleshoot_access-denied.
    """
    denying = [check for check in decision.checks if check.effect in (EXPLICIT_DENY, IMPLICIT_DENY)]
    if not {check.type for check in denying} <= names.keys():
        return ""
    first = min(denying, key=lambda check: check.effect != EXPLICIT_DENY)
    if first.effect == EXPLICIT_DENY:
        return f"with an explicit deny in a {names[first.type]}"
    return f"because no {names[first.type]} allows the {decision.action} action"
