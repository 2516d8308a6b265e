"""Who changed a resource, as an account's CloudTrail tells its own administrator."""

import json
from typing import Any

import pytest

from support.examples import grant_in, plan_of, root_iam, sessions_in
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws import trail_reader
from xacct_nb.aws.clock import utc
from xacct_nb.aws.sessions import Sessions
from xacct_nb.aws.trail_reader import read_trail
from xacct_nb.aws.writer import apply
from xacct_nb.changes.drift import explain
from xacct_nb.changes.plan import Change
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import misbehaving
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox
EMPTY = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'


@pytest.fixture
def sessions(world: World) -> Sessions:
    return sessions_in(world, grant_in(world))


@pytest.fixture
def applied(sessions: Sessions) -> Sessions:
    plan = plan_of(sessions.grant, sessions)
    apply(plan, sessions, approved=plan.digest)
    return sessions


def role_of(sessions: Sessions) -> str:
    return sessions.grant.destinations[0].rpartition("/")[2]


def trust_of(sessions: Sessions) -> Change:
    return Change("trust", sessions.grant.destinations[0], "", {}, {"": ""})


def test_it_names_who_changed_the_resource_and_our_own_calls(applied: Sessions, world: World) -> None:
    iam = root_iam(world, world.destination)
    trust = iam.get_role(RoleName=role_of(applied))["Role"]["AssumeRolePolicyDocument"]
    made = iam.update_assume_role_policy(RoleName=role_of(applied), PolicyDocument=json.dumps(trust))
    (found,) = explain([trust_of(applied)], read_trail(applied, world.destination, [trust_of(applied)]))

    assert [each.call for each in found.events] == ["UpdateAssumeRolePolicy", "CreateRole"]
    assert [each.by_tool for each in found.events] == [False, True]
    assert found.events[0].who == f"arn:aws:iam::{world.destination}:root"
    assert found.events[0].request_id == made["ResponseMetadata"]["RequestId"]


def test_a_refused_call_and_one_before_the_moment_change_nothing(applied: Sessions, world: World) -> None:
    iam = root_iam(world, world.destination)
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException):
        iam.update_assume_role_policy(RoleName=role_of(applied), PolicyDocument="{}")
    later = read_trail(applied, world.destination, [trust_of(applied)], "2099-01-01T00:00:00Z")
    now = read_trail(applied, world.destination, [trust_of(applied)], utc())

    assert later.events == ()
    assert "UpdateAssumeRolePolicy" not in [each.call for each in now.events]


def test_without_the_right_the_answer_names_it(applied: Sessions, world: World) -> None:
    deny = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"cloudtrail:*","Resource":"*"}]}'
    root_iam(world, world.destination).put_user_policy(
        UserName="admin", PolicyName="no-trail", PolicyDocument=deny
    )
    found = read_trail(applied, world.destination, [trust_of(applied)])

    assert found.events == ()
    assert found.problem == (
        "The session may not read CloudTrail: it lacks cloudtrail:LookupEvents in us-east-1."
    )


def test_an_account_without_a_session_is_not_read(applied: Sessions) -> None:
    found = read_trail(applied, "999999999999", [trust_of(applied)])

    assert found.problem == "CloudTrail was not read: No session is in account 999999999999."


def test_an_event_that_does_not_name_its_resource_is_found_by_its_call(
    applied: Sessions, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail_reader, "resource_names", lambda change: ("another name",))
    by_name = read_trail(applied, world.destination, [trust_of(applied)])
    by_call = read_trail(applied, world.destination, [trust_of(applied)], "2020-01-01T00:00:00Z")

    assert by_name.events == ()
    assert "CreateRole" in [each.call for each in by_call.events]


def test_more_events_than_are_read_are_said(
    applied: Sessions, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    iam = root_iam(world, world.destination)
    for _ in range(51):
        iam.update_role(RoleName=role_of(applied), Description="again")
    whole = read_trail(applied, world.destination, [trust_of(applied)])
    monkeypatch.setattr(trail_reader, "MOST_PAGES", 1)
    cut = read_trail(applied, world.destination, [trust_of(applied)])

    assert (len(whole.events) > 51, whole.cut) == (True, False)
    assert (len(cut.events), cut.cut) == (50, True)


def test_a_throttled_lookup_is_asked_again(sandbox: Sandbox, applied: Sessions, world: World) -> None:
    with misbehaving(sandbox, Fault("throttling", ("LookupEvents",), count=2)):
        found = read_trail(applied, world.destination, [trust_of(applied)])

    assert [each.call for each in found.events][-1:] == ["CreateRole"]


def test_two_calls_a_second_pass_for_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    waited = list[float]()
    monkeypatch.setattr(trail_reader.time, "monotonic", lambda: 100.0)
    monkeypatch.setattr(trail_reader.time, "sleep", waited.append)
    pace = trail_reader._Pace()
    for account in ("111111111111", "111111111111", "222222222222", "111111111111"):
        pace.wait(account)

    assert waited == [0.0, 0.5, 0.0, 1.0]


@pytest.mark.parametrize(
    ("identity", "who"),
    [
        ({"arn": "arn:aws:iam::111111111111:user/ann"}, "arn:aws:iam::111111111111:user/ann"),
        ({"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"}, "cloudformation.amazonaws.com"),
        (
            {"arn": "arn:aws:sts::1:assumed-role/a/b", "sessionContext": {"sourceIdentity": "ann"}},
            "arn:aws:sts::1:assumed-role/a/b (source identity ann)",
        ),
        ({}, "someone whom the event does not name"),
    ],
)
def test_who_it_was_is_told_as_well_as_the_event_tells_it(identity: dict[str, Any], who: str) -> None:
    assert trail_reader._who(identity) == who


def test_a_call_of_the_same_name_of_another_service_is_none_on_a_resource_of_iam() -> None:
    events = [
        {
            "EventId": source,
            "CloudTrailEvent": json.dumps(
                {
                    "eventSource": source,
                    "eventTime": "2026-11-29T12:00:00Z",
                    "eventName": "CreatePolicy",
                    "requestParameters": {"policyName": "xacct-reports"},
                }
            ),
        }
        for source in ("iot.amazonaws.com", "iam.amazonaws.com")
    ]

    assert [name for name, _ in trail_reader._events(events)] == ["iam.amazonaws.com"]


_TAGGED = {"eventSource": "iam.amazonaws.com", "eventTime": "2026-11-29T12:00:00Z", "eventName": "TagRole"}


@pytest.mark.parametrize(
    "content",
    [
        "[",
        "[]",
        '{"eventSource": "iam.amazonaws.com"}',
        json.dumps(_TAGGED | {"requestParameters": "HIDDEN"}),
        json.dumps(_TAGGED | {"userIdentity": "nobody"}),
    ],
)
def test_an_event_that_cannot_be_read_is_said_and_stops_nothing(
    content: str, applied: Sessions, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = trail_reader._events
    odd = {"EventId": "odd", "CloudTrailEvent": content}
    monkeypatch.setattr(
        trail_reader,
        "_events",
        lambda page: read([odd if each["EventName"] == "CreateRole" else each for each in page]),
    )
    answer = read_trail(applied, world.destination, [trust_of(applied)])

    assert answer.cut
    assert "CreateRole" not in [each.call for each in answer.events]
