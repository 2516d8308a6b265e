"""Read-only calls that put one action to the test."""

from typing import Any

import pytest

from xacct_nb.changes.sample_calls import sample_call, unallowed_sample_call
from xacct_nb.grants.conditions import Permission
from xacct_nb.iam.patterns import covers, matches

OBJECTS, BUCKET = "arn:aws:s3:::reports/2026/*", "arn:aws:s3:::reports"


def asked(action: str, *resources: str) -> tuple[str, Any] | None:
    found = sample_call(action, resources)
    return found and (found.operation, found.parameters)


def beside_of(*actions: str, resources: tuple[str, ...] = (OBJECTS,)) -> str | None:
    found = unallowed_sample_call([Permission(actions=actions, resources=resources)])
    return found.title if found else None


def test_an_object_is_found_by_its_pattern() -> None:
    assert asked("s3:GetObject", OBJECTS) == (
        "get_object",
        {"Bucket": "reports", "Prefix": "2026/", "Key": "2026/*"},
    )


def test_the_prefix_ends_where_the_first_wildcard_begins() -> None:
    assert asked("s3:GetObject", "arn:aws:s3:::reports/a?c/*.csv") == (
        "get_object",
        {"Bucket": "reports", "Prefix": "a", "Key": "a?c/*.csv"},
    )


@pytest.mark.parametrize(
    "resource",
    ["*", BUCKET, "arn:aws:s3:::reports*/x", "arn:aws:s3:::*/*", "arn:aws:s3:::reports/${aws:userid}/*"],
)
def test_an_object_whose_bucket_or_key_is_not_known_has_no_call(resource: str) -> None:
    assert asked("s3:GetObject", resource) is None


def test_a_bucket_is_listed() -> None:
    assert asked("s3:ListBucket", BUCKET) == ("list_objects_v2", {"Bucket": "reports", "MaxKeys": 1})


def test_a_bucket_is_not_listed_for_the_arn_of_objects() -> None:
    assert asked("s3:ListBucket", OBJECTS) is None
    assert asked("s3:List*", OBJECTS) is None


def test_the_resource_that_fits_the_action_is_used() -> None:
    assert asked("s3:ListBucket", OBJECTS, BUCKET) == ("list_objects_v2", {"Bucket": "reports", "MaxKeys": 1})


def test_a_pattern_of_actions_is_put_to_the_test_by_one_that_it_covers() -> None:
    assert asked("s3:*", OBJECTS) == ("get_object", {"Bucket": "reports", "Prefix": "2026/", "Key": "2026/*"})


def test_actions_without_resources_need_permission_on_everything() -> None:
    assert asked("ec2:DescribeInstances", "*") == ("describe_instances", {})
    assert asked("ec2:DescribeInstances", "arn:aws:ec2:*:*:instance/*") is None


def test_an_action_that_changes_something_has_no_call() -> None:
    assert asked("s3:PutObject", OBJECTS) is None
    assert asked("s3:Delete*", OBJECTS) is None


def test_a_call_has_a_title() -> None:
    found = sample_call("s3:GetObject", [OBJECTS])

    assert found is not None
    assert (found.title, found.about_resource) == ("s3:GetObject reports/2026/*", True)


def test_listing_the_bucket_is_not_allowed_by_reading_its_objects() -> None:
    assert beside_of("s3:GetObject") == "s3:ListBucket reports"


def test_another_service_is_not_allowed_by_all_of_s3() -> None:
    assert beside_of("s3:*") == "iam:ListUsers"


def test_s3_is_not_allowed_by_another_service() -> None:
    assert beside_of("sqs:ReceiveMessage", resources=("arn:aws:sqs:us-east-1:222222222222:q",)) == (
        "s3:ListAllMyBuckets"
    )


def test_permission_on_everything_leaves_no_call() -> None:
    assert beside_of("*") is None


def test_without_permissions_any_call_is_not_allowed() -> None:
    found = unallowed_sample_call([])

    assert found is not None
    assert found.title == "s3:ListAllMyBuckets"


@pytest.mark.parametrize(
    ("pattern", "action", "is_covered"),
    [
        ("*", "s3:GetObject", True),
        ("s3:Get*", "s3:GetObject", True),
        ("S3:getobject", "s3:GetObject", True),
        ("s3:Get?bject", "s3:GetObject", True),
        ("s3:Get", "s3:GetObject", False),
        ("s3.GetObject", "s3:GetObject", False),
    ],
)
def test_a_pattern_covers_actions(pattern: str, action: str, is_covered: bool) -> None:
    assert covers(pattern, action) is is_covered


def test_names_fit_with_regard_to_case() -> None:
    assert matches("2026/*.csv", "2026/q1/sales.csv")
    assert not matches("2026/*.CSV", "2026/q1/sales.csv")
