"""Replaces MiniStack's own decisions: one function authorizes every call."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import partial
from typing import Any

from ministack.core import iam_actions, iam_evaluator, responses, router
from ministack.services import s3, tagging

from xacct_nb.iam.decision import Decision
from xacct_nb.iam.explain import ALLOW, EXPLICIT_DENY, IMPLICIT_DENY, RESOURCE
from xacct_nb.iam.weighing import EXPLICITLY_DENIED
from xacct_nb.sandbox.ministack import guard_result, internals
from xacct_nb.sandbox.ministack.authorization_request import AuthorizationRequest, Decide
from xacct_nb.sandbox.ministack.callers import SandboxCaller, caller_of
from xacct_nb.sandbox.ministack.denials import denial_message
from xacct_nb.sandbox.ministack.guard_result import HttpResponse
from xacct_nb.sandbox.ministack.xml_text import valid_bytes

_message: ContextVar[str] = ContextVar("message", default="")
allowed: ContextVar[tuple[AuthorizationRequest, ...]] = ContextVar("allowed", default=())
"""What was allowed to the request that is being served: its action, and others that it needs."""
_BUCKET = "arn:aws:s3:::"
# Services, apart from S3, whose resources can be another account's: each names it by the ARN.
_OPENED = ("kms",)
# Services for whose calls the guard knows the resource.
_NAMED = ("iam", "organizations")
# The root user can always correct a bucket policy (S3 API reference, PutBucketPolicy).
_CORRECTING = ("s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy")


def install(decide: Decide) -> None:
    """Replace MiniStack's evaluator by `decide`."""
    iam_evaluator.request_caller_arn = _caller_arn
    iam_evaluator.enforce = partial(_enforce, decide, iam_evaluator.enforce)
    iam_evaluator.evaluate_trust_policy = partial(_trusts, decide)
    iam_evaluator.evaluate_resource_policy = partial(_decide_alone, decide)
    s3._foreign_bucket_allows = partial(_opens, s3._public_access_blocked, s3._policy_is_public)
    iam_actions.access_denied_response = partial(_deny, iam_actions.access_denied_response)


def _enforce(
    decide: Decide,
    enforce: Callable[..., Any],
    access_key_id: str,
    iam_action: str,
    service: str,
    region: str,
    resource_arn: str = "*",
    service_context: Mapping[str, Any] | None = None,
) -> Any:
    """Check a call as MiniStack's `enforce` does, but let `decide` authorize it after authentication."""
    _message.set("")
    if not access_key_id or iam_evaluator._anonymous.get():
        return enforce(access_key_id, iam_action, service, region, resource_arn, service_context)
    if service == "sts" and guard_result.current.get().authorized:
        known = internals.credential(access_key_id, responses.get_account_id())
        return None if known else iam_evaluator.check_credentials(access_key_id, service)
    caller = _authenticated(access_key_id, service)
    if isinstance(caller, iam_evaluator.AuthError):
        return caller
    context = {name.lower(): value for name, value in (service_context or {}).items()}
    named = ""
    if service in _NAMED:
        found = guard_result.current.get().resource
        named, context = found.arn, {**context, **found.keys}
    for action in _actions(iam_action, context):
        request = _request(caller, action, service, region, named or resource_arn, context)
        if request is None:
            return iam_evaluator.EvalResult("Deny", caller.arn, resource_policy_arn=resource_arn)
        decision = decide(request)
        if decision is None or not decision.allowed:
            return _denial(request, decision)
        allowed.set((*allowed.get(), request))
        if service in _OPENED:
            responses.set_request_account_id(request.owner)  # the key is looked up there
    return None


