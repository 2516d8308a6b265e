"""Tests of IAM policies: an AWS that says no decides, and no AWS account is needed."""

import json
from pathlib import Path
from string import Template

import boto3
import pytest

POLICIES = Path(__file__).parent / "policies"
EXTERNAL_ID = {"sts:ExternalId": "reports-2026"}


def policy(name, **values):
    """Return the text of a policy file, with ${names} replaced as Terraform's templatefile does."""
    return Template((POLICIES / name).read_text()).substitute(values)


@pytest.fixture
def reader(aws_world):
    """The role of the destination account, made from the files; alice's side allows the call."""
    trust = policy("reader-trust.json", source_account=aws_world.source)
    permissions = policy("reader-permissions.json", bucket=aws_world.bucket)
    iam = aws_world.admin("destination", "iam")
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName="reader", PolicyName="read", PolicyDocument=permissions)
    allow("alice", "sts:AssumeRole")
    return aws_world.role_arn("reader")


def allow(user, action):
    """Allow a user of the source account an action; plain boto3 is its administrator in a test."""
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    boto3.client("iam").put_user_policy(UserName=user, PolicyName=user, PolicyDocument=document)


# A role's trust policy


def test_alice_assumes_the_role_with_the_external_id(can, reader):
    assert can("alice", "sts:AssumeRole", reader, **EXTERNAL_ID)
    assert not can("alice", "sts:AssumeRole", reader)


def test_the_role_reads_the_reports_and_nothing_else(aws_world, can, reader):
    as_reader = {"through": reader, **EXTERNAL_ID}

    assert can("alice", "s3:GetObject", aws_world.object_arn("2026/summary.csv"), **as_reader)
    assert not can("alice", "s3:PutObject", aws_world.object_arn("2026/summary.csv"), **as_reader)
    salaries = aws_world.object_arn("2026/salaries.csv", aws_world.other_bucket)
    assert not can("alice", "s3:GetObject", salaries, **as_reader)


# Mallory may assume every role as far as her own account goes


def test_mallory_must_not_assume_the_role(can, reader):
    assert not can("mallory", "sts:AssumeRole", reader, **EXTERNAL_ID)


# A permissions boundary


def test_the_boundary_lets_nobody_delete_objects(decides):
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    bounded = {
        "principal": "arn:aws:iam::111111111111:user/developer",
        "resource": "arn:aws:s3:::reports/2026/summary.csv",
        "identity_policies": [everything],
        "permissions_boundaries": [json.loads(policy("boundary.json"))],
    }

    assert decides(action="s3:GetObject", **bounded)
    assert not decides(action="s3:DeleteObject", **bounded)
    assert not decides(action="iam:CreateUser", **bounded)


# Your own code, as it is: its boto3 calls lead into the sandbox


def test_code_that_uses_boto3_needs_no_change(aws_world, reader):
    sts = boto3.Session(profile_name="alice").client("sts")
    credentials = sts.assume_role(RoleArn=reader, RoleSessionName="tests", ExternalId="reports-2026")
    keys = credentials["Credentials"]
    s3 = boto3.client(
        "s3",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )

    text = s3.get_object(Bucket=aws_world.bucket, Key="2026/summary.csv")["Body"].read()

    assert text.startswith(b"quarter,orders")
