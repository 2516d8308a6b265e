"""Who loses what by a plan, and who gets it back, decided by meaning from the policies before and after."""

from typing import Any

import pytest

from support.examples import READ, ROLE, a_grant
from xacct_nb.changes.entitlements import losses, returns
from xacct_nb.changes.plan import Change
from xacct_nb.changes.planner import desired_resources, diff
from xacct_nb.changes.revocation import REVOKED, revocation
from xacct_nb.grants.documents import build
from xacct_nb.grants.state import ResourceKey, State

MALLORY = "arn:aws:iam::111111111111:user/mallory"
WRITER = "arn:aws:iam::222222222222:role/writer"
READER_ROLE, ALICE_IS = "role/reports-reader of 222222222222", "user/alice of 111111111111"
SESSION = f"Every session of {READER_ROLE}"


def state_of(**fields: Any) -> State:
    """The two accounts with this grant in place."""
    return State(desired_resources(build(a_grant(**fields)), State({})))


def lost(before: dict[str, Any], after: dict[str, Any]) -> tuple[str, ...]:
    """Who loses what where the grant was one and becomes another."""
    live = state_of(**before)
    return losses(live, diff(build(a_grant(**after)), live).changes)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {}),
        ({}, {"permissions": [{**READ, "actions": ["s3:*"]}]}),
        ({}, {"permissions": [READ, {"actions": ["sqs:ListQueues"], "resources": ["*"]}]}),
        ({}, {"sources": [MALLORY, "arn:aws:iam::111111111111:user/alice"]}),
        ({"conditions": {"external_id": "partner-7"}}, {}),
        ({}, {"session_minutes": 90}),
    ],
)
def test_nobody_loses_anything_where_access_is_added_or_said_otherwise(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert lost(before, after) == ()


def test_from_a_managed_to_an_inline_caller_policy_nobody_loses_anything() -> None:
    assert lost({}, {"caller_policy": "inline"}) == ()


def test_the_same_name_with_another_role_says_who_loses_the_first_role() -> None:
    assert lost({}, {"destinations": [WRITER]}) == (
        f"{ALICE_IS} will no longer be able to assume {READER_ROLE}.",
        f"{READER_ROLE} will be deleted, with its permissions.",
    )


def test_where_the_first_role_is_not_read_the_callers_loss_is_still_said() -> None:
    live = State(
        {key: value for key, value in state_of().resources.items() if key.target != ROLE},
    )
    changes = diff(build(a_grant(destinations=[WRITER])), live).changes

    assert losses(live, changes) == (f"{ALICE_IS} will no longer be able to assume {READER_ROLE}.",)


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ({}, {"sources": [MALLORY]}, f"{ALICE_IS} will no longer be able to assume {READER_ROLE}."),
        (
            {"sources": ["111111111111"]},
            {},
            f"Everyone else whom 111111111111 allows it will no longer be able to assume {READER_ROLE}.",
        ),
        (
            {"permissions": [{**READ, "actions": ["s3:GetObject", "s3:PutObject"]}]},
            {},
            f"{SESSION} will no longer be able to s3:PutObject on reports/*.",
        ),
        (
            {"permissions": [{**READ, "actions": ["s3:Get*"]}]},
            {},
            f"{SESSION} will no longer be able to s3:Get* on reports/*.",
        ),
        (
            {"managed_policies": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]},
            {},
            f"{SESSION} will no longer be able to do what the policy ReadOnlyAccess allows.",
        ),
        (
            {},
            {"conditions": {"external_id": "partner-7"}},
            f"{ALICE_IS} will be able to assume {READER_ROLE} only under other conditions than now: "
            "sts:ExternalId.",
        ),
        (
            {"conditions": {"external_id": "partner-7"}},
            {"conditions": {"external_id": "partner-8"}},
            f"{ALICE_IS} will be able to assume {READER_ROLE} only under other conditions than now: "
            "sts:ExternalId.",
        ),
    ],
)
def test_what_is_lost_is_one_sentence(before: dict[str, Any], after: dict[str, Any], sentence: str) -> None:
    assert lost(before, after) == (sentence,)


def test_an_external_id_is_in_no_sentence() -> None:
    both = {"external_id": "planted-7"}, {"external_id": "planted-8"}

    assert "planted" not in " ".join(lost({"conditions": both[0]}, {"conditions": both[1]}))


def test_a_deny_that_a_role_gets_is_said_and_the_end_of_its_sessions_is_not_a_loss() -> None:
    deny = {"Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}
    denied = Change("inline-policy", ROLE, "no-s3", None, deny)
    ended = Change("inline-policy", ROLE, REVOKED, None, revocation())

    assert losses(state_of(), [denied]) == (f"{SESSION} will be denied s3:* on every resource.",)
    assert losses(state_of(), [ended]) == ()


def test_a_rollback_says_who_loses_what_it_gave_and_who_gets_back_what_it_took() -> None:
    live = state_of(sources=[MALLORY])
    back = diff(build(a_grant(sources=[MALLORY])), state_of()).reverse()

    assert returns(live, back.changes) == (f"{ALICE_IS} will again be able to assume {READER_ROLE}.",)
    assert losses(live, back.changes) == (
        f"user/mallory of 111111111111 will no longer be able to assume {READER_ROLE}.",
    )


def test_without_a_state_the_changes_themselves_say_what_is_lost() -> None:
    back = diff(build(a_grant()), State({})).reverse()

    assert losses(State({}), back.changes)[0] == f"{ALICE_IS} will no longer be able to assume {READER_ROLE}."


@pytest.mark.parametrize(
    ("principal", "who"),
    [
        ({"Service": "ec2.amazonaws.com"}, "ec2.amazonaws.com"),
        ({"AWS": "AIDAEXAMPLEEXAMPLE12"}, "AIDAEXAMPLEEXAMPLE12"),
        ("*", "Everyone"),
        ({"AWS": "arn:aws:iam::333333333333:root"}, "Everyone whom 333333333333 allows it"),
        ({"AWS": "arn:aws:iam::333333333333:role/ci"}, "Every session of role/ci of 333333333333"),
    ],
)
def test_every_kind_of_principal_that_loses_a_role_is_named(principal: Any, who: str) -> None:
    trust = {"Statement": {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}}
    live = State({ResourceKey("role", ROLE): {"trust": trust}})
    change = Change("trust", ROLE, "", trust, {"Statement": []})

    assert losses(live, [change]) == (f"{who} will no longer be able to assume {READER_ROLE}.",)
