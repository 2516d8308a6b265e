"""The findings on federation: who outside gets in by the trust in an identity provider, or nobody does."""

from typing import Any

import pytest

from xacct_nb.iam.evaluation import evaluate
from xacct_nb.linting.findings import lint_policy
from xacct_nb.linting.rules.federation import FEDERATION_RULES

ROLE = "arn:aws:iam::222222222222:role/deploy"
GITHUB = "token.actions.githubusercontent.com"
EKS = "oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
CIRCLE = "oidc.circleci.com/org/6e0c8a8e-4c0e-4c7b-9a53-3f1f6f2c8a11"
BITBUCKET = "api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc"
COGNITO = "cognito-identity.amazonaws.com"
POOL = "eu-west-1:0a1b2c3d-1111-2222-3333-444455556666"
SIGN_IN = "https://signin.aws.amazon.com/saml"
WEB, SAML = "sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"


def provider(path: str) -> str:
    return f"arn:aws:iam::222222222222:oidc-provider/{path}"


def trust(principal: str, *operators: dict[str, Any], action: Any = WEB, **more: Any) -> dict[str, Any]:
    """The policy that lets a provider in, under these conditions."""
    condition: dict[str, dict[str, Any]] = {}
    for each in operators:
        for operator, keys in each.items():
            condition.setdefault(operator, {}).update(keys)
    statement = {"Effect": "Allow", "Principal": {"Federated": principal}, "Action": action, **more}
    return policy(statement | ({"Condition": condition} if condition else {}))


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [*statements]}


def web(path: str, **claims: Any) -> dict[str, Any]:
    """The trust in a provider with conditions on its claims; those with a wildcard by StringLike."""
    operators = [
        {"StringLike" if "*" in str(value) else "StringEquals": {f"{path}:{claim}": value}}
        for claim, value in claims.items()
    ]
    return trust(provider(path), *operators)


def pool(*operators: dict[str, Any], **aud: str) -> dict[str, Any]:
    return trust(COGNITO, *operators, *({"StringEquals": {f"{COGNITO}:aud": aud["aud"]}} for _ in aud))


def amr(value: str, operator: str = "ForAnyValue:StringLike") -> dict[str, Any]:
    return {operator: {f"{COGNITO}:amr": value}}


def saml(*operators: dict[str, Any], action: Any = SAML) -> dict[str, Any]:
    return trust("arn:aws:iam::222222222222:saml-provider/okta", *operators, action=action)


def anywhere(condition: dict[str, Any] | None = None, action: Any = "") -> dict[str, Any]:
    actions = action or ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "rolesanywhere.amazonaws.com"},
        "Action": actions,
    }
    return policy(statement | ({"Condition": condition} if condition else {}))


