"""IAM's messages for a policy document that it refuses: the parser's refusals with AWS's messages."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xacct_nb.sandbox.http.calls import Call, Refusal
from xacct_nb.sandbox.rules.bucket_rules import bucket_policy
from xacct_nb.sandbox.rules.policy_rules import managed_policy
from xacct_nb.sandbox.rules.trust_rules import trust_policy

OWN = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
TRUST = {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole"}
SYNTAX = "Syntax errors in policy."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Effect": "allow"}, "The policy failed legacy parsing"),
        ({"Effect": 1}, SYNTAX),
        ({"Effect": None}, SYNTAX),
        ({"Owner": "me"}, SYNTAX),
        ({"NotAction": "s3:PutObject"}, SYNTAX),
        ({"Action": []}, "Policy statement must contain actions."),
        ({"Action": ["s3:GetObject", 5]}, SYNTAX),
        ({"Action": "s3:Get:Object"}, "Actions/Condition can contain only one colon."),
        ({"Action": "s3!:GetObject"}, "Vendor s3! is not valid"),
        ({"Resource": []}, "Policy statement must contain resources."),
        ({"Resource": "arn:moon:s3:::a"}, 'Partition "moon" is not valid for resource "arn:moon:s3:::a".'),
        (
            {"Resource": "arn:aws:iam:us-east-1:111111111111:role/a"},
            "IAM resource arn:aws:iam:us-east-1:111111111111:role/a cannot contain region information.",
        ),
        (
            {"Resource": ["*", "arn:aws:s3:eu-west-1::a"]},
            "Resource arn:aws:s3:eu-west-1::a can not contain region information.",
        ),
        ({"Sid": "with space"}, SYNTAX),
        ({"Condition": []}, SYNTAX),
    ],
)
def test_an_identity_policy_is_refused_with_aws_s_message(change: dict[str, Any], message: str) -> None:
    refusal = managed_policy(_call("CreatePolicy", "PolicyDocument", _with(OWN, change)))

    assert refusal is not None
    assert (refusal.code, refusal.message) == ("MalformedPolicyDocument", message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Effect": "allow"}, "Invalid effect: allow"),
        ({"Effect": None}, "Missing required field Effect"),
        ({"Owner": "me"}, "Unknown field Owner"),
        ({"Action": None}, "Missing required field Action"),
        ({"Principal": ["111111111111"]}, "Principal must be a JSON object."),
        ({"Principal": {"CanonicalUser": "0" * 64}}, 'Invalid principal in policy: "CanonicalUser"'),
        ({"Principal": {"Service": "ec2"}}, 'Invalid principal in policy: "SERVICE":"ec2"'),
        ({"Principal": {"AWS": "bob"}}, 'Invalid principal in policy: "AWS":"bob"'),
        (
            {"Principal": None, "Effect": "Deny", "NotPrincipal": {"AWS": "111111111111"}},
            "AssumeRole policy must not contain NotPrincipal field.",
        ),
        ({"Condition": {"StringIs": {"aws:username": "a"}}}, "Invalid Condition type : StringIs"),
    ],
)
def test_a_trust_policy_is_refused_with_aws_s_message(change: dict[str, Any], message: str) -> None:
    refusal = trust_policy(_call("CreateRole", "AssumeRolePolicyDocument", _with(TRUST, change)))

    assert refusal is not None
    assert (refusal.code, refusal.message) == ("MalformedPolicyDocument", message)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"Version": "2020-01-01", "Statement": TRUST}, "The policy must contain a valid version string"),
        ({"Statement": TRUST, "Owner": "me"}, "Unknown field Owner"),
        (TRUST, "Unknown field Effect"),
        ({"Statement": ["text"]}, "Syntax error in policy."),
        (
            {"Statement": [TRUST | {"Sid": "a"}, TRUST | {"Sid": "a"}]},
            "The Statement Ids in the policy are not unique",
        ),
    ],
)
def test_a_trust_policy_s_top_level_is_refused_with_aws_s_message(
    document: dict[str, Any], message: str
) -> None:
    refusal = trust_policy(_call("CreateRole", "AssumeRolePolicyDocument", document))

    assert refusal is not None
    assert refusal.message == message


_VALUES = [
    None,
    1,
    True,
    "x",
    "*",
    "Allow",
    "allow",
    "s3:*",
    "arn:aws:s3::x",
    [],
    {},
    [{}],
    {"AWS": ["*", 3]},
]
_VALUES += [
    {"DateLessThan": {"a": ["x", 1, {}]}},
    {"StringEquals": []},
    {"Date": 3},
    ["arn:aws:s3:::b/*", {}],
]
_ELEMENTS = [
    "Sid",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Principal",
    "Condition",
    "Owner",
]
_STATEMENTS = st.dictionaries(st.sampled_from(_ELEMENTS), st.sampled_from(_VALUES))


@given(
    st.one_of(st.sampled_from(_VALUES), st.lists(st.one_of(_STATEMENTS, st.sampled_from(_VALUES)))),
    st.sampled_from(["2012-10-17", "2008-10-17", "2020-01-01", None, ["2012-10-17"]]),
)
def test_every_document_is_taken_or_refused_as_malformed(statements: Any, version: Any) -> None:
    document = {"Version": version, "Statement": statements}
    refusals = [
        managed_policy(_call("CreatePolicy", "PolicyDocument", document)),
        trust_policy(_call("CreateRole", "AssumeRolePolicyDocument", document)),
        bucket_policy(Call("s3", "PutBucketPolicy", {"Bucket": "b"}, body=json.dumps(document).encode())),
    ]

    assert {_code(each) for each in refusals} <= {"", "MalformedPolicyDocument", "MalformedPolicy"}


def _code(refusal: Refusal | None) -> str:
    return refusal.code if refusal else ""


def _call(action: str, name: str, document: dict[str, Any]) -> Call:
    return Call("iam", action, {name: json.dumps(document)}, account="222222222222")


def _with(statement: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A document of the statement with other elements; None leaves one out."""
    elements = {name: value for name, value in (statement | change).items() if value is not None}
    return {"Version": "2012-10-17", "Statement": [elements]}
