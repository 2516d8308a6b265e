"""A caller that assumed no role is denied a resource: what is certain, and what hangs on the unread side."""

from typing import Any

import pytest

from xacct_nb.diagnosis.attempt import Attempt, attempt_from_denial
from xacct_nb.diagnosis.cause import CERTAIN, LIKELY
from xacct_nb.diagnosis.denial import read_denial
from xacct_nb.diagnosis.diagnosis import Diagnosis, diagnose
from xacct_nb.diagnosis.snapshot import Destination, Principal, Snapshot, SnapshotPolicy, Source

ALICE, HUB = "arn:aws:iam::314159265358:user/alice", "arn:aws:iam::314159265358:role/team/hub"
SESSION = "arn:aws:sts::314159265358:assumed-role/hub/desk"
OBJECT, BUCKET = "arn:aws:s3:::ledgers/may.csv", "arn:aws:s3:::ledgers"
TO_ALICE = {"Effect": "Allow", "Principal": {"AWS": ALICE}, "Action": "s3:GetObject", "Resource": OBJECT}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def denied(
    own: dict[str, Any] | None = None,
    *,
    action: str = "s3:GetObject",
    resource: str = OBJECT,
    destination: Destination | None = None,
    incomplete: str = "",
) -> Diagnosis:
    policies = (SnapshotPolicy(name="own", holder=ALICE, document=document(own)),) if own else ()
    source = Source(principal=Principal(arn=ALICE, id="AIDAX"), policies=policies, incomplete=incomplete)
    snapshot = Snapshot(taken="2026-05-01T00:00:00Z", source=source, destination=destination)
    return diagnose(snapshot, attempt=Attempt(caller=ALICE, action=action, resource=resource))


def bucket(*statements: dict[str, Any], account: str = "271828182845") -> Destination:
    read = {BUCKET: document(*statements) if statements else None}
    return Destination(resource_policies=read, resource_account=account)


def test_without_the_buckets_policy_a_missing_permission_is_likely_at_most() -> None:
    first = denied().causes[0]

    assert (first.code, first.confidence) == ("caller-without-permission", LIKELY)
    assert "it was not read" in first.why


def test_a_queue_of_another_account_needs_the_callers_permission_whatever_its_policy_says() -> None:
    first = denied(action="sqs:SendMessage", resource="arn:aws:sqs:eu-west-1:271828182845:q").causes[0]

    assert (first.code, first.confidence) == ("caller-without-permission", CERTAIN)


def test_a_condition_on_a_key_of_the_service_is_never_certain() -> None:
    own = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": BUCKET}
    own |= {"Condition": {"StringLike": {"s3:prefix": "may/*"}}}
    granted = {**TO_ALICE, "Action": "s3:ListBucket", "Resource": BUCKET}
    causes = denied(own, action="s3:ListBucket", resource=BUCKET, destination=bucket(granted)).causes

    assert causes[0].code == "permission-condition"
    assert not [each for each in causes if each.confidence == CERTAIN]


def test_policies_of_the_caller_that_were_not_read_leave_a_doubt() -> None:
    found = denied(destination=bucket(TO_ALICE), incomplete="One policy was not read.")

    assert (found.causes[0].code, found.causes[0].confidence) == ("caller-without-permission", LIKELY)


def test_both_sides_are_named_and_mended_together() -> None:
    found = denied(destination=bucket())

    sides = {(each.code, each.side, each.confidence) for each in found.causes if each.confidence == CERTAIN}
    assert sides == {
        ("caller-without-permission", "source", CERTAIN),
        ("resource-policy", "destination", CERTAIN),
    }
    assert "together the request is allowed" in found.together
    assert [" --profile SOURCE_ADMIN" in each.commands[0] for each in found.causes[:2]] == [True, False]


def test_the_mend_of_the_bucket_lets_in_the_caller_alone() -> None:
    own = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": OBJECT}
    (first,) = (each for each in denied(own, destination=bucket()).causes if each.confidence == CERTAIN)

    assert (first.code, first.works, first.lets_in) == ("resource-policy", True, ("user/alice",))


def test_in_its_own_account_the_buckets_policy_can_be_enough() -> None:
    found = denied(destination=bucket(TO_ALICE, account=""))

    assert not [each for each in found.causes if each.confidence in (CERTAIN, LIKELY)]


@pytest.mark.parametrize(
    ("known", "caller", "role"),
    [
        (Attempt(caller=SESSION), SESSION, ""),
        (Attempt(caller=HUB), SESSION, ""),
        (Attempt(caller=ALICE), ALICE, "arn:aws:iam::314159265358:role/hub"),
        (Attempt(caller=ALICE, role=HUB), ALICE, HUB),
    ],
    ids=["the session itself", "its role", "somebody else", "the role that she assumed"],
)
def test_a_session_is_the_caller_where_it_was_given_as_such(known: Attempt, caller: str, role: str) -> None:
    queue = "arn:aws:sqs:eu-west-1:271828182845:q"
    text = f"User: {SESSION} is not authorized to perform: sqs:SendMessage on resource: {queue}"
    found = attempt_from_denial(read_denial(text), known)

    assert (found.caller, found.role, found.is_direct) == (caller, role, not role)