CN = {"StringEquals": {"aws:PrincipalTag/x509Subject/CN": "build.example.com"}}
GOOD_GITHUB = web(GITHUB, aud="sts.amazonaws.com", sub="repo:acme/app:*")
GOOD_EKS = web(EKS, sub="system:serviceaccount:shop:api", aud="sts.amazonaws.com")
ALL, MACHINES = "federation-for-everyone", "federation-for-every-machine"
UNCONDITIONAL, FOREIGN = "federation-without-condition", "claim-of-another-provider"
KEEP_OUT = {
    "Effect": "Deny",
    "Principal": {"Federated": provider(GITHUB)},
    "Action": WEB,
    "Condition": {"StringNotLike": {f"{GITHUB}:sub": "repo:acme/*"}},
}
# Code, severity, a policy that has the finding, a policy that has it not.
CASES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    (ALL, "widens", trust(provider(GITHUB)), GOOD_GITHUB),
    (ALL, "widens", web(GITHUB, aud="sts.amazonaws.com"), web(GITHUB, repository_id="123456")),
    (ALL, "widens", web(GITHUB, sub="repo:*"), web(GITHUB, sub="repo:acme/*")),
    (ALL, "widens", web(GITHUB, sub="repo:acme*"), web(GITHUB, sub="repo:acme/app:ref:refs/heads/main")),
    (ALL, "widens", web(GITHUB, sub="repo:*/app:*"), web(GITHUB, sub="repository_owner:acme:*")),
    (ALL, "widens", web(GITHUB, sub=["repo:acme/app:*", "*"]), web(GITHUB, sub=["repo:a/b:*", "repo:c/d:*"])),
    (ALL, "widens", web(GITHUB, sub="*:ref:refs/heads/main"),
     web(GITHUB, job_workflow_ref="acme/ci/.github/*")),
    (ALL, "widens", web(GITHUB, sub="*", repository="*/app"), web(GITHUB, repository="acme/app")),
    (ALL, "widens", trust(provider(GITHUB), {"StringNotLike": {f"{GITHUB}:sub": "repo:evil/*"}}),
     trust(provider(GITHUB), {"ForAllValues:StringLike": {f"{GITHUB}:sub": "repo:acme/*"}})),
    (ALL, "widens", trust(provider(GITHUB), {"Null": {f"{GITHUB}:sub": "false"}}),
     policy(*trust(provider(GITHUB))["Statement"], KEEP_OUT)),
    (ALL, "widens", web(GITHUB, environment="production"), web(GITHUB, sub="repo:acme/app:environment:prod")),
    (ALL, "widens", web("gitlab.com", aud="https://gitlab.com"),
     web("gitlab.com", sub="project_path:acme/app:*")),
    (ALL, "widens", web("gitlab.com", sub="project_path:*"), web("gitlab.com", namespace_id="77")),
    (ALL, "widens", web("app.terraform.io", aud="aws.workload.identity"),
     web("app.terraform.io", sub="organization:acme:project:*:workspace:*:run_phase:*")),
    (ALL, "widens", web("app.terraform.io", sub="organization:*:project:main:*"),
     web("app.terraform.io", sub="organization:acme:*")),
    (ALL, "widens", web("agent.buildkite.com", aud="sts.amazonaws.com"),
     web("agent.buildkite.com", sub="organization:acme:pipeline:app:*")),
    (ALL, "widens", web("oidc.vercel.com", sub="owner:*"),
     web("oidc.vercel.com", aud="https://vercel.com/acme")),
    (ALL, "widens", trust("accounts.google.com", {"StringEquals": {"accounts.google.com:oaud": "reports"}}),
     trust("accounts.google.com", {"StringEquals": {"accounts.google.com:sub": "103456789012345678901"}})),
    (ALL, "widens", trust("graph.facebook.com"),
     trust("graph.facebook.com", {"StringEquals": {"graph.facebook.com:app_id": "1234"}})),
    (ALL, "widens", pool(amr("authenticated")), pool(amr("authenticated"), aud=POOL)),
    (MACHINES, "widens", web(EKS, aud="sts.amazonaws.com"), GOOD_EKS),
    (MACHINES, "widens", web(EKS, sub="system:serviceaccount:*:*"),
     web(EKS, sub="system:serviceaccount:shop:*")),
    (MACHINES, "widens", web(EKS, sub="system:*"), GOOD_EKS),
    (MACHINES, "widens", web(CIRCLE, aud="6e0c8a8e-4c0e-4c7b-9a53-3f1f6f2c8a11"),
     web(CIRCLE, sub="org/6e0c8a8e/project/7f1d/user/*")),
    (MACHINES, "widens", web(BITBUCKET, aud="ari:cloud:bitbucket::workspace/0d3e"),
     web(BITBUCKET, sub="{1d2e3f40-0000-1111-2222-333344445555}:*")),
    (MACHINES, "widens", web(f"{GITHUB}/acme", aud="sts.amazonaws.com"),
     web(f"{GITHUB}/acme", sub="repo:acme/app:*")),
    (UNCONDITIONAL, "widens", trust(provider("dev-1.okta.com/oauth2/default")),
     web("dev-1.okta.com/oauth2/default", aud="0oa1b2c3")),
    (UNCONDITIONAL, "widens", trust(provider("sso.acme.example")), web("sso.acme.example", aud="reports")),
    ("provider-decides", "note", web("sts.windows.net/0a1b2c3d/", aud="api://reports"),
     web("sts.windows.net/0a1b2c3d/", aud="api://reports", sub="5e6f7a8b")),
    ("provider-decides", "note", saml({"StringEquals": {"SAML:aud": SIGN_IN}}),
     saml({"StringEquals": {"SAML:aud": SIGN_IN, "SAML:sub": "alice"}})),
    ("guests-not-excluded", "widens", pool(aud=POOL), pool(amr("authenticated"), aud=POOL)),
    ("guests-trusted", "note", pool(amr("unauthenticated"), aud=POOL), pool(amr("authenticated"), aud=POOL)),
    ("guests-trusted", "note", pool(amr("*auth*"), aud=POOL), pool(amr("auth*"), aud=POOL)),
    (FOREIGN, "warning", trust(provider(EKS), {"StringEquals": {EKS: "system:serviceaccount:shop:api"}}),
     GOOD_EKS),
    (FOREIGN, "warning", trust(provider(EKS), {"StringEquals": {f"{EKS[:-1]}0:sub": "x"}}), GOOD_EKS),
    (FOREIGN, "warning", trust(provider(GITHUB), {"StringLike": {f"https://{GITHUB}:sub": "repo:acme/*"}}),
     GOOD_GITHUB),
    (FOREIGN, "warning", trust(provider(GITHUB), {"StringLike": {"gitlab.com:sub": "repo:acme/*"}}),
     GOOD_GITHUB),
    (FOREIGN, "warning", web(GITHUB, sub="repo:acme/*") | trust(
        provider(GITHUB), {"StringEquals": {"SAML:aud": SIGN_IN}}), GOOD_GITHUB),
    ("claim-not-read", "warning", web(GITHUB, sub="repo:acme/*", event_name="push"), GOOD_GITHUB),
    ("provider-elsewhere", "warning", trust(f"arn:aws:iam::333333333333:oidc-provider/{GITHUB}"),
     GOOD_GITHUB),
    ("provider-with-scheme", "warning", trust(provider(f"https://{GITHUB}")), GOOD_GITHUB),
    ("protocol-of-another-provider", "warning", saml(action=WEB), saml()),
    ("protocol-of-another-provider", "warning", trust(provider(GITHUB), action=SAML), GOOD_GITHUB),
    ("audience-never-matches", "warning", saml({"StringEquals": {"SAML:aud": "signin.aws.amazon.com/saml"}}),
     saml({"StringEquals": {"SAML:aud": "https://eu-west-1.signin.aws.amazon.com/saml"}})),
    ("audience-never-matches", "warning", pool(aud="4f5e6d7c8b9a"), pool(aud=POOL)),
    ("saml-without-audience", "note", saml(), saml({"StringEquals": {"SAML:aud": SIGN_IN}})),
    ("any-certificate", "widens", anywhere(), anywhere(CN)),
    ("any-certificate", "widens",
     anywhere({"ArnLike": {"aws:SourceArn": "arn:aws:rolesanywhere:eu-west-1:2222:trust-anchor/*"}}),
     anywhere({"ArnEquals": {"aws:SourceArn": "arn:aws:rolesanywhere:eu-west-1:2222:trust-anchor/0a"}})),
    ("any-certificate", "widens", anywhere({"StringLike": {"aws:PrincipalTag/x509Subject/CN": "*"}}),
     anywhere({"StringLike": {"aws:PrincipalTag/x509Subject/CN": "build-*"}})),
    ("roles-anywhere-actions", "warning", anywhere(CN, "sts:AssumeRole"), anywhere(CN)),
]  # fmt: skip


