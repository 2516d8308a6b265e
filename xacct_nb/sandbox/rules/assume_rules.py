"""Decides AssumeRole: callers that are always refused, then both sides' policies, then the session."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xacct_nb.sandbox.http.calls import Call, Refusal
from xacct_nb.sandbox.ministack import clock, internals
from xacct_nb.sandbox.ministack.authorization_request import AuthorizationRequest
from xacct_nb.sandbox.ministack.callers import SandboxCaller, caller_of
from xacct_nb.sandbox.ministack.denials import CONTROL_POLICIES, denial_reason
from xacct_nb.sandbox.ministack.guard_result import NOTHING, GuardResult
from xacct_nb.sandbox.rules import mfa, policy_rules, tag_rules
from xacct_nb.sandbox.rules.decisions import decide
from xacct_nb.sandbox.rules.parameter_rules import breach

CHAINED_MOST = 3_600
"""Seconds that a session may last whose caller is itself the session of a role."""

DEFAULT_SECONDS = 3_600
"""Seconds that a session lasts for which no duration is given."""

_INVALID_TOKEN = Refusal(403, "InvalidClientTokenId", "The security token included in the request is invalid")
_SESSION_CREDENTIALS = Refusal(403, "AccessDenied", "Cannot call GetSessionToken with session credentials")
_ROLE = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/\S+")


@dataclass(frozen=True)
class AssumeRoleRequest:
    """An AssumeRole call with its caller, and the role that it names if that exists."""

    call: Call
    caller: SandboxCaller
    role: internals.Record | None

    @property
    def is_chained(self) -> bool:
        """Return whether the caller is itself the session of a role."""
        return self.caller.kind == "AssumedRole"

    @property
    def carried(self) -> list[dict[str, str]]:
        """Return the transitive tags of the caller's session."""
        keys = self.caller.session.get("TransitiveKeys", ())
        tags = {tag["Key"].lower(): tag for tag in self.caller.session.get("SessionTags") or ()}
        return [tags[key] for key in keys if key in tags]

    @property
    def source_identity(self) -> str:
        """Return the source identity that the new session will have."""
        return self.call.parameter("SourceIdentity") or str(self.caller.session.get("SourceIdentity", ""))


def assume_role(call: Call) -> GuardResult:
    """Decide AssumeRole; MiniStack refuses an invalid key."""
    caller = caller_of(call.key, call.account)
    if caller is None:
        return NOTHING
    request = AssumeRoleRequest(call, caller, internals.role(call.parameter("RoleArn")))
    for rule in _RULES:
        if refusal := rule(request):
            return GuardResult(refusal.response("sts"), authorized=True)
    return GuardResult(authorized=True, session=_session(request))


def get_session_token(call: Call) -> GuardResult:
    """Decide GetSessionToken: a valid code makes a session with MFA."""
    caller = caller_of(call.key, call.account)
    if caller is None:
        return NOTHING
    if caller.session:
        return GuardResult(_SESSION_CREDENTIALS.response("sts"), authorized=True)
    if refusal := breach(call) or mfa.wrong_code(call, caller):
        return GuardResult(refusal.response("sts"))
    return GuardResult(session={"MultiFactorAuthTime": clock.now()} if mfa.is_given(call) else {})


def session_may_not(call: Call) -> Refusal | None:
    """Refuse calls of IAM by sessions of GetSessionToken without MFA, and by those of GetFederationToken.

    Source: API reference, GetSessionToken and GetFederationToken.
    """
    if call.service != "iam" or not (session := internals.session(call.key)):
        return None
    kind = session.get("PrincipalType")
    without_mfa = kind == "User" and not session.get("MultiFactorAuthTime")
    return _INVALID_TOKEN if without_mfa or kind == "FederatedUser" else None


def _session(request: AssumeRoleRequest) -> dict[str, Any]:
    """Return what the new session keeps for its own calls."""
    passed = [key.lower() for key in request.call.members("TransitiveTagKeys")]
    carried = request.carried
    return {
        "SourceIdentity": request.source_identity,
        "CarriedTags": carried,
        "TransitiveKeys": [tag["Key"].lower() for tag in carried] + passed,
    }


def _parameters(request: AssumeRoleRequest) -> Refusal | None:
    arn = request.call.parameter("RoleArn")
    if refusal := breach(request.call) or tag_rules.tags(request.call):
        return refusal
    if not arn.startswith("arn:"):
        return Refusal(400, "ValidationError", f"{arn} is invalid")
    if not _ROLE.fullmatch(arn):
        return Refusal(400, "ValidationError", "Request ARN is invalid")
    return None


