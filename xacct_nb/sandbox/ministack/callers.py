"""The principal behind an access key, with the condition keys and the policies that MiniStack keeps of it."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ministack.core import iam_evaluator

from xacct_nb.sandbox.ministack import clock, internals

EVERYTHING = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
_NONE: Mapping[str, Any] = MappingProxyType({})
# No principal of the sandbox is an AWS service, or calls through one.
_NO_SERVICE = {"aws:principalisawsservice": "false", "aws:viaawsservice": "false"}


class SandboxCaller(NamedTuple):
    """A principal that calls: ARN, kind (User, AssumedRole, FederatedUser, Root), account, condition keys.

    Its policies are JSON texts; None means that no boundary or session policy limits it. `session` is
    MiniStack's record of temporary credentials, empty for long-term keys.
    """

    arn: str
    kind: str
    account: str
    keys: Mapping[str, Any] = _NONE
    identity: tuple[str, ...] = ()
    boundaries: tuple[str, ...] | None = None
    session_policies: tuple[str, ...] | None = None
    session: Mapping[str, Any] = _NONE


def caller_of(key: str, account: str, credential: Any = None) -> SandboxCaller | None:
    """Return the principal behind an access key, None for an invalid key; checks no signature.

    `credential` is MiniStack's record of the key, where it is at hand.
    """
    session = internals.session(key) or {}
    credential = credential or internals.credential(key, str(session.get("AccountId") or account))
    if credential is None:
        return None
    arn, kind, account = str(credential.principal_arn), credential.principal_type, credential.account_id
    caller = SandboxCaller(arn, kind, account, _keys(credential, session), session=session)
    if kind == "Root":
        return caller
    caller = caller._replace(session_policies=_passed(session, account))
    store = "role" if kind == "AssumedRole" else "user"
    name = arn.split("/")[1] if store == "role" else credential.principal_name or session.get("PrincipalName")
    if not name:  # federated by the root user, which has every permission
        return caller._replace(identity=(EVERYTHING,))
    boundary = (internals.entity(store, account, name) or {}).get("PermissionsBoundary")
    return caller._replace(
        identity=tuple(identity_documents(store, account, name)),
        boundaries=(internals.managed_document(account, boundary),) if boundary else None,
    )


def identity_documents(kind: str, account: str, name: str) -> Iterator[str]:
    """Yield the identity policies of a user, role or group: inline, managed, and of a user's groups."""
    yield from map(internals.as_text, internals.inline_policies(kind, account, name).values())
    for arn in internals.attached_policies(kind, account, name):
        yield internals.managed_document(account, arn)
    for group in internals.groups_of(account, name) if kind == "user" else ():
        yield from identity_documents("group", account, group)


def _passed(session: Mapping[str, Any], account: str) -> tuple[str, ...] | None:
    """Return the session policies; None where none were passed."""
    passed = session.get("SessionPolicies")
    if passed is None:
        return None
    inline = (passed["Policy"],) if passed.get("Policy") else ()
    managed = (internals.managed_document(account, arn) for arn in passed.get("PolicyArns", ()))
    return (*inline, *managed)


def _keys(credential: Any, session: Mapping[str, Any]) -> dict[str, Any]:
    """Return the condition keys of a caller, with those of MFA, source identity and role.

    aws:PrincipalArn of a session is the ARN of its role. Source: reference_policies_condition-keys.
    """
    keys = iam_evaluator._principal_keys(credential) | _NO_SERVICE
    if when := session.get("MultiFactorAuthTime"):
        keys["aws:multifactorauthpresent"] = "true"
        keys["aws:multifactorauthage"] = str(int(clock.now() - when))
    if name := session.get("SourceIdentity"):
        keys["aws:sourceidentity"] = name
    keys |= session.get("FederatedKeys", {})
    if credential.principal_type == "AssumedRole":
        role = internals.entity("role", credential.account_id, credential.principal_arn.split("/")[1]) or {}
        keys["aws:principalarn"] = role.get("Arn", credential.principal_arn)
    return dict(keys)
