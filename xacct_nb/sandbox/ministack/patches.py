"""Adds to MiniStack what it lacks, where there is no way to do so from outside.

`tests/test_ministack_patches.py` fails when another MiniStack makes one of them needless or no longer fits.
"""

import base64
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from typing import Any

from ministack import app
from ministack.services import iam, kms, organizations, s3, sts

from xacct_nb.sandbox.ministack import authorization, forms, guard_result, xml_text
from xacct_nb.sandbox.ministack.authorization_request import Decide
from xacct_nb.sandbox.ministack.guard_result import GuardResult, HttpResponse
from xacct_nb.sandbox.ministack.xml_text import as_xml_text, escape_xml, valid_bytes

Serve = Callable[..., Awaitable[HttpResponse]]


def install(decide: Decide) -> None:
    """Add everything, and let `decide` authorize calls; an IAM action that MiniStack has stays its own."""
    iam._IAM_HANDLERS.setdefault("SetDefaultPolicyVersion", _set_default_policy_version)
    iam._IAM_HANDLERS["CreateVirtualMFADevice"] = partial(_with_base32_seed, iam._create_virtual_mfa_device)
    iam._IAM_HANDLERS["GetAccountAuthorizationDetails"] = partial(
        _with_boundaries, iam._get_account_authorization_details
    )
    xml_text.install()
    iam.handle_request = partial(_apply_result, "iam", iam.handle_request)
    sts.handle_request = partial(_apply_result, "sts", sts.handle_request)
    kms.handle_request = partial(_unless_refused, kms.handle_request)
    organizations.handle_request = partial(_unless_refused, organizations.handle_request)
    s3.handle_request = partial(_serve_s3, decide, s3.handle_request)
    app._unknown_query_error = _unknown_query(app._unknown_query_error)
    sts.register_session = partial(_with_session_fields, sts.register_session)
    sts._evict_expired_sessions = _once_a_second(sts._evict_expired_sessions)
    app.parse_qs = forms.parse_qs
    iam.parse_qs = sts.parse_qs = forms.parse_first
    authorization.install(decide)


async def _apply_result(service: str, serve: Serve, *request: Any) -> HttpResponse:
    """Serve a request, but return the guard's response where there is one.

    The last part of a request is its query. Nothing is served that the guard took for another service's.
    """
    if guard_result.checked_service.get() != service:
        message = f"Credential should be scoped to correct service: '{service}'. "
        response: HttpResponse = iam._error(403, "SignatureDoesNotMatch", message, ns=service)
        return response
    result = guard_result.current.get()
    if result.response:
        return result.response
    *others, query = request
    status, headers, body = await serve(*others, as_xml_text(query))
    if result.on_success and status < 300:
        result.on_success()
    return status, headers, valid_bytes(_with_source_identity(body, result))


async def _unless_refused(serve: Serve, *request: Any) -> Any:
    """Serve a request, but return the guard's response where there is one."""
    return guard_result.current.get().response or await serve(*request)


async def _serve_s3(decide: Decide, serve: Serve, *request: Any) -> Any:
    """Serve a request to S3, but return the guard's response, or hide that an object is missing.

    XML of its own, not an object, gets no character that XML cannot have.
    """
    if (refusal := guard_result.current.get().response) is not None:
        return refusal
    method, path, *_ = request
    status, headers, body = await serve(*request)
    bucket, _, key = path.removeprefix("/").partition("/")
    if status == 404 and key and method in ("GET", "HEAD") and b"<Code>NoSuchBucket" not in body:
        status, headers, body = authorization.hides_absence(decide, bucket) or (status, headers, body)
    is_object = any(name.lower() == "etag" for name in headers)
    own = isinstance(body, bytes) and not is_object and body.startswith(b"<")
    return status, headers, valid_bytes(body) if own else body


def _unknown_query(serve: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    def respond(*request: Any) -> HttpResponse:
        status, headers, body = serve(*request)
        return status, headers, valid_bytes(body)

    return respond


def _with_source_identity(body: bytes, result: GuardResult) -> bytes:
    if not (name := result.session.get("SourceIdentity")):
        return body
    element = f"<SourceIdentity>{escape_xml(name)}</SourceIdentity></AssumeRoleResult>"
    return body.replace(b"</AssumeRoleResult>", element.encode())


def _with_session_fields(
    register: Callable[[str, dict[str, Any]], None], key: str, session: dict[str, Any]
) -> None:
    """Keep what the guard found with the session; tags that a chain carries on come first."""
    found = guard_result.current.get().session
    tags = [*found.get("CarriedTags", ()), *(session.get("SessionTags") or ())]
    register(key, {**session, **found, "SessionTags": tags})


def _once_a_second(evict: Callable[[], None]) -> Callable[[], None]:
    """Look for expired sessions once in each second; MiniStack does so whenever one is made."""
    evict_in = lru_cache(maxsize=1)(lambda second: evict())
    return lambda: evict_in(int(time.monotonic()))


def _with_base32_seed(create: Callable[[Any], HttpResponse], parameters: Any) -> HttpResponse:
    """Serve CreateVirtualMFADevice with a seed in Base32, which MiniStack's is not."""
    before = set(iam._mfa_devices)
    parameters = as_xml_text(parameters)
    status, headers, body = create(parameters)
    for serial in set(iam._mfa_devices) - before:
        device, seed = iam._mfa_devices[serial], base64.b32encode(secrets.token_bytes(20)).decode()
        old, device["Base32StringSeed"] = device["Base32StringSeed"], seed
        body = body.replace(base64.b64encode(old.encode()), base64.b64encode(seed.encode()))
    return status, headers, body


def _with_boundaries(serve: Callable[[Any], HttpResponse], parameters: Any) -> HttpResponse:
    """Serve GetAccountAuthorizationDetails with the boundaries, which MiniStack leaves out."""
    status, headers, body = serve(parameters)
    for entity in (*iam._users.values(), *iam._roles.values()):
        if boundary := entity.get("PermissionsBoundary"):
            arn = f"<Arn>{entity['Arn']}</Arn>"
            element = (
                "<PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType>"
                f"<PermissionsBoundaryArn>{boundary}</PermissionsBoundaryArn></PermissionsBoundary>"
            )
            body = body.replace(arn.encode(), f"{arn}{element}".encode())
    return status, headers, body


def _set_default_policy_version(parameters: Any) -> HttpResponse:
    """Serve SetDefaultPolicyVersion as the IAM API reference describes it."""
    arn, version = iam._p(parameters, "PolicyArn"), iam._p(parameters, "VersionId")
    policy = iam._policies.get(arn)
    missing = f"Policy {arn}" if not policy else f"Policy {arn} version {version}"
    response: HttpResponse
    if not policy or version not in policy["Versions"]:
        message = f"{missing} does not exist or is not attachable."
        response = iam._error(404, "NoSuchEntity", message, ns="iam")
        return response
    for each in policy["Versions"].values():
        each["IsDefaultVersion"] = each["VersionId"] == version
    policy["DefaultVersionId"] = version
    response = iam._xml(200, "SetDefaultPolicyVersionResponse", "", ns="iam")
    return response
