"""Adds to MiniStack what it lacks, where there is no way to do so from outside.

`tests/test_sandbox_additions.py` fails when a newer MiniStack makes one of them needless or no longer fits.
"""

import base64
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

from xacct_nb.sandbox.http.calls import forms_read_once
from xacct_nb.sandbox.ministack import internals, matching, resource_policies, roots
from xacct_nb.sandbox.ministack.variables import filled
from xacct_nb.sandbox.rules import limited, organizations

Answer = tuple[int, dict[str, str], bytes]
Serve = Callable[..., Awaitable[Answer]]


@dataclass(frozen=True)
class Verdict:
    """What the guard has found about the call that a request makes.

    `answer` stands in for the call, once MiniStack knows the caller and that its policies allow the call.
    `decided` if the guard has decided what policies say. `session` is kept with the session that the call
    makes. `then` is done when it has succeeded.
    """

    answer: Answer | None = None
    decided: bool = False
    session: Mapping[str, Any] = field(default_factory=dict)
    then: Callable[[], None] | None = None


# Nobody here is a service of AWS, or calls through one.
_PEOPLE = {"aws:principalisawsservice": "false", "aws:viaawsservice": "false"}
_verdict: ContextVar[Verdict | None] = ContextVar("verdict", default=None)


@contextmanager
def judged(verdict: Verdict) -> Iterator[None]:
    """MiniStack serves a call within this block as the verdict on it says."""
    token = _verdict.set(verdict)
    try:
        yield
    finally:
        _verdict.reset(token)


def install() -> None:
    """Adds everything; an IAM action that MiniStack has by now stays its own."""
    from ministack.core import iam_actions, iam_evaluator
    from ministack.services import iam, sts

    iam._IAM_HANDLERS.setdefault("SetDefaultPolicyVersion", _set_default_policy_version)
    iam._IAM_HANDLERS["CreateVirtualMFADevice"] = _with_real_seed(iam._create_virtual_mfa_device)
    iam.handle_request = _heeding(iam.handle_request)
    sts.handle_request = _heeding(sts.handle_request)
    sts.register_session = _remembering(sts.register_session)
    sts._evict_expired_sessions = _now_and_then(sts._evict_expired_sessions)
    iam.parse_qs = sts.parse_qs = forms_read_once(iam.parse_qs)
    keys = _with_more_keys(iam_evaluator._principal_keys)
    iam_evaluator._principal_keys = sts._principal_keys = keys
    iam_evaluator._resolve_condition_key = _with_role_arn(iam_evaluator._resolve_condition_key)
    within = limited.by_control_policies(roots.unless_denied(iam_evaluator.enforce))
    iam_evaluator.enforce = _unless_decided(_with_paths(within))
    iam_actions.access_denied_response = limited.saying_why(iam_actions.access_denied_response)
    iam_evaluator.evaluate_trust_policy = _or_decided(iam_evaluator.evaluate_trust_policy)
    iam_evaluator.parse_policy_document = _marking_variables(iam_evaluator.parse_policy_document)
    iam_evaluator._first_match = _filling_variables(iam_evaluator._first_match)
    readable = resource_policies.read_before(iam_evaluator.evaluate_resource_policy)
    iam_evaluator.evaluate_resource_policy = readable
    matching.install()


def _heeding(serve: Serve) -> Serve:
    """A service that gives the verdict's answer where there is one."""

    async def heed(*request: Any) -> Answer:
        verdict = _verdict.get()
        if verdict is None:
            return await serve(*request)
        if verdict.answer:
            return verdict.answer
        status, headers, body = await serve(*request)
        if verdict.then and status < 300:
            verdict.then()
        return status, headers, _with_source_identity(body, verdict)

    return heed


def _with_source_identity(body: bytes, verdict: Verdict) -> bytes:
    if not (name := verdict.session.get("SourceIdentity")):
        return body
    element = f"<SourceIdentity>{escape(name)}</SourceIdentity></AssumeRoleResult>"
    return body.replace(b"</AssumeRoleResult>", element.encode())


def _remembering(register: Callable[[str, dict[str, Any]], None]) -> Callable[[str, dict[str, Any]], None]:
    """Sessions keep what the verdict on the call says; tags that a chain carries on come first."""

    def remember(key: str, session: dict[str, Any]) -> None:
        if verdict := _verdict.get():
            carried = list(verdict.session.get("CarriedTags", ()))
            session |= {**verdict.session, "SessionTags": carried + list(session.get("SessionTags") or ())}
        register(key, session)

    return remember


def _now_and_then(evict: Callable[[], None]) -> Callable[[], None]:
    """MiniStack looks through all sessions whenever one is made; once a second is enough."""
    last = 0.0

    def look() -> None:
        nonlocal last
        if time.monotonic() - last > 1:
            evict()
            last = time.monotonic()

    return look


