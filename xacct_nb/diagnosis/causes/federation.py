"""Finds causes of a denied AssumeRoleWithWebIdentity or AssumeRoleWithSAML in the role's trust policy."""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, LIKELY, Cause
from xacct_nb.diagnosis.causes.policy_causes import deny_confidence, is_allowed_by, together
from xacct_nb.diagnosis.fixes.locations import LocatedStatement, allowing, denying
from xacct_nb.diagnosis.known_keys import EVERY_OTHER_KEY, is_time
from xacct_nb.diagnosis.nearest import compared, nearest
from xacct_nb.diagnosis.snapshot import SnapshotPolicy
from xacct_nb.errors import InvalidArn, InvalidInput
from xacct_nb.iam import explain
from xacct_nb.iam.arns import Arn, is_arn
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.iam.explain import ElementMatch, PolicyCheck

# The end of a condition key, which begins with the provider's host: the cause where it does not match.
_CLAIMS = {"aud": "token-audience", "sub": "token-subject"}


def federation_causes(case: Case) -> Iterator[Cause]:
    """Yield why the trust policy does not let the token in, provider by provider.

    Source: IAM user guide, reference_policies_iam-condition-keys (keys of web identity and SAML federation).
    """
    policy, claims = case.trust_policy, token_claims(case.attempt.parameters)
    if policy is None:
        return
    named = tuple(dict.fromkeys(_providers(policy)))
    fitting = [each for each in named if _issued_by(each, claims) and not _is_foreign(case, each)]
    if not fitting:
        yield _no_provider(case, policy, named, claims)
    checks = {provider: _check(case, policy, provider, claims) for provider in fitting}
    if any(
        check is None or (is_allowed_by(check) and not denying([policy], check)) for check in checks.values()
    ):
        return
    for provider, check in checks.items():
        if check is not None:
            yield from _causes(case, policy, provider, check)


def token_claims(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims of the web identity token in the request; {} where none is given or can be read."""
    parts = str(parameters.get("WebIdentityToken", "")).split(".")
    with suppress(ValueError):
        if len(parts) == 3:
            text = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
            claims = json.loads(text)
            return claims if isinstance(claims, dict) else {}
    return {}


def _providers(policy: SnapshotPolicy) -> Iterator[str]:
    """Yield the identity providers that Allow statements of the trust policy name."""
    with suppress(InvalidInput, InvalidArn):
        found = evaluate("*", "sts:AssumeRole", policy.holder, resource_policy=policy.document)
        for check in found.checks:
            for statement in check.statements:
                for each in statement.compared:
                    if each.element == "Principal" and statement.effect == "Allow":
                        yield from (
                            text.removeprefix("Federated: ")
                            for text in each.expected
                            if text.startswith("Federated: ")
                        )


def _issued_by(provider: str, claims: Mapping[str, Any]) -> bool:
    """Return whether a provider can have issued the token; True where its issuer is not known."""
    issuer = str(claims.get("iss", "")).partition("://")[2]
    return not issuer or _host(provider) == issuer


def _is_foreign(case: Case, provider: str) -> bool:
    """Return whether a provider is of another account than the role's: a token never comes through it."""
    return is_arn(provider) and Arn.parse(provider).account != Arn.parse(case.role).account


def _host(provider: str) -> str:
    return provider.partition("-provider/")[2] if is_arn(provider) else provider


def _check(
    case: Case, policy: SnapshotPolicy, provider: str, claims: Mapping[str, Any]
) -> PolicyCheck | None:
    """Return how the trust policy matches a token of the provider; None for an invalid policy."""
    keys = {f"{_host(provider)}:{name}": _texts(value) for name, value in claims.items()}
    action = case.attempt.action
    with suppress(InvalidInput, InvalidArn):
        found = evaluate(
            provider,
            action,
            case.role,
            {key: value for key, value in keys.items() if value},
            resource_policy=policy.document,
            unknown_keys=EVERY_OTHER_KEY,
        )
        return next(each for each in found.checks if each.type == explain.RESOURCE)
    return None


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(each) for each in values if isinstance(each, str | int | float)]


def _no_provider(
    case: Case, policy: SnapshotPolicy, named: tuple[str, ...], claims: Mapping[str, Any]
) -> Cause:
    issuer = f", and the token is of {claims['iss']}" if claims.get("iss") else ""
    providers = ", ".join(named) or "no identity provider"
    why = f"The trust policy names {providers}{issuer}; {case.attempt.action} needs the token's provider."
    if foreign := [each for each in named if _is_foreign(case, each)]:
        why += f" {', '.join(foreign)} is of another account than the role."
    return cause("provider-not-trusted", CERTAIN, why)


def _causes(case: Case, policy: SnapshotPolicy, provider: str, check: PolicyCheck) -> Iterator[Cause]:
    """Yield what fails for one provider: that it is missing, another action, a claim, a Deny."""
    known = case.destination.providers
    if known is not None and is_arn(provider) and provider not in known:
        why = f"The trust policy names {provider}; the account has {', '.join(known) or 'no such providers'}."
        yield cause("no-such-provider", CERTAIN, why, nearest=nearest([policy], check))
    yield from together(_denied(each) for each in denying([policy], check))
    for statement in () if is_allowed_by(check) else allowing([policy], check):
        if statement.match.compared and _names(statement, provider):
            yield from _unmet(case, statement, provider)


def _denied(deny: LocatedStatement) -> Cause:
    confidence, doubt = deny_confidence(deny)
    return cause("trust-deny", confidence, f"{deny} denies it{doubt}.", nearest=compared(deny))


def _names(statement: LocatedStatement, provider: str) -> bool:
    elements = (each for each in statement.match.compared if each.element == "Principal")
    return any(f"Federated: {provider}" in each.expected for each in elements)


def _unmet(case: Case, statement: LocatedStatement, provider: str) -> Iterator[Cause]:
    if other := [each for each in statement.unmet if each.element in ("Action", "NotAction")]:
        why = f"{statement} trusts {provider} for {', '.join(other[0].expected)}, not {case.attempt.action}."
        mend = f"Add a statement for {case.attempt.action}."
        yield cause("other-assume-action", CERTAIN, why, mend, nearest=compared(statement))
        return
    for each in sorted(statement.unmet, key=_has_no_wildcard):
        yield _claim(statement, each)


def _has_no_wildcard(each: ElementMatch) -> bool:
    """Return whether a comparison means what it says: StringEquals with a * rarely does."""
    is_equality = each.operator.lower().rpartition(":")[2].startswith("stringequals")
    return not (is_equality and any({"*", "?"} & set(text) for text in each.expected))


def _claim(statement: LocatedStatement, each: ElementMatch) -> Cause:
    """Return the cause of a condition on the token: what the trust policy wants, and what the token has."""
    wanted = " or ".join(each.expected) or "nothing"
    got = f"the token has {', '.join(each.actual)}" if each.actual else f"the token has no {each.key}"
    if each.holds is None:
        got = "the token was not given, so what it has is not known"
    if not _has_no_wildcard(each):
        got += f". {each.operator} takes * and ? as plain text; StringLike takes them as wildcards"
    confidence = LIKELY if each.holds is None or is_time(each.key) else CERTAIN
    code = _CLAIMS.get(each.key.rpartition(":")[2].lower(), "token-condition")
    why = f"{statement}: {each.operator} wants {each.key} {wanted}, and {got}."
    return cause(code, confidence, why, nearest=compared(statement))
