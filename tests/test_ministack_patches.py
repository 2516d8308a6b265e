"""Everything that is added to MiniStack from within is still needed, and still fits."""

import base64
import binascii
import json
from collections.abc import Iterator
from inspect import signature

import pytest
from botocore.exceptions import ClientError

from support.bare_ministack import fresh_module, ministack
from support.questions import Question, Room, fits, outcome, questions
from xacct_nb.sandbox.server.state import Sandbox

ASKED = {question.title: question for question in questions()}
# What is replaced or added -> a question that MiniStack answers wrongly as long as it is needed.
NEEDED = {
    "enforce": "In the same account a trust policy that names the user is enough",
    "enforce, root": "What a bucket policy denies it denies to the root user too",
    "enforce, paths": "A user in a path has it in the ARN that policies mean",
    "enforce, tags": "The tags of a user are iam:ResourceTag for what is done to the user",
    "evaluate_trust_policy": "Serial number and code satisfy a trust policy that asks for MFA",
    "evaluate_resource_policy": "NotPrincipal in a bucket policy denies whom it does not name",
    "condition keys, MFA": "A session of GetSessionToken with MFA satisfies a trust policy that asks for it",
    "condition keys, source identity": "A source identity is aws:SourceIdentity in the next call",
    "condition keys, organization": "An account in the organization is let in",
    "condition keys, services": "A user is no service of AWS, and aws:PrincipalIsAWSService says so",
    "condition keys, role": "aws:PrincipalArn of a session is the ARN of its role",
    "condition keys, S3": "A call of STS has no key of S3",
    "register_session": "A transitive tag goes on through a chain of three",
    "access_denied_response": "A service control policy limits what the role's session does afterwards",
    "handle_request": "A source identity that both sides allow is in the answer",
    "_foreign_bucket_allows": "A bucket of another account is open with both sides",
    "s3.handle_request": "A missing object without s3:ListBucket is denied",
    "resolve_credential": "The session of a deleted role is no session",
    "enforce, resources": "A policy on a path allows the list of that path",
}
# Every function of MiniStack that is replaced or called, with the parameters that it must have.
USED = {
    "core.iam_actions._load_botocore_model": "botocore_service",
    "core.iam_actions.access_denied_response": (
        "service action principal_arn request_id error_code message headers resource_arn explicit_deny"
        " resource_policy_arn"
    ),
    "core.iam_evaluator._account_from_arn": "arn",
    "core.iam_evaluator._principal_keys": "credential",
    "core.iam_evaluator._resource_policy": "service resource_arn",
    "core.iam_evaluator._s3_scope_failure": "service",
    "core.iam_evaluator.authenticate": "access_key_id account_id",
    "core.iam_evaluator.check_credentials": "access_key_id service",
    "core.iam_evaluator.enforce": "access_key_id iam_action service region resource_arn service_context",
    "core.iam_evaluator.evaluate_resource_policy": "doc ctx service named_only direct_only",
    "core.iam_evaluator.evaluate_trust_policy": "trust_doc caller_arn ctx",
    "core.iam_evaluator.resolve_credential": "access_key_id account_id session_token",
    "core.responses.request_scope": "account_id region",
    "services.iam.handle_request": "method path headers body query_params",
    "services.iam._create_virtual_mfa_device": "p",
    "services.iam._get_account_authorization_details": "p",
    "services.iam._lookup_policy": "arn",
    "core.iam_evaluator.request_caller_arn": "headers query_params",
    "core.router.extract_access_key_id": "headers query_params",
    "services.iam._gen_secret": "",
    "services.iam._gen_session_access_key": "",
    "services.iam._gen_session_token": "",
    "services.s3._bucket_owner_account": "name",
    "services.s3._foreign_bucket_allows": (
        "owner_account bucket_name key method query_params caller headers"
    ),
    "services.s3._policy_is_public": "policy_text",
    "services.s3._public_access_blocked": "owner_account bucket_name setting",
    "services.s3.access_point_policy_for_arn": "resource_arn",
    "services.sts.handle_request": "method path headers body query_params",
    "services.sts.register_session": "access_key session",
    "services.sts._evict_expired_sessions": "",
    "services.tagging.resource_tags": "arn",
    "app._get_module": "name",
    "services.cloudformation.provisioners._iam_role_create": "logical_id props stack_name",
    "services.cloudformation.provisioners._iam_role_update": (
        "physical_id old_props new_props stack_name logical_id"
    ),
}
STORES = (
    "_users _roles _groups _policies _access_keys _mfa_devices _login_profiles _instance_profiles"
    " _user_inline_policies _group_inline_policies _oidc_providers _saml_providers"
)


@pytest.fixture(scope="module")
def bare() -> Iterator[Sandbox]:
    with ministack() as server:
        yield server


@pytest.mark.parametrize("question", [ASKED[title] for title in NEEDED.values()], ids=list(NEEDED))
def test_ministack_without_patches_differs_from_aws(bare: Sandbox, question: Question) -> None:
    room = Room(bare)

    assert not _answers_as_aws(room, question)


