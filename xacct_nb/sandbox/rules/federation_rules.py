"""Decides AssumeRoleWithWebIdentity and AssumeRoleWithSAML, which need a token in place of a signature.

Sources: the API references of both, id_roles_providers, reference_policies_iam-condition-keys.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from xacct_nb.iam.canonical import as_list
from xacct_nb.sandbox.http.calls import Call, Refusal
from xacct_nb.sandbox.ministack import clock, internals
from xacct_nb.sandbox.ministack.authorization_request import AuthorizationRequest
from xacct_nb.sandbox.ministack.callers import SandboxCaller
from xacct_nb.sandbox.ministack.guard_result import HttpResponse
from xacct_nb.sandbox.ministack.sessions import start_session
from xacct_nb.sandbox.rules import policy_rules, token_claims
from xacct_nb.sandbox.rules.decisions import decide
from xacct_nb.sandbox.rules.identity_tokens import (
    AUDIENCE,
    Claims,
    InvalidToken,
    read_assertion,
    read_token,
)
from xacct_nb.sandbox.rules.parameter_rules import breach

_WELL_KNOWN = ("accounts.google.com", "cognito-identity.amazonaws.com")
_CLAIMS = ("sub", "amr", "email")
_SESSION_NAME = "[a-zA-Z_0-9+=,.@-]{2,64}"
_REDEEMED = 300
"""Seconds within which a SAML assertion must be used."""


class Federation(NamedTuple):
    """Who asks for a session, by a valid token: the provider, the condition keys, and the session to be.

    `shown` is what the response says of the token.
    """

    provider: str
    keys: Mapping[str, Any]
    session_name: str
    source_identity: str
    tags: Mapping[str, str]
    transitive: tuple[str, ...]
    shown: Mapping[str, str]


def serve(call: Call) -> HttpResponse:
    """Return the response to a call of one of the two operations."""
    found = breach(call) or policy_rules.session_policy(call) or _federation(call)
    if isinstance(found, Federation):
        asked = found.tags, found.transitive, found.source_identity
        found = token_claims.refused(*asked) or _refused(call, found) or found
    response = found.response("sts") if isinstance(found, Refusal) else _session(call, found)
    return response


def _federation(call: Call) -> Federation | Refusal:
    try:
        return FEDERATED[call.action](call)
    except InvalidToken as problem:
        return Refusal(403 if problem.code == "AccessDenied" else 400, problem.code, str(problem))


def _web_identity(call: Call) -> Federation:
    """Return who a JWT is about, and what it asks for. Raises InvalidToken."""
    claims, is_ours = read_token(call.parameter("WebIdentityToken"))
    token_claims.check_types(claims)
    issuer = claims["iss"]
    host = issuer.partition("://")[2].rstrip("/") or issuer
    account = _account_of(call.parameter("RoleArn"))
    arn = host if host in _WELL_KNOWN else f"arn:aws:iam::{account}:oidc-provider/{host}"
    provider = internals.identity_provider("oidc", account, arn)
    if provider is None and host not in _WELL_KNOWN:
        raise InvalidToken(f"No OpenIDConnect provider found in your account for {issuer}")
    if not is_ours:
        asked = "please reference AssumeRoleWithWebIdentity documentation for requirements"
        raise InvalidToken(f"Couldn't retrieve verification key from your identity provider,  {asked}")
    audience = claims.get("azp", claims["aud"])
    given = [str(each) for each in as_list(audience)]
    _check_token(claims, given, provider)
    keys = {f"{host}:{name}": claims[name] for name in _CLAIMS if name in claims}
    keys |= {f"{host}:aud": audience, "aws:FederatedProvider": arn}
    if "azp" in claims:
        keys[f"{host}:oaud"] = claims["aud"]
    shown = {"SubjectFromWebIdentityToken": str(claims["sub"]), "Audience": given[0], "Provider": arn}
    return _from_claims(call, arn, keys, claims, shown)


def _check_token(claims: Claims, audiences: list[str], provider: internals.Record | None) -> None:
    """Check that a token is valid now, and for a client that the provider knows. Raises InvalidToken."""
    now, ends = int(clock.now()), int(claims["exp"])
    if now < claims.get("nbf", now):
        raise InvalidToken("The ID Token provided is not valid yet.")
    if now >= ends:
        what = f"Token expired: current date/time {now} must be before the expiration date/time {ends}"
        raise InvalidToken(what, "ExpiredTokenException")
    if provider is not None and not {*audiences} & {*provider["ClientIDList"]}:
        raise InvalidToken("Incorrect token audience")


def _from_claims(
    call: Call, arn: str, keys: Mapping[str, Any], claims: Claims, shown: Mapping[str, str]
) -> Federation:
    """Return what a JWT asks for; session tags and source identity are claims of AWS's own."""
    tags, transitive = token_claims.tags_of_claims(claims)
    identity = token_claims.identity_of(claims.get(token_claims.IDENTITY, []))
    return Federation(arn, keys, call.parameter("RoleSessionName"), identity, tags, transitive, shown)


