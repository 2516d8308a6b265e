"""A token of the sandbox's identity provider gets a session without a signature, as the role's trust says."""

import json
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from support.boto3_clients import client, policy
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import saml_assertion, set_clock, set_organization, web_identity_token
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox

HOST = "token.actions.githubusercontent.com"
ISSUER = f"https://{HOST}"
MAIN = "repo:acme/books:ref:refs/heads/main"
IDP = "https://idp.example.com/saml"
METADATA = f'<EntityDescriptor entityID="{IDP}">{"x" * 1000}</EntityDescriptor>'
WEB, SAML = "AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"
CONDITIONS = {
    "StringEquals": {f"{HOST}:aud": "sts.amazonaws.com"},
    "StringLike": {f"{HOST}:sub": "repo:acme/*"},
}
SET_IDENTITY = "sts:SetSourceIdentity"


class Federated:
    """An account with a provider of each kind and a role that trusts it."""

    def __init__(self, world: World, sandbox: Sandbox) -> None:
        self.sandbox, self.world, account = sandbox, world, world.destination
        self.iam = client(world, "iam")
        self.sts = boto3.client(
            "sts",
            endpoint_url=sandbox.endpoint,
            region_name="us-east-1",
            config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
        )
        self.iam.create_open_id_connect_provider(Url=ISSUER, ClientIDList=["sts.amazonaws.com"])
        self.iam.create_saml_provider(Name="idp", SAMLMetadataDocument=METADATA)
        self.oidc = f"arn:aws:iam::{account}:oidc-provider/{HOST}"
        self.saml = f"arn:aws:iam::{account}:saml-provider/idp"
        self.role = f"arn:aws:iam::{account}:role/deployer"

    def trust(self, *actions: str, **rest: Any) -> None:
        """The trust policy of the role, which is made anew: by default for the web identity of acme."""
        name = {"RoleName": "deployer"}
        provider = self.saml if f"sts:{SAML}" in actions else self.oidc
        rest = {"Principal": {"Federated": provider}, "Condition": CONDITIONS} | rest
        document = policy("", **rest)
        found = json.loads(document)
        found["Statement"][0]["Action"] = list(actions) or f"sts:{WEB}"
        self.iam.create_role(**name, AssumeRolePolicyDocument=json.dumps(found))

    def web(self, sub: str = MAIN, issuer: str = ISSUER, seconds: int = 300, **claims: Any) -> Any:
        token = web_identity_token(
            self.sandbox, issuer, seconds, **{"sub": sub, "aud": "sts.amazonaws.com"} | claims
        )
        return self.with_token(token)

    def with_token(self, token: str, **more: Any) -> Any:
        return self.sts.assume_role_with_web_identity(
            RoleArn=self.role, RoleSessionName="ci", WebIdentityToken=token, **more
        )

    def with_saml(self, issuer: str = IDP, **attributes: list[str]) -> Any:
        stated = {"Role": [f"{self.role},{self.saml}"], "RoleSessionName": ["ann"]} | attributes
        assertion = saml_assertion(self.sandbox, issuer, "ann", stated)
        return self.sts.assume_role_with_saml(
            RoleArn=self.role, PrincipalArn=self.saml, SAMLAssertion=assertion
        )

    def arn(self, answer: Mapping[str, Any]) -> str:
        """Who the session that was made is."""
        return str(client(self.world, "sts", answer["Credentials"]).get_caller_identity()["Arn"])


@pytest.fixture
def federated(world: World, sandbox: Sandbox) -> Federated:
    return Federated(world, sandbox)