def _caller(request: AssumeRoleRequest) -> Refusal | None:
    """Refuse the root user, and a session of GetFederationToken: of STS it can call GetCallerIdentity only.

    Source: API reference, AssumeRole and GetFederationToken.
    """
    if request.caller.kind == "Root":
        return Refusal(403, "AccessDenied", "Roles may not be assumed by root accounts.")
    return _denied(request, "sts:AssumeRole") if request.caller.kind == "FederatedUser" else None


def _tags(request: AssumeRoleRequest) -> Refusal | None:
    """Refuse tags that conflict with transitive ones. Source: id_session-tags."""
    passed = {key.lower() for key in request.call.tags()}
    if passed & {tag["Key"].lower() for tag in request.carried}:
        message = (
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive "
            "tag key from the calling session."
        )
        return Refusal(400, "InvalidParameterValue", message)
    return tag_rules.transitive(request.call)


def _other_identity(request: AssumeRoleRequest) -> Refusal | None:
    """Refuse another source identity in a chain. Source: id_credentials_temp_control-access_monitor."""
    known, passed = request.caller.session.get("SourceIdentity"), request.call.parameter("SourceIdentity")
    if not known or passed in ("", known):
        return None
    message = "The source identity is already set for this assume role session"
    return Refusal(400, "ValidationError", message)


def _policies(request: AssumeRoleRequest) -> Refusal | None:
    """Decide by the policies of both sides, for each of the actions that the call is."""
    if request.role is None:
        return _denied(request, _actions(request)[0])
    for action in _actions(request):
        question = AuthorizationRequest(
            request.caller,
            action,
            request.role["Arn"],
            _context(request),
            owner=request.role["Arn"].split(":")[4],
            resource_policy=request.role["AssumeRolePolicyDocument"],
            region=request.call.region,
            address=request.call.client,
        )
        decision = decide(question)
        if decision is None or not decision.allowed:
            why = denial_reason(decision, CONTROL_POLICIES) if decision else ""
            return _denied(request, action, f" {why}" if why else "")
    return None


def _actions(request: AssumeRoleRequest) -> list[str]:
    """Return the actions that the call is; a denial names the first of them that is denied."""
    tagged = bool(request.call.tags() or request.carried)
    named = bool(request.source_identity)
    return ["sts:SetSourceIdentity"] * named + ["sts:TagSession"] * tagged + ["sts:AssumeRole"]


def _context(request: AssumeRoleRequest) -> Mapping[str, Any]:
    """Return the condition keys of the call, in lower case; None for one that is absent."""
    call, tags = request.call, request.call.tags()
    context: dict[str, Any] = {
        "sts:externalid": call.parameters.get("ExternalId"),
        "sts:rolesessionname": call.parameters.get("RoleSessionName"),
        "sts:sourceidentity": call.parameters.get("SourceIdentity"),
        "sts:durationseconds": call.parameter("DurationSeconds") or str(DEFAULT_SECONDS),
        "sts:transitivetagkeys": call.members("TransitiveTagKeys") or None,
        "aws:tagkeys": list(tags) or None,
    }
    context |= {f"aws:requesttag/{key.lower()}": value for key, value in tags.items()}
    for tag in (request.role or {}).get("Tags") or ():
        for prefix in ("aws:resourcetag/", "iam:resourcetag/"):
            context[prefix + tag["Key"].lower()] = tag["Value"]
    if mfa.is_given(call):
        context |= {"aws:multifactorauthpresent": "true", "aws:multifactorauthage": "0"}
    return context


def _duration(request: AssumeRoleRequest) -> Refusal | None:
    seconds = int(request.call.parameter("DurationSeconds") or DEFAULT_SECONDS)
    what = "The requested DurationSeconds exceeds the"
    if request.is_chained and seconds > CHAINED_MOST:
        message = f"{what} 1 hour session limit for roles assumed by role chaining."
        return Refusal(400, "ValidationError", message)
    if request.role and seconds > int(request.role["MaxSessionDuration"]):
        return Refusal(400, "ValidationError", f"{what} MaxSessionDuration set for this role.")
    return None


def _denied(request: AssumeRoleRequest, action: str, why: str = "") -> Refusal:
    what = f"{action} on resource: {request.call.parameter('RoleArn')}{why}"
    return Refusal(403, "AccessDenied", f"User: {request.caller.arn} is not authorized to perform: {what}")


_RULES = (
    _parameters,
    _caller,
    lambda request: mfa.wrong_code(request.call, request.caller),
    lambda request: policy_rules.session_policy(request.call),
    _tags,
    _other_identity,
    _policies,
    _duration,
)
