"""Permission sets, keys of identity providers, unread sides: what the destination alone can say."""

from typing import Any

import pytest

from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.diagnosis.denial import read_denial
from xacct_nb.diagnosis.diagnosis import Diagnosis, diagnose
from xacct_nb.diagnosis.snapshot import Destination, Principal, Snapshot, SnapshotPolicy

HOME, ROLE = "111111111111", "arn:aws:iam::222222222222:role/vault"
NAME = "AWSReservedSSO_Ops_0123456789abcdef"
SET, ANNA = f"arn:aws:sts::{HOME}:assumed-role/{NAME}/anna@example.com", f"arn:aws:iam::{HOME}:user/anna"
RESERVED = "role/aws-reserved/sso.amazonaws.com"


def trusting(named: str, **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"AWS": named}, "Action": "sts:AssumeRole", **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


def from_destination(caller: str, trust: dict[str, Any], action: str = "sts:AssumeRole") -> Diagnosis:
    text = f"User: {caller} is not authorized to perform: {action} on resource: {ROLE}"
    seen = Snapshot(destination=Destination(role=Principal(arn=ROLE, trust=trust)))
    return diagnose(seen, attempt=Attempt(caller=caller, role=ROLE), denial=read_denial(text))


def sure(found: Diagnosis) -> list[tuple[str, str]]:
    return [(each.code, each.confidence) for each in found.causes if each.confidence != "possible"]


@pytest.mark.parametrize(
    ("named", "code"),
    [
        (f"arn:aws:iam::{HOME}:{RESERVED}/AWSReservedSSO_Ops_fedcba9876543210", "permission-set-replaced"),
        (
            f"arn:aws:iam::{HOME}:{RESERVED}/eu-west-1/AWSReservedSSO_Ops_aaaaaaaaaaaaaaaa",
            "permission-set-replaced",
        ),
        (
            f"arn:aws:iam::{HOME}:{RESERVED}/AWSReservedSSO_OpsRead_fedcba9876543210",
            "other-principal-trusted",
        ),
        (f"arn:aws:iam::333333333333:{RESERVED}/AWSReservedSSO_Ops_fedcba9876543210", "account-not-trusted"),
    ],
)
def test_a_permission_set_is_replaced_in_its_own_account_only(named: str, code: str) -> None:
    found = from_destination(SET, trusting(named))

    assert sure(found) == [(code, "certain")]
    assert named in found.causes[0].why


@pytest.mark.parametrize(
    "trust",
    [
        trusting(f"arn:aws:iam::{HOME}:{RESERVED}/AWSReservedSSO_Ops_fedcba9876543210"),
        trusting("arn:aws:iam::333333333333:root"),
        trusting(HOME, Condition={"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{HOME}:{RESERVED}/*/x_*"}}),
        trusting(HOME, Condition={"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{HOME}:role/{NAME}"}}),
    ],
)
def test_no_command_names_a_permission_sets_role_without_its_path(trust: dict[str, Any]) -> None:
    found = from_destination(SET, trust)

    assert sure(found)
    assert [command for each in found.causes for command in each.commands] == []
    assert any("path" in each.mend for each in found.causes)


def test_a_users_request_never_has_a_key_of_an_identity_provider() -> None:
    key = {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}
    of_user, of_session = (from_destination(each, trusting(HOME, Condition=key)) for each in (ANNA, SET))

    assert sure(of_user) == [("trust-condition", "certain")]
    assert "the request has no SAML:aud" in of_user.causes[0].why
    assert "SAML:aud" not in of_user.causes[0].commands[0].rpartition("sts:AssumeRole")[2]
    assert sure(of_session) == [("trust-condition", "likely")]


def test_an_unread_side_is_possible_where_the_other_surely_denies_the_tags() -> None:
    found = from_destination(ANNA, trusting(ANNA), "sts:TagSession")
    sides = {each.side: each.confidence for each in found.causes if each.code == "no-tag-session"}

    assert sides == {"destination": "certain", "source": "possible"}


def test_another_source_identity_of_which_only_the_text_is_known_is_not_named() -> None:
    text = (
        "An error occurred (ValidationError) when calling the AssumeRole operation: The source identity is "
    )
    found = diagnose(denial=read_denial(f"{text}already set for this assume role session"))

    assert found.causes[0].code == "other-source-identity"
    assert "sets another." in found.causes[0].why


@pytest.mark.parametrize("resource", ["", "arn:aws:secretsmanager:eu-west-1:222222222222:secret:db-AbCdEf"])
def test_a_deny_is_not_emptied_where_aws_does_not_name_the_resource(resource: str) -> None:
    statements = [
        {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"},
        {"Sid": "NoSecrets", "Effect": "Deny", "Action": "secretsmanager:Get*", "Resource": "*"},
    ]
    held = SnapshotPolicy(
        name="own", holder=ROLE, document={"Version": "2012-10-17", "Statement": statements}
    )
    session = "arn:aws:sts::222222222222:assumed-role/vault/desk"
    where = f" on resource: {resource}" if resource else ""
    text = f"User: {session} is not authorized to perform: secretsmanager:GetSecretValue{where}"
    text += " with an explicit deny in an identity-based policy"
    seen = Snapshot(destination=Destination(role=Principal(arn=ROLE, trust=trusting(ANNA)), policies=(held,)))
    cause = diagnose(seen, attempt=Attempt(role=ROLE), denial=read_denial(text)).causes[0]

    assert (cause.code, bool(cause.commands)) == ("role-deny", bool(resource))
    assert '"NotResource":"*"' not in "".join(cause.commands)
    assert "NoSecrets" in cause.mend


GITHUB = "token.actions.githubusercontent.com"
NOT_AUTHORIZED = (
    "An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: "
    "Not authorized to perform sts:AssumeRoleWithWebIdentity"
)


def with_token(account: str, action: str = "sts:AssumeRoleWithWebIdentity", **when: Any) -> Diagnosis:
    named = {"Federated": f"arn:aws:iam::{account}:oidc-provider/{GITHUB}"}
    statement = {"Effect": "Allow", "Principal": named, "Action": action, "Condition": when}
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    seen = Snapshot(destination=Destination(role=Principal(arn=ROLE, trust=trust)))
    return diagnose(seen, attempt=Attempt(role=ROLE), denial=read_denial(NOT_AUTHORIZED))


def test_a_provider_of_another_account_lets_no_token_in() -> None:
    found = with_token("333333333333", StringEquals={f"{GITHUB}:aud": "sts.amazonaws.com"})

    assert sure(found) == [("provider-not-trusted", "certain")]
    assert "of another account" in found.causes[0].why


def test_a_wildcard_that_is_plain_text_comes_before_what_is_not_known() -> None:
    keys = {f"{GITHUB}:aud": "sts.amazonaws.com", f"{GITHUB}:sub": "repo:books/shelf:*"}
    found = with_token("222222222222", StringEquals=keys)

    assert sure(found) == [("token-subject", "likely"), ("token-audience", "likely")]
    assert "plain text" in found.causes[0].why


def test_the_mend_names_the_action_of_the_request() -> None:
    assert (
        with_token("222222222222", "sts:AssumeRole").causes[0].mend.endswith("sts:AssumeRoleWithWebIdentity.")
    )