def refused(call: Any, *args: Any, **more: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as refusal:
        call(*args, **more)
    error = refusal.value.response
    return error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"], error["Error"]["Message"]


def test_a_web_identity_gets_a_session(federated: Federated) -> None:
    federated.trust()
    answer = federated.web()

    assert federated.arn(answer) == f"arn:aws:sts::{federated.world.destination}:assumed-role/deployer/ci"
    assert answer["SubjectFromWebIdentityToken"] == MAIN
    assert (answer["Audience"], answer["Provider"]) == ("sts.amazonaws.com", federated.oidc)


DENIED = (403, "AccessDenied", f"Not authorized to perform sts:{WEB}")


def test_the_subject_must_be_the_trust_policy_s(federated: Federated) -> None:
    federated.trust()

    assert refused(federated.web, sub="repo:other/books:x") == DENIED


@pytest.mark.parametrize(
    ("operator", "values", "allowed"),
    [
        ("ForAnyValue:StringEquals", ["mfa"], True),
        ("ForAnyValue:StringEquals", ["sms"], False),
        ("ForAllValues:StringEquals", ["pwd", "mfa"], True),
    ],
)
def test_amr_is_compared(federated: Federated, operator: str, values: list[str], allowed: bool) -> None:
    federated.trust(Condition={operator: {f"{HOST}:amr": values}})

    if allowed:
        assert federated.web(amr=["pwd", "mfa"])["Credentials"]
    else:
        assert refused(federated.web, amr=["pwd", "mfa"]) == DENIED


def test_a_statement_for_accounts_or_for_another_provider_lets_no_token_in(federated: Federated) -> None:
    other = {"Federated": federated.oidc.replace(HOST, "gitlab.com")}
    federated.trust(Principal=other, Condition={})
    as_other = refused(federated.web)
    federated.iam.delete_role(RoleName="deployer")
    federated.trust(Principal={"AWS": federated.world.destination}, Condition={})

    assert as_other == refused(federated.web) == DENIED


def test_a_role_that_does_not_exist_reads_like_a_denial(federated: Federated) -> None:
    assert refused(federated.web) == DENIED


def test_a_resource_control_policy_limits_federated_callers(federated: Federated) -> None:
    federated.trust()
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sts:*", "Resource": "*"}
    account = federated.world.destination
    set_organization(
        federated.sandbox,
        "o-federated1",
        {account: "o-federated1/r-ab12/"},
        resource_control_policies={account: [[{"Version": "2012-10-17", "Statement": deny}]]},
    )

    assert refused(federated.web) == DENIED


def test_a_token_is_of_a_known_provider_and_client_and_of_now(federated: Federated) -> None:
    federated.trust()
    invalid = (400, "InvalidIdentityToken")

    assert refused(federated.web, issuer="https://gitlab.com") == (
        *invalid,
        "No OpenIDConnect provider found in your account for https://gitlab.com",
    )
    assert refused(federated.web, aud="other") == (*invalid, "Incorrect token audience")
    assert refused(federated.web, seconds=-1)[:2] == (400, "ExpiredTokenException")


def test_a_token_that_the_sandbox_did_not_sign_is_refused(federated: Federated) -> None:
    federated.trust()
    head, claims, signature = web_identity_token(
        federated.sandbox, ISSUER, sub=MAIN, aud="sts.amazonaws.com"
    ).split(".")
    other = "A" if signature[0] != "A" else "B"
    unsigned = refused(federated.with_token, f"{head}.{claims}.")

    assert unsigned[:2] == (400, "InvalidIdentityToken")
    assert unsigned == refused(federated.with_token, f"{head}.{claims}.{other}{signature[1:]}")
    assert refused(federated.with_token, "a.b.c.d")[2].startswith("The ID Token provided is not a valid JWT.")


def test_tags_and_source_identity_of_a_token_need_their_actions(federated: Federated) -> None:
    tags = {"https://aws.amazon.com/tags": {"principal_tags": {"team": ["books"]}}}
    identity = {"https://aws.amazon.com/source_identity": "ann"}
    federated.trust()
    denied = [refused(federated.web, **claims)[2] for claims in (tags, identity)]
    federated.iam.delete_role(RoleName="deployer")
    federated.trust(f"sts:{WEB}", "sts:TagSession", SET_IDENTITY)
    answer = federated.web(**tags, **identity)

    assert denied == [f"Not authorized to perform {action}" for action in ("sts:TagSession", SET_IDENTITY)]
    assert answer["SourceIdentity"] == "ann"


def test_the_session_has_its_tags_its_provider_and_its_subject_as_keys(federated: Federated) -> None:
    federated.trust(f"sts:{WEB}", "sts:TagSession")
    wanted = {"aws:PrincipalTag/team": "books", "aws:FederatedProvider": federated.oidc, f"{HOST}:sub": MAIN}
    document = policy("iam:ListRoles", Condition={"StringEquals": wanted})
    federated.iam.put_role_policy(RoleName="deployer", PolicyName="p", PolicyDocument=document)
    tagged = {"https://aws.amazon.com/tags": {"principal_tags": {"team": ["books"]}}}
    with_tags = client(federated.world, "iam", federated.web(**tagged)["Credentials"])
    without = client(federated.world, "iam", federated.web()["Credentials"])

    assert with_tags.list_roles()["Roles"]
    assert refused(without.list_roles)[1] == "AccessDenied"


def test_a_session_lasts_no_longer_than_the_role_says(federated: Federated) -> None:
    federated.trust()
    token = web_identity_token(federated.sandbox, ISSUER, sub=MAIN, aud="sts.amazonaws.com")

    assert refused(federated.with_token, token, DurationSeconds=3601)[1] == "ValidationError"


def test_a_saml_assertion_gets_a_session(federated: Federated) -> None:
    federated.trust(
        f"sts:{SAML}", Condition={"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}
    )
    answer = federated.with_saml()

    assert federated.arn(answer).endswith(":assumed-role/deployer/ann")
    assert (answer["Subject"], answer["Issuer"]) == ("ann", IDP)


def test_a_saml_assertion_is_refused_as_aws_refuses_it(federated: Federated) -> None:
    federated.trust(f"sts:{SAML}", Condition={"StringEquals": {"SAML:sub": "ann"}})
    other = f"{federated.role}x,{federated.saml}"
    reasons = [
        refused(federated.with_saml, issuer="https://other.example.com"),
        refused(federated.with_saml, Role=[other]),
        refused(federated.with_saml, RoleSessionName=["a b"]),
    ]

    assert reasons == [
        (400, "InvalidIdentityToken", "Issuer not present in specified provider"),
        (403, "AccessDenied", f"Not authorized to perform sts:{SAML}"),
        (
            400,
            "InvalidIdentityToken",
            "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}",
        ),
    ]


def test_an_assertion_must_be_used_within_five_minutes(federated: Federated) -> None:
    federated.trust(f"sts:{SAML}", Condition={})
    stated = {"Role": [f"{federated.role},{federated.saml}"], "RoleSessionName": ["ann"]}
    assertion = saml_assertion(federated.sandbox, IDP, "ann", stated)
    set_clock(federated.sandbox, 301)
    try:
        late = refused(
            federated.sts.assume_role_with_saml,
            RoleArn=federated.role,
            PrincipalArn=federated.saml,
            SAMLAssertion=assertion,
        )
    finally:
        set_clock(federated.sandbox, 0)

    assert late == (400, "ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance")


def test_nothing_else_is_served_without_a_signature(federated: Federated) -> None:
    refusals = [
        refused(federated.sts.get_caller_identity),
        refused(federated.sts.assume_role, RoleArn=federated.role, RoleSessionName="s1"),
        refused(federated.sts.get_session_token),
    ]

    assert {code for _, code, _ in refusals} == {"MissingAuthenticationToken"}
