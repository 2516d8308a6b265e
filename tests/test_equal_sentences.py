"""The card of many accounts has one sentence for equal losses, and says an end as a date."""

from typing import Any

from xacct_nb.changes.entitlements import losses
from xacct_nb.changes.plan import Change
from xacct_nb.fleets.equal_sentences import told_once
from xacct_nb.grants.state import State

ALICE = "arn:aws:iam::111111111111:user/alice"
MANY = tuple(f"{each:012}" for each in range(222222222222, 222222222229))


def trust(**condition: Any) -> dict[str, Any]:
    allows = {"Effect": "Allow", "Principal": {"AWS": ALICE}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [allows | ({"Condition": condition} if condition else {})]}


def lost(**condition: Any) -> list[str]:
    """What alice loses once the roles of many accounts get a condition."""
    roles = (f"arn:aws:iam::{each}:role/x" for each in MANY)
    changes = [Change("trust", role, "", trust(), trust(**condition)) for role in roles]
    return [*told_once(losses(State({}), changes))]


def test_an_end_in_many_accounts_is_one_sentence_with_its_date() -> None:
    assert lost(DateLessThan={"aws:CurrentTime": "2027-01-01T00:00:00Z"}) == [
        "user/alice of 111111111111 will be able to assume role/x of {account} "
        "only until 2027-01-01 00:00 UTC. "
        "({account}: 7 accounts: 222222222222, 222222222223, 222222222224, 222222222225, 222222222226, "
        "and 2 more)"
    ]


def test_an_end_beside_another_condition_says_both() -> None:
    (said,) = lost(
        DateLessThan={"aws:CurrentTime": "2027-01-01T00:00:00Z"}, StringEquals={"sts:ExternalId": "partner-7"}
    )

    assert "only under other conditions than now: until 2027-01-01 00:00 UTC and sts:ExternalId." in said


def test_another_condition_on_the_time_is_named_by_its_key() -> None:
    (said,) = lost(DateGreaterThan={"aws:CurrentTime": "2027-01-01T00:00:00Z"})

    assert "only under other conditions than now: aws:CurrentTime." in said


def test_sentences_that_differ_in_more_than_the_account_stay_apart() -> None:
    said = ["a of 111111111111 is lost.", "b of 222222222222 is lost.", "Nobody loses more."]

    assert [*told_once(said)] == said
