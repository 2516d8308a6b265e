"""Which kinds of callers can make which calls at all, whatever the policies say."""

from functools import lru_cache

from xacct_nb.iam.caller import (
    ANONYMOUS,
    FEDERATED,
    FEDERATED_USER,
    PROVIDER_ARN,
    ROLE_ITSELF,
    ROOT,
    SESSION,
    USER,
)
from xacct_nb.iam.explain import PRINCIPAL, RESOURCE

ASSUME_ROLE = "sts:assumerole"
# The calls that are made with a token of an identity provider, and the kind of its provider.
_WITH_TOKEN = {"sts:assumerolewithwebidentity": "oidc", "sts:assumerolewithsaml": "saml"}
# The calls that a session cannot make.
_NOT_BY_SESSIONS = frozenset({"sts:getsessiontoken", "sts:getfederationtoken"})
# The calls that no policy controls: who may always make them, with the rule.
_ANY_CREDENTIALS = (USER, ROLE_ITSELF, SESSION, ROOT, FEDERATED_USER)
_ALWAYS = {
    "sts:getcalleridentity": (
        _ANY_CREDENTIALS,
        "AWS allows GetCallerIdentity to every caller with credentials, even against an explicit deny",
    ),
    "sts:getsessiontoken": (
        (USER, ROOT),
        "AWS allows GetSessionToken to every user: no policy controls it, not even an explicit deny",
    ),
}
# Services that answer no request without a signature. Anonymous requests are for S3, SNS, SQS and a few more.
_SIGNED = frozenset({"dynamodb", "iam", "kms", "secretsmanager", "ssm", "sts"})
_NOTES = {
    ROOT: "the root user of an account cannot assume a role",
    FEDERATED_USER: "a session from GetFederationToken cannot assume a role",
    SESSION: "this call takes the credentials of a user, not those of a session",
    ANONYMOUS: "this call has to be signed, and the caller has no credentials",
    FEDERATED: "this call has to be signed: a token of an identity provider is for {}",
    "token": "such a call carries a token: its principal is an identity provider",
    "kind": "such a call takes a token of an {} provider",
    "account": "the identity provider is in account {}, and it has to be in the role's",
}


def why_always(action: str, kind: str) -> str:
    """Return the rule by which such a caller may always make this call; "" where policies decide.

    Source: the API references of GetCallerIdentity and GetSessionToken.
    """
    kinds, note = _ALWAYS.get(action, ((), ""))
    return note if kind in kinds else ""


@lru_cache(maxsize=4096)
def why_not(action: str, kind: str, caller: str, resource: str) -> tuple[str, str] | None:
    """Return the check that fails because such a caller cannot make this call, with the rule; else None.

    Source: the API references of AssumeRole, AssumeRoleWithWebIdentity and AssumeRoleWithSAML,
    id_credentials_sts-comparison, reference_policies_variables (principal key values).
    """
    if action == ASSUME_ROLE and kind in (ROOT, FEDERATED_USER):
        return PRINCIPAL, _NOTES[kind]
    if action in _NOT_BY_SESSIONS and kind in (SESSION, ROLE_ITSELF, FEDERATED_USER):
        return PRINCIPAL, _NOTES[SESSION]
    if action in _WITH_TOKEN:
        note = (
            _NOTES["token"] if kind != FEDERATED else _wrong_provider(_WITH_TOKEN[action], caller, resource)
        )
        return (RESOURCE, note) if note else None
    service, name = action.split(":", 1)
    if kind == ANONYMOUS and service in _SIGNED:
        return RESOURCE, _NOTES[ANONYMOUS]
    # A token may carry tags and a source identity: those are permissions of their own.
    if kind == FEDERATED and name not in ("tagsession", "setsourceidentity", "setcontext"):
        calls = "AssumeRoleWithSAML" if ":saml-provider/" in caller else "AssumeRoleWithWebIdentity"
        return RESOURCE, _NOTES[FEDERATED].format(calls)
    return None


def _wrong_provider(kind: str, provider: str, role: str) -> str:
    """Return why a token of this provider is refused for the role; "" where it is not."""
    found = PROVIDER_ARN.fullmatch(provider)
    if (found[2] if found else "oidc") != kind:
        return _NOTES["kind"].format(kind.upper())
    account = role.split(":")[4] if role.count(":") >= 5 else ""
    return _NOTES["account"].format(found[1]) if found and found[1] != account else ""
