"""The guard without a server: its settings, what it forgets, the order of refusals, and its arithmetic."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.session import Session

from support.adopted_role import trusting
from support.examples import SOME_POLICY, applied, grant_in, root_iam, sessions_in
from support.questions import Room
from xacct_nb.aws.clients import connect
from xacct_nb.aws.probes import prove
from xacct_nb.errors import SandboxError
from xacct_nb.iam.mfa_codes import code_of
from xacct_nb.runs.sandboxes import reset_sandbox, throw_away_sandbox
from xacct_nb.sandbox.http.calls import Call
from xacct_nb.sandbox.rules import organizations
from xacct_nb.sandbox.rules.guard import EFFECTS, RESULTS, RULES
from xacct_nb.sandbox.rules.parameter_rules import breach
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import expire_session, raise_quotas, set_organization
from xacct_nb.sandbox.server.connection import send
from xacct_nb.sandbox.server.state import Sandbox

NOBODY = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::{source}:user/nobody"},
    "Action": "sts:AssumeRole",
}
IN_A_UNIT = "o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/"


def test_every_row_of_the_tables_is_an_operation_of_aws() -> None:
    rows = {*RULES, *EFFECTS, *RESULTS}
    models = {service: Session().get_service_model(service) for service, _ in rows}

    assert [row for row in sorted(rows) if row[1] not in models[row[0]].operation_names] == []


def test_a_bad_signature_is_refused_before_a_bad_policy(sandbox: Sandbox) -> None:
    room = Room(sandbox)
    room.do({"source": "CreateUser", "UserName": "alice"})
    room.do({"source": "CreateAccessKey", "UserName": "alice", "as": "alice"})
    key, _, _ = room.keys["alice"]
    iam = connect("iam", endpoint_url=sandbox.endpoint, access_key_id=key, secret_access_key="wrong")

    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(room.filled("", NOBODY)))


def test_a_grant_with_source_identity_tags_and_organization_is_proven(sandbox: Sandbox, world: World) -> None:
    set_organization(sandbox, "o-b1b2c3d4e5", {world.source: "o-b1b2c3d4e5/r-ab12/"})
    when: dict[str, Any] = {
        "source_identity": "ann",
        "organization_id": "o-b1b2c3d4e5",
        "session_tags": {"team": "data"},
    }
    grant = grant_in(world, conditions=when)
    sessions = sessions_in(world, grant)
    applied(grant, sessions)
    proof = prove(grant, sessions)

    assert proof.holds
    assert ("assume", "Allowed") in [(each.probe.kind, each.answer) for each in proof.outcomes]


@pytest.mark.parametrize(
    ("identifier", "accounts"),
    [
        ("my-organization", {}),
        ("o-a1b2c3d4e5", {"1111": IN_A_UNIT}),
        ("o-a1b2c3d4e5", {"111111111111": "r-ab12/"}),
    ],
)
def test_what_is_no_organization_is_refused(
    sandbox: Sandbox, identifier: str, accounts: dict[str, str]
) -> None:
    with pytest.raises(SandboxError, match="refuses this setting"):
        set_organization(sandbox, identifier, accounts)


@pytest.mark.parametrize("quotas", [{"ACLSizePerRole": 8193}, {"PolicySize": 7000}, {"ACLSizePerRole": 1}])
def test_a_quota_that_aws_does_not_raise_is_refused(sandbox: Sandbox, quotas: dict[str, int]) -> None:
    with pytest.raises(SandboxError, match="PerRole"):
        raise_quotas(sandbox, "222222222222", **quotas)


def test_a_session_that_is_not_there_cannot_expire(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="ASIANOBODY"):
        expire_session(sandbox, "ASIANOBODY")


def test_a_reset_forgets_organizations_quotas_and_names() -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": "{source}"}, "Action": "sts:AssumeRole"}
    with throw_away_sandbox() as sandbox:
        room = Room(sandbox)
        role = {"source": "CreateRole", "RoleName": "reader", "AssumeRolePolicyDocument": trust}
        room.do(role)
        raise_quotas(sandbox, "222222222222", ACLSizePerRole=4096)
        set_organization(sandbox, "o-a1b2c3d4e5", {"111111111111": IN_A_UNIT})
        reset_sandbox(sandbox.folder)

        assert room.do(role | {"RoleName": "Reader"})["Role"]["RoleName"] == "Reader"
        assert _told(sandbox, "organization") == {"accounts": {}}
        assert _told(sandbox, "quotas") == {}


def test_an_account_that_leaves_an_organization_is_in_none() -> None:
    organizations.set_organization({"id": "o-a1b2c3d4e5", "accounts": {"111111111111": IN_A_UNIT}})
    organizations.set_organization({"id": "o-a1b2c3d4e5", "accounts": {"222222222222": IN_A_UNIT}})
    keys = organizations.keys_of("111111111111", ""), organizations.keys_of("222222222222", "")
    organizations.forget()

    assert keys == ({}, {"aws:principalorgid": "o-a1b2c3d4e5", "aws:principalorgpaths": [IN_A_UNIT]})


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    assert code_of("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", seconds // 30) == code


def test_every_parameter_that_is_wrong_is_named_in_one_message() -> None:
    role = "arn:aws:iam::111111111111:role/reader"
    call = Call("sts", "AssumeRole", {"RoleArn": role, "RoleSessionName": "a b", "TokenCode": "12"})
    refusal = breach(call)

    assert refusal is not None
    assert refusal.message == (
        "2 validation errors detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [\\w+=,.@-]*; Value '12' at 'tokenCode' failed to "
        "satisfy constraint: Member must have length greater than or equal to 6"
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"SetAsDefault": "maybe"},
        {"SetAsDefault": ""},
        {"PolicyArn.member.1": "x"},
        {"PolicyArn": "x", "SetAsDefault": "1"},
    ],
)
def test_a_value_of_another_type_is_malformed_input(changed: dict[str, str]) -> None:
    version = {"PolicyArn": "arn:aws:iam::111111111111:policy/books", "PolicyDocument": "{}"}
    refusal = breach(Call("iam", "CreatePolicyVersion", version | changed))

    assert refusal is not None
    assert (refusal.status, refusal.code) == (400, "MalformedInput")


def test_a_token_is_not_repeated_in_an_error() -> None:
    call = Call("sts", "AssumeRoleWithWebIdentity", {"WebIdentityToken": "abc", "RoleArn": "x"})
    refusal = breach(call)

    assert refusal is not None
    assert "at 'webIdentityToken' failed" in refusal.message
    assert "abc" not in refusal.message


def _told(sandbox: Sandbox, what: str) -> Any:
    return send(sandbox.endpoint, sandbox.token, f"/_xacct/{what}")


BOUND = "arn:aws:iam::aws:policy/PowerUserAccess"
OTHER = "arn:aws:iam::aws:policy/ReadOnlyAccess"


class TestKeysOfIam:
    """IAM's own condition keys, as reference_policies_iam-condition-keys has them."""

    @pytest.fixture
    def limited(self, world: World) -> Any:
        """Return what makes a client of a user with one statement; there are the roles `bound` and `free`."""
        root = root_iam(world, world.destination)
        trust = json.dumps(trusting(f"arn:aws:iam::{world.destination}:root"))
        root.create_role(RoleName="bound", AssumeRolePolicyDocument=trust, PermissionsBoundary=BOUND)
        root.create_role(RoleName="free", AssumeRolePolicyDocument=trust)
        root.create_group(GroupName="readers")
        root.create_user(UserName="limited")
        key = root.create_access_key(UserName="limited")["AccessKey"]

        def limited(*actions: str, resource: str = "*", **condition: str) -> Any:
            when = {"Condition": {"ArnEquals": condition}} if condition else {}
            may = {"Effect": "Allow", "Action": list(actions), "Resource": resource} | when
            document = json.dumps({"Version": "2012-10-17", "Statement": [may]})
            root.put_user_policy(UserName="limited", PolicyName="p", PolicyDocument=document)
            names = {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}
            return connect("iam", endpoint_url=world.endpoint, **names)

        return limited

    def test_a_policy_is_attached_and_detached_only_if_it_is_the_one(self, limited: Any) -> None:
        iam = limited("iam:AttachRolePolicy", "iam:DetachRolePolicy", **{"iam:PolicyARN": OTHER})
        iam.attach_role_policy(RoleName="free", PolicyArn=OTHER)
        iam.detach_role_policy(RoleName="free", PolicyArn=OTHER)

        with pytest.raises(ClientError, match="AccessDenied"):
            iam.attach_role_policy(RoleName="free", PolicyArn=BOUND)

    def test_a_role_is_written_only_if_it_has_the_boundary(self, limited: Any) -> None:
        iam = limited("iam:PutRolePolicy", "iam:CreateRole", **{"iam:PermissionsBoundary": BOUND})
        trust, text = json.dumps(trusting("111111111111")), json.dumps(SOME_POLICY)
        iam.create_role(RoleName="made", AssumeRolePolicyDocument=trust, PermissionsBoundary=BOUND)
        iam.put_role_policy(RoleName="bound", PolicyName="p", PolicyDocument=text)

        with pytest.raises(ClientError, match="AccessDenied"):
            iam.put_role_policy(RoleName="free", PolicyName="p", PolicyDocument=text)
        with pytest.raises(ClientError, match="AccessDenied"):
            iam.create_role(RoleName="other", AssumeRolePolicyDocument=trust)

    def test_what_is_made_with_tags_needs_the_right_to_tag(self, limited: Any, world: World) -> None:
        trust = json.dumps(trusting(f"arn:aws:iam::{world.destination}:root"))
        tags = [{"Key": "team", "Value": "data"}]
        iam = limited("iam:CreateRole")
        iam.create_role(RoleName="plain", AssumeRolePolicyDocument=trust)

        with pytest.raises(ClientError, match="perform: iam:TagRole on"):
            iam.create_role(RoleName="tagged", AssumeRolePolicyDocument=trust, Tags=tags)
        both = limited("iam:CreateRole", "iam:TagRole")
        both.create_role(RoleName="tagged", AssumeRolePolicyDocument=trust, Tags=tags)

    def test_a_call_on_a_group_is_decided_by_the_group(self, limited: Any, world: World) -> None:
        group = f"arn:aws:iam::{world.destination}:group/readers"
        iam = limited("iam:AttachGroupPolicy", "iam:AddUserToGroup", resource=group)
        iam.attach_group_policy(GroupName="readers", PolicyArn=OTHER)
        iam.add_user_to_group(GroupName="readers", UserName="limited")
        found = root_iam(world, world.destination).get_group(GroupName="readers")["Users"]

        assert [each["UserName"] for each in found] == ["limited"]