def test_ministack_has_no_set_default_policy_version(bare: Sandbox) -> None:
    iam = Room(bare).client("source", "iam")

    with pytest.raises(ClientError, match="Unknown IAM action"):
        iam.set_default_policy_version(PolicyArn="arn:aws:iam::111111111111:policy/may", VersionId="v1")


def test_the_seed_of_ministack_is_not_base32(bare: Sandbox) -> None:
    iam = Room(bare).client("source", "iam")
    seeds = [
        iam.create_virtual_mfa_device(VirtualMFADeviceName=f"phone-{number}")["VirtualMFADevice"]
        for number in range(5)
    ]

    with pytest.raises(binascii.Error):
        [base64.b32decode(each["Base32StringSeed"]) for each in seeds]


def test_the_seed_of_the_sandbox_is_base32_of_20_bytes(sandbox: Sandbox) -> None:
    iam = Room(sandbox).client("source", "iam")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]

    assert len(base64.b32decode(device["Base32StringSeed"])) == 20


def boundaries_in_details(sandbox: Sandbox) -> list[str]:
    """The boundaries of a user and a role, of which each has one, in the details of their account."""
    room = Room(sandbox)
    policy = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    trust = {"Effect": "Allow", "Principal": {"AWS": "{source}"}, "Action": "sts:AssumeRole"}
    edge = {"PermissionsBoundary": "arn:aws:iam::{source}:policy/edge"}
    room.do({"source": "CreatePolicy", "PolicyName": "edge", "PolicyDocument": policy})
    room.do({"source": "CreateUser", "UserName": "bound", **edge})
    room.do({"source": "CreateRole", "RoleName": "bound", "AssumeRolePolicyDocument": trust, **edge})
    details = room.client("source", "iam").get_account_authorization_details()
    entities = (*details["UserDetailList"], *details["RoleDetailList"])
    return [
        str(each["PermissionsBoundary"]["PermissionsBoundaryArn"])
        for each in entities
        if "PermissionsBoundary" in each
    ]


def test_the_details_of_an_account_have_no_boundaries_in_ministack(bare: Sandbox) -> None:
    assert boundaries_in_details(bare) == []


def test_the_details_of_an_account_have_the_boundaries_in_the_sandbox(sandbox: Sandbox) -> None:
    found = boundaries_in_details(sandbox)

    assert len(found) == 2
    assert all(each.endswith(":policy/edge") for each in found)


def test_the_default_version_of_a_policy_can_be_set(sandbox: Sandbox) -> None:
    room = Room(sandbox)
    policy = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    arn = "arn:aws:iam::{source}:policy/may"
    room.do({"source": "CreatePolicy", "PolicyName": "may", "PolicyDocument": policy})
    room.do({"source": "CreatePolicyVersion", "PolicyArn": arn, "PolicyDocument": policy})
    room.do({"source": "SetDefaultPolicyVersion", "PolicyArn": arn, "VersionId": "v2"})

    assert room.do({"source": "GetPolicy", "PolicyArn": arn})["Policy"]["DefaultVersionId"] == "v2"


@pytest.mark.parametrize(("ours", "kept"), [(True, True), (False, False)])
def test_a_role_of_a_stack_keeps_its_boundary(
    bare: Sandbox, sandbox: Sandbox, ours: bool, kept: bool
) -> None:
    room = Room(sandbox if ours else bare)
    boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    role = {
        "RoleName": "bounded",
        "PermissionsBoundary": boundary,
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
    }
    stacks, iam = room.client("source", "cloudformation"), room.client("source", "iam")
    for length in (3600, 7200):
        resources = {"Role": {"Type": "AWS::IAM::Role", "Properties": {**role, "MaxSessionDuration": length}}}
        call, done = (
            (stacks.create_stack, "stack_create_complete")
            if length == 3600
            else (stacks.update_stack, "stack_update_complete")
        )
        call(
            StackName="one",
            TemplateBody=json.dumps({"Resources": resources}),
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        stacks.get_waiter(done).wait(StackName="one", WaiterConfig={"Delay": 1})
        found = iam.get_role(RoleName="bounded")["Role"]

        assert found["MaxSessionDuration"] == length
        assert (found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn") == boundary) is kept


@pytest.mark.parametrize("name", USED)
def test_what_is_used_of_ministack_is_as_it_was(name: str) -> None:
    module, _, function = name.rpartition(".")
    found = signature(getattr(fresh_module(module), function))

    assert " ".join(found.parameters) == USED[name]


@pytest.mark.parametrize("name", STORES.split())
def test_what_is_read_of_ministack_is_kept_by_account(name: str) -> None:
    assert type(getattr(fresh_module("services.iam"), name)).__name__ == "AccountScopedDict"


def _answers_as_aws(room: Room, question: Question) -> bool:
    try:
        for step in question.setup:
            room.do(step)
    except (ClientError, binascii.Error, OSError, ValueError, RuntimeError):
        return False
    code, message, answer = outcome(room, question.ask)
    if question.expect == "allowed":
        return code == "allowed" and fits(room.filled("", question.answer), answer)
    return bool(code == question.expect["code"]) and room.filled("", question.expect["message"]) in message