def _actions(action: str, context: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the actions that a call is: IAM also asks whether the caller may tag what is made with tags.

    Source: IAM user guide, id_tags.
    """
    made = action.removeprefix("iam:Create")
    return (action, f"iam:Tag{made}") if made != action and context.get("aws:tagkeys") else (action,)


def _caller_arn(headers: Mapping[str, str], query: Any = None) -> str:
    """Return the ARN of the caller; MiniStack reads all its policies for it."""
    account = responses.get_account_id()
    key = router.extract_access_key_id(headers or {}, query or {})
    found = internals.credential(key, account) if key else None
    return str(found.principal_arn) if found else f"arn:aws:iam::{account}:root"


def hides_absence(decide: Decide, bucket: str) -> HttpResponse | None:
    """Return S3's denial in place of 404 for a caller who may not list the bucket; None for others.

    Source: S3 API reference, GetObject and HeadObject.
    """
    asked = next((each for each in allowed.get() if each.resource.startswith(f"{_BUCKET}{bucket}/")), None)
    if asked is None:
        return None
    request = _request(asked.caller, "s3:ListBucket", "s3", asked.region, f"{_BUCKET}{bucket}", {})
    decision = decide(request) if request else None
    if decision and decision.allowed:
        return None
    message = denial_message(asked._replace(action="s3:ListBucket", resource=f"{_BUCKET}{bucket}"), decision)
    response: HttpResponse = iam_actions.access_denied_response("s3", "", "", "", message=message)
    return response


def _opens(
    is_blocked: Callable[..., bool], is_public: Callable[..., bool], owner: str, bucket: str, *_: Any
) -> bool:
    """Return whether another account's bucket serves a request: it is allowed, and nothing blocks it."""
    if not any(f"{each.resource}/".startswith(f"{_BUCKET}{bucket}/") for each in allowed.get()):
        return False
    policy = internals.bucket_policy(f"{_BUCKET}{bucket}")
    return not (is_blocked(owner, bucket, "RestrictPublicBuckets") and is_public(policy[0] if policy else ""))


def _authenticated(key: str, service: str) -> Any:
    """Return the caller behind a key whose signature is valid, else MiniStack's AuthError."""
    account = responses.get_account_id()
    checked = iam_evaluator._s3_scope_failure(service) or iam_evaluator.authenticate(key, account)
    if isinstance(checked, iam_evaluator.AuthError):
        return checked
    return caller_of(key, account, checked) or iam_evaluator.check_credentials(key, service)


def _request(
    caller: SandboxCaller, action: str, service: str, region: str, resource: str, context: Mapping[str, Any]
) -> AuthorizationRequest | None:
    """Return the request behind a call; None where S3 refuses it: a bucket policy through an access point."""
    resource, tags = _with_tags(caller, service, resource)
    found = _policy_of(service, resource, region)
    if "MultiRegionAccessPoint" in action or action == "s3:CreateBucket":
        found = None  # the policy of a multi-region access point applies to data requests
    elif found is None and service == "s3" and "s3:dataaccesspointarn" in context:
        if action in _CORRECTING[1:] and resource == context["s3:dataaccesspointarn"]:
            return None
        found = s3.access_point_policy_for_arn(resource)
    policy, owner = found or ("", "")
    if caller.kind == "Root" and action in _CORRECTING and owner == caller.account:
        policy = ""
    owner = iam_evaluator._account_from_arn(resource) or owner or caller.account
    keys = {"s3:resourceaccount": owner} if action.startswith("s3:") else {}
    own = internals.as_text(policy) if policy else None
    return AuthorizationRequest(
        caller,
        action,
        resource,
        {**tags, **keys, **context},
        owner,
        own,
        found is None,
        region,
        *iam_evaluator._request_origin.get(),
    )


def _policy_of(service: str, resource: str, region: str) -> Any:
    """Return the policy of a resource and its owner, also of another account's; None where it has none."""
    owner = iam_evaluator._account_from_arn(resource)
    if service not in _OPENED or not owner:
        found = iam_evaluator._resource_policy(service, resource)
        return internals.bucket_policy(resource) if found is None and service == "s3" else found
    with responses.request_scope(owner, region):
        return iam_evaluator._resource_policy(service, resource)


def _with_tags(caller: SandboxCaller, service: str, resource: str) -> tuple[str, dict[str, Any]]:
    """Return the ARN of a resource, a user's or role's with its path, and the condition keys of its tags."""
    tags: dict[str, str] = {}
    policies = (*caller.identity, *(caller.boundaries or ()), *(caller.session_policies or ()))
    if service == "iam" and (found := internals.iam_entity(resource)):
        resource, tags = found
    elif any("resourcetag/" in text.lower() for text in policies):
        tags = tagging.resource_tags(resource) or {}
    prefixes = ("aws", "iam") if service == "iam" else ("aws",)
    return resource, {
        f"{prefix}:resourcetag/{name.lower()}": tags[name] for name in tags for prefix in prefixes
    }


def _denial(request: AuthorizationRequest, decision: Decision | None) -> Any:
    """Return the denial as MiniStack expects it, with AWS's message."""
    explicit = decision is not None and decision.result == EXPLICITLY_DENIED
    own = decision is not None and _resource_effect(decision) == EXPLICIT_DENY
    _message.set(denial_message(request, decision))
    return iam_evaluator.EvalResult(
        "Deny" if explicit else "ImplicitDeny",
        request.caller.arn,
        resource_policy_arn=request.resource if own else "",
    )


def _trusts(decide: Decide, trust_doc: Any, caller_arn: str, ctx: Any = None) -> bool:
    """Check a trust policy for MiniStack; the guard has authorized AssumeRole before."""
    return guard_result.current.get().authorized or _effect(decide, trust_doc, ctx, caller_arn) == ALLOW


def _decide_alone(
    decide: Decide,
    doc: Any,
    ctx: Any,
    service: str | None = None,
    named_only: bool = False,
    direct_only: bool = False,
) -> Any:
    """Decide by a resource's policy alone, for a principal or the service that calls for it."""
    effects = [_effect(decide, doc, ctx, name) for name in (ctx.principal_arn, service) if name]
    for effect, decision in ((EXPLICIT_DENY, "Deny"), (ALLOW, "Allow")):
        if effect in effects:
            return iam_evaluator.EvalResult(decision, ctx.principal_arn)
    return iam_evaluator.EvalResult("ImplicitDeny", ctx.principal_arn)


def _effect(decide: Decide, document: Any, context: Any, principal: str) -> str:
    """Return what a resource's own policy does to a request; `context` is MiniStack's."""
    caller = SandboxCaller(
        principal, context.principal_type, context.principal_account, context.principal_keys
    )
    request = AuthorizationRequest(
        caller,
        context.action,
        context.resource_arn,
        {name.lower(): value for name, value in context.service_context.items()},
        owner="",
        resource_policy=internals.as_text(document or {}),
        region=context.region,
        address=context.source_ip,
        secure=context.secure_transport,
    )
    decision = decide(request)
    return _resource_effect(decision) if decision else IMPLICIT_DENY


def _resource_effect(decision: Decision) -> str:
    return next(check.effect for check in decision.checks if check.type == RESOURCE)


def _deny(respond: Callable[..., Any], *args: Any, **more: Any) -> Any:
    """Return MiniStack's response to a denied call, with AWS's message where MiniStack has none."""
    if (message := _message.get()) and not more.get("error_code"):
        more["message"] = message
    status, headers, body = respond(*args, **more)
    if args[0] == "organizations" and _message.get():
        status = 400  # as the API reference of AWS Organizations has it
    return status, headers, valid_bytes(body)
