"""A session's denied request: its own policies, the resource's owner and policy, the key behind a bucket."""

import json
from typing import Any

import pytest

from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.diagnosis.denial import read_denial
from xacct_nb.diagnosis.diagnosis import Diagnosis, diagnose
from xacct_nb.diagnosis.snapshot import Destination, Principal, Snapshot, SnapshotPolicy

B = "222222222222"
ROLE = f"arn:aws:iam::{B}:role/reader"
SESSION = f"arn:aws:sts::{B}:assumed-role/reader/desk"
KEY = f"arn:aws:kms:eu-central-1:{B}:key/0f0e0d0c-0b0a-4908-8706-050403020100"
BUCKET, OBJECT = "arn:aws:s3:::books", "arn:aws:s3:::books/2026/q1.csv"
TRUST = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole"},
}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def found(
    action: str,
    resource: str,
    *statements: dict[str, Any],
    passed: dict[str, Any] | None = None,
    **side: Any,
) -> Diagnosis:
    policy = SnapshotPolicy(name="reads", holder=ROLE, document=document(*statements))
    role = Principal(arn=ROLE, id="AROAREADERREADERREAD0", trust=TRUST, boundary=side.pop("boundary", None))
    seen = Snapshot(
        taken="2026-11-24T10:15:00Z",
        destination=Destination(role=role, policies=(policy,) if statements else (), **side),
    )
    text = f"User: {SESSION} is not authorized to perform: {action} on resource: {resource}"
    attempt = Attempt(role=ROLE, parameters=passed or {})
    return diagnose(seen, attempt=attempt, denial=read_denial(text))


def first(shown: Diagnosis) -> tuple[str, str]:
    return shown.causes[0].code, shown.causes[0].confidence


def test_a_bucket_without_its_objects_is_shown_beside_the_object() -> None:
    shown = found("s3:GetObject", OBJECT, allow("s3:GetObject", BUCKET))

    assert first(shown) == ("role-without-permission", "certain")
    assert [(each.wanted, each.got) for each in shown.causes[0].nearest if each.holds is False] == [
        (BUCKET, OBJECT)
    ]


@pytest.mark.parametrize(
    "passed",
    [
        {"Policy": json.dumps(document(allow("s3:ListBucket")))},
        {"PolicyArns": [{"arn": "arn:aws:iam::222222222222:policy/lists"}]},
    ],
)
def test_the_session_policies_of_the_request_are_decided(passed: dict[str, Any]) -> None:
    lists = SnapshotPolicy(
        name="lists",
        kind="managed",
        arn="arn:aws:iam::222222222222:policy/lists",
        document=document(allow("s3:ListBucket")),
    )
    shown = found(
        "s3:GetObject",
        OBJECT,
        allow("s3:*"),
        passed=passed,
        session_policies=(lists,),
        resource_policies={BUCKET: None},
    )

    assert first(shown) == ("session-policy", "certain")
    assert "s3:ListBucket" in shown.causes[0].nearest[0].wanted


def test_a_session_policy_that_was_not_read_is_likely_at_most() -> None:
    passed = {"PolicyArns": [{"arn": "arn:aws:iam::222222222222:policy/lists"}]}
    shown = found("s3:GetObject", OBJECT, allow("s3:*"), passed=passed, resource_policies={BUCKET: None})

    assert first(shown) == ("session-policy", "likely")
    assert "Not read: lists." in shown.causes[0].why


def test_a_boundary_of_the_role_that_was_not_read_is_named() -> None:
    bound = SnapshotPolicy(name="ReadOnlyAccess", kind="managed", holder=ROLE)
    shown = found("s3:GetObject", OBJECT, allow("s3:*"), boundary=bound, resource_policies={BUCKET: None})

    assert "ReadOnlyAccess" in next(each.why for each in shown.causes if each.code == "role-boundary")
    assert {each.confidence for each in shown.causes} == {"possible"}


def test_a_deny_of_the_bucket_on_the_address_is_likely_and_its_silence_is_no_cause() -> None:
    office = {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    denies = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"{BUCKET}/*",
        "Condition": office,
    }
    shown = found("s3:GetObject", OBJECT, allow("s3:*"), resource_policies={BUCKET: document(denies)})

    assert first(shown) == ("resource-policy", "likely")
    assert "aws:SourceIp" in shown.causes[0].why


def test_a_key_whose_policy_names_somebody_else_is_certain() -> None:
    others = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{B}:role/writer"}, "Action": "kms:*"}
    policy = document(others | {"Resource": "*"})
    shown = found("kms:Decrypt", KEY, allow("kms:*"), resource_policies={KEY: policy})

    assert first(shown) == ("key-policy", "certain")
    assert [each.element for each in shown.causes[0].nearest if each.holds is False] == ["Principal"]


def test_a_key_whose_policy_was_not_read_is_likely_at_most() -> None:
    assert first(found("kms:Decrypt", KEY, allow("kms:*"))) == ("key-policy", "likely")


def test_a_resource_in_another_account_needs_its_own_policy_and_a_message_says_which() -> None:
    secret = "arn:aws:secretsmanager:eu-central-1:333333333333:secret:notes-AbCdEf"
    shown = found("secretsmanager:GetSecretValue", secret, allow("secretsmanager:*"))

    assert first(shown) == ("other-account-resource", "likely")
    assert "333333333333" in shown.causes[0].why
    assert f"is denied secretsmanager:GetSecretValue on {secret}" in shown.message


def test_the_key_behind_a_bucket_is_examined() -> None:
    nobody = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{B}:role/writer"}, "Action": "kms:*"}
    shown = found(
        "s3:GetObject",
        OBJECT,
        allow("s3:*"),
        resource_policies={BUCKET: None, KEY: document(nobody | {"Resource": "*"})},
    )

    assert first(shown) == ("key-policy", "likely")
    assert "kms:Decrypt" in shown.causes[0].why


def test_where_all_that_was_read_allows_it_the_causes_of_objects_are_possible() -> None:
    shown = found("s3:GetObject", OBJECT, allow("s3:*"), resource_policies={BUCKET: None})

    assert {each.confidence for each in shown.causes} == {"possible"}
    assert {"object-of-another-owner", "no-such-object", "service-control-policy"} <= set(
        shown.indistinguishable_causes
    )
    assert "role-without-permission" not in shown.indistinguishable_causes


def test_a_service_control_policy_is_of_the_roles_account() -> None:
    text = (
        f"User: {SESSION} is not authorized to perform: s3:ListAllMyBuckets with an explicit deny in a "
        "service control policy"
    )
    shown = diagnose(denial=read_denial(text), attempt=Attempt(role=ROLE))

    assert shown.causes[0].code == "service-control-policy"
    assert B in shown.causes[0].why
    assert "source account" not in shown.causes[0].why