def _saml(call: Call) -> Federation:
    """Return who a SAML assertion is about, and what it asks for. Raises InvalidToken."""
    assertion, arn = read_assertion(call.parameter("SAMLAssertion")), call.parameter("PrincipalArn")
    _check_assertion(call, assertion)
    attributes: dict[str, list[str]] = assertion["attributes"]
    issuer, subject = str(assertion["issuer"]), str(assertion["subject"])
    named = f"{_account_of(arn)}/{arn.rpartition('/')[2]}"
    qualifier = base64.b64encode(hashlib.sha1(f"{issuer}{named}".encode()).digest()).decode()
    shown = {
        "Subject": subject,
        "SubjectType": "persistent",
        "Issuer": issuer,
        "Audience": AUDIENCE,
        "NameQualifier": qualifier,
    }
    keys = {
        "saml:aud": AUDIENCE,
        "saml:iss": issuer,
        "saml:sub": subject,
        "saml:sub_type": "persistent",
        "saml:namequalifier": qualifier,
        "saml:doc": named,
        "aws:FederatedProvider": arn,
    }
    tags, transitive = token_claims.tags_of_attributes(attributes)
    identity, name = (
        token_claims.identity_of(attributes.get("SourceIdentity", [])),
        attributes["RoleSessionName"][0],
    )
    return Federation(arn, keys, name, identity, tags, transitive, shown)


def _check_assertion(call: Call, assertion: Claims) -> None:
    """Check an assertion's provider, issuer, time, role and session name. Raises InvalidToken."""
    arn, role, attributes = call.parameter("PrincipalArn"), call.parameter("RoleArn"), assertion["attributes"]
    provider = internals.identity_provider("saml", _account_of(arn), arn)
    if provider is None or _account_of(arn) != _account_of(role):
        raise InvalidToken("Specified provider doesn't exist")
    stated = re.search(r'entityID="([^"]*)"', provider["SAMLMetadataDocument"])
    if not stated or stated[1] != assertion["issuer"]:
        raise InvalidToken("Issuer not present in specified provider")
    if clock.now() > assertion["issued"] + _REDEEMED:
        raise InvalidToken("Token must be redeemed within 5 minutes of issuance", "ExpiredTokenException")
    if not any({*pair.split(",")} == {arn, role} for pair in attributes.get("Role", ())):
        raise InvalidToken(f"Not authorized to perform sts:{call.action}", "AccessDenied")
    (name, *_) = attributes.get("RoleSessionName") or [""]
    if not name:
        raise InvalidToken("RoleSessionName is required in AuthnResponse")
    if not re.fullmatch(_SESSION_NAME, name):
        raise InvalidToken(f"RoleSessionName in AuthnResponse must match {_SESSION_NAME}")


FEDERATED: dict[str, Callable[[Call], Federation]] = {
    "AssumeRoleWithWebIdentity": _web_identity,
    "AssumeRoleWithSAML": _saml,
}
"""The operations of STS that AWS serves without a signature, each with the reader of its token."""


def _refused(call: Call, federation: Federation) -> Refusal | None:
    """Refuse what the role's trust policy does not allow to the provider, or too long a session."""
    role = internals.role(call.parameter("RoleArn"))
    named, tagged = bool(federation.source_identity), bool(federation.tags)
    actions = ["sts:SetSourceIdentity"] * named + ["sts:TagSession"] * tagged + [f"sts:{call.action}"]
    for action in actions:
        decision = decide(_request(call, federation, role, action)) if role else None
        if decision is None or not decision.allowed:
            return Refusal(403, "AccessDenied", f"Not authorized to perform {action}")
    if role and _seconds(call) > int(role["MaxSessionDuration"]):
        message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        return Refusal(400, "ValidationError", message)
    return None


def _request(call: Call, federation: Federation, role: internals.Record, action: str) -> AuthorizationRequest:
    context = {
        **{name.lower(): value for name, value in federation.keys.items()},
        "sts:rolesessionname": federation.session_name,
        "sts:sourceidentity": federation.source_identity or None,
        "sts:durationseconds": str(_seconds(call)),
        "sts:transitivetagkeys": list(federation.transitive) or None,
        "aws:tagkeys": list(federation.tags) or None,
        **{f"aws:requesttag/{key.lower()}": value for key, value in federation.tags.items()},
        **{f"aws:resourcetag/{tag['Key'].lower()}": tag["Value"] for tag in role.get("Tags") or ()},
    }
    return AuthorizationRequest(
        SandboxCaller(federation.provider, "Federated", ""),
        action,
        role["Arn"],
        context,
        owner=role["Arn"].split(":")[4],
        resource_policy=role["AssumeRolePolicyDocument"],
        region=call.region,
        address=call.client,
    )


def _session(call: Call, federation: Federation) -> HttpResponse:
    role = internals.role(call.parameter("RoleArn")) or {}
    policies = {"Policy": call.parameter("Policy"), "PolicyArns": call.members("PolicyArns", "arn")}
    tags = [{"Key": key, "Value": value} for key, value in federation.tags.items()]
    made = start_session(
        role,
        federation.session_name,
        _seconds(call),
        {
            "SourceIdentity": federation.source_identity,
            "SessionTags": tags,
            "TransitiveKeys": [key.lower() for key in federation.transitive],
            "SessionPolicies": policies if any(policies.values()) else None,
            "FederatedKeys": {name.lower(): value for name, value in federation.keys.items()},
        },
    )
    identity = {"SourceIdentity": federation.source_identity} if federation.source_identity else {}
    result = {
        "Credentials": {
            "AccessKeyId": made.access_key_id,
            "SecretAccessKey": made.secret_access_key,
            "SessionToken": made.session_token,
            "Expiration": made.expiration,
        },
        "AssumedRoleUser": {"AssumedRoleId": made.role_id, "Arn": made.arn},
        "PackedPolicySize": "0",
        **federation.shown,
        **identity,
    }
    return call.answer(result)


def _seconds(call: Call) -> int:
    return int(call.parameter("DurationSeconds") or 3_600)


def _account_of(arn: str) -> str:
    return arn.split(":")[4] if arn.count(":") == 5 else ""