def _with_more_keys(keys: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    """The condition keys of a caller, with those of MFA, source identity, organization and role."""
    from ministack.core import iam_evaluator
    from ministack.services import iam, sts

    def more(credential: Any) -> dict[str, Any]:
        session = sts._sessions.get(credential.access_key_id) or {}
        found = keys(credential) | organizations.keys_of(credential.account_id) | _PEOPLE
        if when := session.get("MultiFactorAuthTime"):
            found |= {
                "aws:multifactorauthpresent": "true",
                "aws:multifactorauthage": str(int(time.time() - when)),
            }
        if name := session.get("SourceIdentity"):
            found["aws:sourceidentity"] = name
        if credential.principal_type == "AssumedRole":
            name = iam_evaluator._role_name_from_assumed_arn(credential.principal_arn)
            role = iam._roles.get_scoped(credential.account_id, None, name) or {}
            found["aws:principalarn"] = role.get("Arn", credential.principal_arn)
        return found

    return more


def _with_role_arn(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """aws:PrincipalArn of a session is the ARN of its role; MiniStack gives the session's.

    It also gives s3:ResourceAccount for calls of other services, which have no keys of S3.
    """

    def value(key: str, context: Any) -> Any:
        if key.lower() == "aws:principalarn" and (arn := context.principal_keys.get("aws:principalarn")):
            return arn
        if key.lower() == "s3:resourceaccount" and not context.action.startswith("s3:"):
            return None
        return resolve(key, context)

    return value


def _unless_decided(enforce: Callable[..., Any]) -> Callable[..., Any]:
    """What MiniStack's policies say, unless the guard has decided: then only the credentials are checked."""
    from ministack.core import iam_evaluator

    def ask(key: str, action: str, service: str, *rest: Any, **more: Any) -> Any:
        verdict = _verdict.get()
        if verdict and verdict.decided and service == "sts":
            return iam_evaluator.check_credentials(key, service)
        return enforce(key, action, service, *rest, **more)

    return ask


def _with_paths(enforce: Callable[..., Any]) -> Callable[..., Any]:
    """A user or role that is in a path has it in its ARN; its tags are iam:ResourceTag too."""

    def ask(
        key: str, action: str, service: str, region: str, resource_arn: str = "*", service_context: Any = None
    ) -> Any:
        kind, _, name = resource_arn.rpartition(":")[2].partition("/")
        if service == "iam" and kind in ("user", "role", "group"):
            found = internals.entity(kind, resource_arn.split(":")[4], name) or {}
            resource_arn = found.get("Arn", resource_arn)
            tags = {
                f"{prefix}:resourcetag/{tag['Key']}": tag["Value"]
                for tag in found.get("Tags") or ()
                for prefix in ("aws", "iam")
            }
            service_context = tags | (service_context or {})
        return enforce(key, action, service, region, resource_arn, service_context)

    return ask


def _or_decided(trusts: Callable[..., bool]) -> Callable[..., bool]:
    def ask(*request: Any) -> bool:
        verdict = _verdict.get()
        return (verdict is not None and verdict.decided) or trusts(*request)

    return ask


def _marking_variables(parse: Callable[[Any], list[Any]]) -> Callable[[Any], list[Any]]:
    """Statements know whether variables in them count: in Version 2012-10-17 only.

    MiniStack hands over the statements of a resource policy without the version, as a dictionary.
    """

    def mark(document: Any) -> list[Any]:
        statements = parse(document)
        if "${" in (document if isinstance(document, str) else json.dumps(document)):
            counts = isinstance(document, dict) or json.loads(document).get("Version") == "2012-10-17"
            for statement in statements:
                statement.has_variables = counts
        return statements

    return mark


def _filling_variables(first_match: Callable[..., Any]) -> Callable[..., Any]:
    from ministack.core import iam_evaluator

    def fill(context: Any, statements: list[Any], effect: str) -> Any:
        def lookup(key: str) -> Any:
            return iam_evaluator._resolve_condition_key(key, context)

        def full(statement: Any) -> Any:
            if not getattr(statement, "has_variables", False):
                return statement
            parts = ("resources", "not_resources", "conditions")
            return replace(statement, **{part: filled(getattr(statement, part), lookup) for part in parts})

        return first_match(context, [full(statement) for statement in statements], effect)

    return fill


def _with_real_seed(create: Callable[[Any], Answer]) -> Callable[[Any], Answer]:
    """CreateVirtualMFADevice with a seed in Base32; MiniStack's has digits that Base32 does not know."""
    from ministack.services import iam

    def make(parameters: Any) -> Answer:
        before = set(iam._mfa_devices)
        status, headers, body = create(parameters)
        for serial in set(iam._mfa_devices) - before:
            device, seed = iam._mfa_devices[serial], base64.b32encode(secrets.token_bytes(20)).decode()
            old, device["Base32StringSeed"] = device["Base32StringSeed"], seed
            body = body.replace(base64.b64encode(old.encode()), base64.b64encode(seed.encode()))
        return status, headers, body

    return make


def _set_default_policy_version(parameters: Any) -> Any:
    """SetDefaultPolicyVersion, as the IAM API reference describes it."""
    from ministack.services import iam

    arn, version = iam._p(parameters, "PolicyArn"), iam._p(parameters, "VersionId")
    policy = iam._policies.get(arn)
    if not policy:
        return iam._error(404, "NoSuchEntity", f"Policy {arn} does not exist or is not attachable.", ns="iam")
    if version not in policy["Versions"]:
        return iam._error(
            404,
            "NoSuchEntity",
            f"Policy {arn} version {version} does not exist or is not attachable.",
            ns="iam",
        )
    for each in policy["Versions"].values():
        each["IsDefaultVersion"] = each["VersionId"] == version
    policy["DefaultVersionId"] = version
    return iam._xml(200, "SetDefaultPolicyVersionResponse", "", ns="iam")
