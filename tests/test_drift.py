"""Which calls count as the cause of a drift, and how it is said: by whom, when, or why that is not known."""

import pytest

from xacct_nb.changes.drift import TrailAnswer, TrailEvent, calls_on, explain, resource_names
from xacct_nb.changes.plan import Change

ROLE = "arn:aws:iam::222222222222:role/team/reader"
ALICE = "arn:aws:iam::111111111111:user/alice"
TEAM = "arn:aws:iam::111111111111:group/team"
POLICY = "arn:aws:iam::111111111111:policy/xacct-readers"
ANN = "arn:aws:sts::222222222222:assumed-role/Admin/ann"
AT = "2026-11-29T15:00:00Z"


def event(call: str, at: str = AT, **names: str) -> TrailEvent:
    return TrailEvent(at, call, ANN, f"request-{call}", names)


def change(kind: str, target: str, name: str = "", before: object = 1, after: object = 2) -> Change:
    return Change(kind, target, name, before, after)


@pytest.mark.parametrize(
    ("differs", "call"),
    [
        (change("trust", ROLE), event("UpdateAssumeRolePolicy", roleName="reader")),
        (change("trust", ROLE), event("UpdateAssumeRolePolicy", roleName="READER")),
        (change("trust-statement", ROLE, "sid"), event("UpdateAssumeRolePolicy", roleName="reader")),
        (change("role", ROLE), event("DeleteRole", roleName="reader")),
        (change("settings", ROLE), event("UpdateRole", roleName="reader")),
        (change("boundary", ROLE), event("DeleteRolePermissionsBoundary", roleName="reader")),
        (change("tags", ROLE), event("UntagRole", roleName="reader")),
        (change("inline-policy", ROLE, "p"), event("PutRolePolicy", roleName="reader", policyName="p")),
        (change("inline-policy", ALICE, "p"), event("DeleteUserPolicy", userName="alice", policyName="p")),
        (change("inline-policy", TEAM, "p"), event("PutGroupPolicy", groupName="team", policyName="p")),
        (change("attachment", ALICE, POLICY), event("DetachUserPolicy", userName="alice", policyArn=POLICY)),
        (change("attachment", ALICE, POLICY), event("DeleteUser", userName="alice")),
        (change("managed-policy", POLICY), event("DeletePolicy", policyArn=POLICY)),
        (change("managed-policy", POLICY), event("CreatePolicyVersion", policyArn=POLICY)),
        (change("managed-policy", POLICY), event("CreatePolicy", policyName="xacct-readers")),
    ],
    ids=lambda each: getattr(each, "kind", "") or getattr(each, "call", ""),
)
def test_a_call_on_the_resource_explains_its_drift(differs: Change, call: TrailEvent) -> None:
    (found,) = explain([differs], TrailAnswer("", (call,)))

    assert found.events == (call,)


@pytest.mark.parametrize(
    ("differs", "call"),
    [
        (change("trust", ROLE), event("UpdateAssumeRolePolicy", roleName="writer")),
        (change("trust", ROLE), event("UpdateAssumeRolePolicy")),
        (change("trust", ROLE), event("PutRolePolicy", roleName="reader", policyName="p")),
        (change("inline-policy", ROLE, "p"), event("PutRolePolicy", roleName="reader", policyName="q")),
        (change("inline-policy", ALICE, "p"), event("PutRolePolicy", roleName="alice", policyName="p")),
        (change("attachment", ALICE, POLICY), event("DetachUserPolicy", userName="bob", policyArn=POLICY)),
        (change("managed-policy", POLICY), event("DeletePolicy", policyArn=POLICY + "-2")),
    ],
    ids=lambda each: getattr(each, "kind", "") or getattr(each, "call", ""),
)
def test_a_call_on_something_else_does_not(differs: Change, call: TrailEvent) -> None:
    (found,) = explain([differs], TrailAnswer(AT, (call,)))

    assert found.events == ()
    assert found.sentence.startswith(
        f"{differs.title} was changed. Who did it is not known: CloudTrail has no call"
    )


@pytest.mark.parametrize(
    ("before", "after", "happened"), [(None, 1, "removed"), (1, 2, "changed"), (1, None, "added")]
)
def test_the_sentence_says_what_happened_when_and_by_whom(
    before: object, after: object, happened: str
) -> None:
    trail = TrailAnswer("", (event("UpdateAssumeRolePolicy", roleName="reader"),))
    (found,) = explain([change("trust", ROLE, before=before, after=after)], trail)

    assert found.sentence == (
        f"trust role/team/reader was {happened} at {AT} by {ANN} "
        "(UpdateAssumeRolePolicy, request id request-UpdateAssumeRolePolicy)."
    )


def test_earlier_calls_are_counted_and_our_own_name_their_record() -> None:
    calls = [event("UpdateAssumeRolePolicy", roleName="reader"), event("CreateRole", roleName="reader")]
    (found,) = explain([change("trust", ROLE)], TrailAnswer("", tuple(calls)))
    own = found.since_record("", {"request-UpdateAssumeRolePolicy": "20261129T1-readers"})

    assert found.sentence.endswith("; 1 earlier call changed it, too.")
    assert "in the run of the record 20261129T1-readers" in own.sentence
    assert own.events[1].record == ""


def test_what_was_called_before_the_change_of_the_record_is_no_drift() -> None:
    calls = [event("UpdateAssumeRolePolicy", roleName="reader"), event("CreateRole", roleName="reader")]
    (found,) = explain([change("trust", ROLE)], TrailAnswer("", tuple(calls)))
    own = {"request-CreateRole": "record-1"}
    none_later = found.since_record("record-2", {"request-UpdateAssumeRolePolicy": "record-2"})

    assert [each.call for each in found.since_record("record-1", own).events] == ["UpdateAssumeRolePolicy"]
    assert none_later.events == ()
    assert "CloudTrail has no call on it after those of the record record-2." in none_later.sentence


def test_a_call_of_this_tool_without_a_record_says_so() -> None:
    ours = TrailEvent(AT, "DeleteRole", ANN, "r", {"roleName": "reader"}, by_tool=True)
    (found,) = explain([change("role", ROLE)], TrailAnswer("", (ours,)))

    assert "by xacct-nb in a run whose record is not here" in found.sentence


@pytest.mark.parametrize(
    ("trail", "why"),
    [
        (TrailAnswer(AT, problem="It may not be read."), "It may not be read."),
        (TrailAnswer(AT), f"CloudTrail has no call on it since {AT}. It keeps events for 90 days"),
        (TrailAnswer(AT, cut=True), "It has more events than were read."),
    ],
)
def test_what_is_not_known_says_why(trail: TrailAnswer, why: str) -> None:
    (found,) = explain([change("trust", ROLE)], trail)

    assert why in found.sentence


def test_a_kind_of_resource_without_known_calls_is_not_explained() -> None:
    (found,) = explain([change("group", TEAM)], TrailAnswer(AT))

    assert (calls_on(change("group", TEAM)), found.events) == ({}, ())


def test_cloudtrail_is_asked_by_each_name_of_a_resource_once() -> None:
    assert resource_names(change("attachment", ALICE, POLICY)) == ("alice", POLICY)
    assert resource_names(change("trust", ROLE)) == ("reader",)