@pytest.mark.parametrize(("code", "severity", "bad", "good"), CASES)
def test_a_trust_in_a_provider_has_the_finding_or_not(
    code: str, severity: str, bad: dict[str, Any], good: dict[str, Any]
) -> None:
    found = {each.code: each for each in lint_policy(bad, kind="trust", of=ROLE).found}

    assert found[code].severity == severity
    assert code not in {each.code for each in lint_policy(good, kind="trust", of=ROLE).found}


def test_every_rule_on_federation_has_a_case() -> None:
    assert {rule.code for rule in FEDERATION_RULES} - {code for code, *_ in CASES} == set()


@pytest.mark.parametrize(
    "document", [GOOD_GITHUB, GOOD_EKS, pool(amr("authenticated"), aud=POOL), anywhere(CN)]
)
def test_a_good_trust_in_a_provider_has_no_findings(document: dict[str, Any]) -> None:
    assert lint_policy(document, kind="trust", of=ROLE).found == ()


@pytest.mark.parametrize(
    ("path", "who"),
    [
        (GITHUB, "every workflow of every repository on GitHub gets in"),
        ("gitlab.com", "every pipeline of every project on GitLab.com gets in"),
        (EKS, "every service account of the cluster, so every pod gets in"),
        (CIRCLE, "every project of the CircleCI organization gets in"),
    ],
)
def test_a_finding_says_in_one_sentence_who_outside_gets_in(path: str, who: str) -> None:
    found = lint_policy(web(path, aud="sts.amazonaws.com"), kind="trust", of=ROLE).found

    assert who in next(each.why for each in found if each.severity == "widens")


