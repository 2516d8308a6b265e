"""An edit is proven to take nothing away, or it is named what somebody might lose."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.decision_worlds import identity_statements
from xacct_nb.diagnosis.fixes.losses import losses
from xacct_nb.iam.evaluation import evaluate

Document = dict[str, Any]
ALICE, BOB = "arn:aws:iam::111111111111:user/alice", "arn:aws:iam::111111111111:user/bob"
ROLE = "arn:aws:iam::222222222222:role/reader"
READS = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::reports/*"}
DENIES = {"Effect": "Deny", "Action": "sts:*", "Resource": "*"}
TRUSTS = {"Effect": "Allow", "Principal": {"AWS": [ALICE]}, "Action": "sts:AssumeRole"}


def policy(*statements: Document, version: str = "2012-10-17") -> Document:
    return {"Version": version, "Statement": list(statements)}


KEEPS = (
    (READS, READS | {"Action": "s3:*"}),
    (READS, READS | {"Resource": ["arn:aws:s3:::other/*", "arn:aws:s3:::reports*"]}),
    (READS | {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, READS),
    (
        READS | {"Condition": {"StringEquals": {"aws:username": "ann"}}},
        READS | {"Condition": {"StringEquals": {"aws:username": ["bea", "ann"]}}},
    ),
    (DENIES, DENIES | {"Condition": {"ArnNotEquals": {"aws:PrincipalArn": ALICE}}}),
    (
        DENIES | {"Condition": {"ArnNotEquals": {"aws:PrincipalArn": BOB}}},
        DENIES | {"Condition": {"ArnNotEquals": {"aws:PrincipalArn": [BOB, ALICE]}}},
    ),
    (DENIES, {"Effect": "Deny", "Action": "sts:*", "NotResource": ROLE}),
    (TRUSTS, TRUSTS | {"Principal": {"AWS": [BOB, ALICE]}}),
    (TRUSTS, TRUSTS | {"Principal": "*"}),
    (TRUSTS | {"Principal": {"AWS": ["AIDAZZZZZZZZZZZZZZZZZ", ALICE]}}, TRUSTS),
    (
        TRUSTS | {"Principal": {"AWS": "111111111111"}},
        TRUSTS | {"Principal": {"AWS": "arn:aws:iam::111111111111:root"}},
    ),
)
TAKES = (
    (READS, READS | {"Action": "s3:GetObject"}),
    (READS, READS | {"Resource": "arn:aws:s3:::reports/?"}),
    (READS, READS | {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
    (
        READS | {"Condition": {"StringNotEquals": {"aws:username": "ann"}}},
        READS | {"Condition": {"StringNotEquals": {"aws:username": ["ann", "bea"]}}},
    ),
    (DENIES | {"Condition": {"ArnNotEquals": {"aws:PrincipalArn": [BOB, ALICE]}}}, DENIES),
    (DENIES | {"Action": "sts:AssumeRole"}, DENIES),
    (DENIES | {"Resource": ROLE}, {"Effect": "Deny", "Action": "sts:*", "NotResource": ROLE}),
    (TRUSTS, TRUSTS | {"Principal": {"AWS": [BOB]}}),
    (TRUSTS | {"Principal": "*"}, TRUSTS),
)


@pytest.mark.parametrize(("before", "after"), KEEPS)
def test_a_statement_that_allows_more_or_denies_less_takes_nothing(before: Document, after: Document) -> None:
    assert losses(policy(before), policy(after)) == ()


@pytest.mark.parametrize(("before", "after"), TAKES)
def test_a_statement_that_allows_less_or_denies_more_is_named(before: Document, after: Document) -> None:
    assert [each for each in losses(policy(before), policy(after)) if "Statement[0]" in each] != []


def test_a_new_deny_is_named_and_a_new_allow_is_not() -> None:
    assert losses(policy(READS), policy(READS, DENIES)) == ("what Statement[1] would deny",)
    assert losses(policy(READS), policy(READS, READS | {"Action": "*"})) == ()


def test_a_deny_whose_variable_begins_to_count_with_the_new_version_is_named() -> None:
    deny = DENIES | {"Resource": "arn:aws:iam::222222222222:role/${aws:username}"}

    assert losses(policy(deny, version="2008-10-17"), policy(deny)) == ("what Statement[0] would deny",)


@given(
    before=st.lists(identity_statements, min_size=1, max_size=3),
    after=st.lists(identity_statements, min_size=1, max_size=3),
    kept=st.booleans(),
)
def test_where_nothing_is_lost_no_request_is(before: Any, after: Any, kept: bool) -> None:
    then, now = policy(*before), policy(*((*before, *after) if kept else after))
    if not losses(then, now):
        assert list(lost(then, now)) == []


def lost(then: Document, now: Document) -> Any:
    """Yield the requests that a policy allowed, and that another does not."""
    for action, resource in (
        ("sts:AssumeRole", ROLE),
        ("sts:TagSession", ROLE),
        ("s3:GetObject", "arn:aws:s3:::reports/a.txt"),
    ):
        for context in ({}, {"aws:PrincipalTag/team": "red"}, {"aws:MultiFactorAuthPresent": "true"}):
            trust = {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:*"}
            own = policy(trust) if resource == ROLE else None
            answers = [
                evaluate(ALICE, action, resource, context, [each], own).allowed for each in (then, now)
            ]
            if answers == [True, False]:
                yield action, resource, context
