"""A denied AssumeRoleWithWebIdentity is explained by the trust policy: provider, audience, subject."""

import base64
import json
from typing import Any

import pytest

from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.diagnosis.denial import read_denial
from xacct_nb.diagnosis.diagnosis import Diagnosis, diagnose
from xacct_nb.diagnosis.snapshot import Destination, Principal, Snapshot

ROLE = "arn:aws:iam::222222222222:role/deployer"
HOST = "token.actions.githubusercontent.com"
PROVIDER = f"arn:aws:iam::222222222222:oidc-provider/{HOST}"
ACTION = "sts:AssumeRoleWithWebIdentity"
DENIED = (
    "An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: "
    "Not authorized to perform sts:AssumeRoleWithWebIdentity"
)
MATCHING = {
    "StringEquals": {f"{HOST}:aud": "sts.amazonaws.com"},
    "StringLike": {f"{HOST}:sub": "repo:books/site:*"},
}


def trusting(
    provider: str = PROVIDER, action: str = ACTION, conditions: dict[str, Any] | None = None
) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": action}
    return {"Version": "2012-10-17", "Statement": [statement | {"Condition": conditions or MATCHING}]}


def token(**claims: Any) -> str:
    parts = ({"alg": "RS256"}, {"iss": f"https://{HOST}", "aud": "sts.amazonaws.com"} | claims, {})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts)


def found(trust: dict[str, Any], providers: tuple[str, ...] | None = (PROVIDER,), **passed: Any) -> Diagnosis:
    role = Principal(arn=ROLE, id="AROADEPLOYERDEPLOYER0", trust=trust)
    seen = Snapshot(destination=Destination(role=role, providers=providers))
    return diagnose(seen, attempt=Attempt(role=ROLE, parameters=passed), denial=read_denial(DENIED))


def test_from_the_text_alone_there_is_no_identity_policy_and_no_mfa_among_the_causes() -> None:
    listed = diagnose(denial=read_denial(DENIED), attempt=Attempt(role=ROLE))
    sides = {each.side for each in listed.causes}

    assert {"token-subject", "token-audience", "provider-not-trusted", "no-such-provider"} <= {
        each.code for each in listed.causes
    }
    assert "source" not in sides
    assert not any("mfa" in each.code for each in listed.causes)


def test_without_the_token_what_the_trust_policy_wants_is_shown_as_likely() -> None:
    first, second = found(trusting()).causes[:2]

    assert {(first.code, first.confidence), (second.code, second.confidence)} == {
        ("token-audience", "likely"),
        ("token-subject", "likely"),
    }
    assert "repo:books/site:*" in f"{first.why}{second.why}"
    assert [(each.element, each.holds) for each in first.nearest] == [
        ("Action", True),
        ("Principal", True),
        (f"Condition StringEquals {HOST}:aud", None),
        (f"Condition StringLike {HOST}:sub", None),
    ]


@pytest.mark.parametrize(
    ("claims", "code", "wanted", "got"),
    [
        (
            {"sub": "repo:books/other:ref:refs/heads/main"},
            "token-subject",
            "repo:books/site:*",
            "repo:books/other",
        ),
        ({"sub": "repo:books/site:x", "aud": "api"}, "token-audience", "sts.amazonaws.com", "api"),
    ],
)
def test_with_the_token_the_claim_that_differs_is_certain(
    claims: dict[str, Any], code: str, wanted: str, got: str
) -> None:
    shown = found(trusting(), WebIdentityToken=token(**claims))

    assert [(each.code, each.confidence) for each in shown.causes] == [(code, "certain")]
    assert wanted in shown.causes[0].why
    assert got in shown.causes[0].why


def test_the_token_itself_is_never_shown() -> None:
    secret = token(sub="repo:books/site:main")
    shown = found(trusting(), WebIdentityToken=secret)

    assert secret not in f"{shown}{json.dumps(shown.to_json())}{shown._repr_html_()}"


def test_a_provider_that_the_account_does_not_have_is_certain() -> None:
    first = found(trusting(), providers=()).causes[0]

    assert (first.code, first.confidence, first.side) == ("no-such-provider", "certain", "destination")


def test_a_trust_policy_without_the_provider_of_the_token_is_certain() -> None:
    other = PROVIDER.replace(HOST, "gitlab.example.com")
    first = found(trusting(other), providers=(other,), WebIdentityToken=token(sub="x")).causes[0]

    assert (first.code, first.confidence) == ("provider-not-trusted", "certain")
    assert "gitlab.example.com" in first.why


def test_another_action_for_the_provider_is_certain() -> None:
    first = found(trusting(action="sts:AssumeRole")).causes[0]

    assert (first.code, first.confidence) == ("other-assume-action", "certain")


def test_a_token_that_the_trust_policy_lets_in_leaves_the_organization() -> None:
    shown = found(trusting(), WebIdentityToken=token(sub="repo:books/site:ref:refs/heads/main"))

    assert {each.confidence for each in shown.causes} == {"possible"}
    assert "resource-control-policy" in shown.indistinguishable_causes