def test_a_claim_without_its_name_is_mended_by_the_name() -> None:
    document = trust(provider(EKS), {"StringEquals": {EKS: "system:serviceaccount:shop:api"}})
    found = {each.code: each.mend for each in lint_policy(document, kind="trust", of=ROLE).found}

    assert found[FOREIGN] == f"Write {EKS}:sub."


STRANGERS = [
    (GITHUB, "repo:stranger/app:ref:refs/heads/main"),
    ("gitlab.com", "project_path:stranger/app:ref_type:branch:ref:main"),
    ("app.terraform.io", "organization:stranger:project:main:workspace:app:run_phase:apply"),
    (EKS, "system:serviceaccount:other:pod"),
]
EVERY_SUB = ["*", "repo:*", "project_path:*", "organization:*", "system:serviceaccount:*:*", "repo:*/app:*"]
OWN_SUB = ["repo:acme/*", "project_path:acme/*", "organization:acme:*", "system:serviceaccount:shop:*"]


@pytest.mark.parametrize(("path", "stranger"), STRANGERS)
@pytest.mark.parametrize("sub", [*EVERY_SUB, *OWN_SUB])
def test_a_stranger_whom_the_evaluation_lets_in_is_a_finding(path: str, stranger: str, sub: str) -> None:
    document = web(path, sub=sub)
    token = {f"{path}:sub": stranger, f"{path}:aud": "sts.amazonaws.com"}
    gets_in = evaluate(provider(path), WEB, ROLE, token, resource_policy=document).allowed
    found = {each.severity for each in lint_policy(document, kind="trust", of=ROLE).found}

    assert "widens" in found or not gets_in


@pytest.mark.parametrize(
    "document",
    [
        trust(provider(GITHUB), {"StringLike": {f"https://{GITHUB}:sub": "repo:acme/*"}}),
        trust(provider(EKS), {"StringEquals": {EKS: "system:serviceaccount:shop:api"}}),
        web(GITHUB, aud="sts.amazonaws.com", event_name="push"),
        trust(f"arn:aws:iam::333333333333:oidc-provider/{GITHUB}"),
        trust(provider(f"https://{GITHUB}")),
        web(GITHUB, sub="repo:acme/app:*")
        | trust(provider(GITHUB), {"StringEquals": {f"{GITHUB}:sub": "repo:*"}}),
    ],
)
def test_a_trust_that_lets_nobody_in_widens_nothing(document: dict[str, Any]) -> None:
    found = lint_policy(document, kind="trust", of=ROLE).found

    assert [each.code for each in found if each.severity == "widens"] == []


def test_a_condition_on_one_providers_claim_keeps_the_other_providers_tokens_out() -> None:
    both = [provider(GITHUB), provider("gitlab.com")]
    document = trust("", {"StringLike": {f"{GITHUB}:sub": "repo:acme/*"}}, Principal={"Federated": both})

    assert lint_policy(document, kind="trust", of=ROLE).found == ()


@pytest.mark.parametrize("sub", ["repo:acme*", "repo:*/app:*", "repo:ac?e/app:*"])
def test_a_pattern_that_names_an_owner_in_part_says_whom_it_matches(sub: str) -> None:
    document = trust(provider(GITHUB), {"StringLike": {f"{GITHUB}:sub": sub}})
    (found,) = (each for each in lint_policy(document, kind="trust", of=ROLE).found if each.code == ALL)

    assert f"everybody there whose sub matches {sub} gets in" in found.why
