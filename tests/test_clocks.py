"""Where this machine's clock is off, AWS's own clock decides what AWS compares, and that is said."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jsonschema import validate

from support.desk import Desk
from support.examples import applied, endpoint_of, grant_in, root_iam, sessions_in, state_of
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws import clock
from xacct_nb.aws.attempts import try_once
from xacct_nb.aws.clock import AwsClock, local_time
from xacct_nb.aws.diagnosis_sessions import open_for_diagnosis
from xacct_nb.aws.probes import prove
from xacct_nb.aws.revocation import revoke
from xacct_nb.aws.sessions import Sessions
from xacct_nb.aws.snapshot_reader import take_snapshot
from xacct_nb.changes.clock_offset import clock_note, describe_offset
from xacct_nb.changes.revocation import plan_revocation
from xacct_nb.diagnosis.attempt import attempt_from_grant
from xacct_nb.errors import AwsRefused, ClockOff, RollbackFailed
from xacct_nb.runs.denial.inquiry import diagnose
from xacct_nb.runs.loading import record_schema
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import misbehaving, set_clock
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox

FOUR_MINUTES, TWENTY_MINUTES = 240.0, 1200.0
# How far AWS's clock is ahead of this machine's: what signatures allow, both ways.
ALLOWED = (-FOUR_MINUTES, -61.0, 0.0, 2.5, 61.0, FOUR_MINUTES)
SetAhead = Callable[[float], object]


@pytest.fixture
def ahead(sandbox: Sandbox) -> Iterator[SetAhead]:
    """Let AWS's clock be ahead of this machine's until the test ends."""
    yield lambda seconds: set_clock(sandbox, seconds)
    set_clock(sandbox, 0)


def reads(sessions: Sessions) -> Callable[[], bool]:
    """A session of the role, which says whether it may read."""
    role = sessions.grant.destinations[0]
    answer = sessions.client("alice", "sts").assume_role(RoleArn=role, RoleSessionName="desk")
    s3 = sessions.role_client(answer["Credentials"], "s3", "alice")
    bucket = sessions.grant.permissions[0].resources[0].partition(":::")[2].partition("/")[0]

    def may_read() -> bool:
        try:
            s3.get_object(Bucket=bucket, Key="2026/summary.csv")
        except s3.exceptions.ClientError as problem:
            return bool(problem.response["Error"]["Code"] != "AccessDenied")
        return True

    return may_read


def existing_role(world: World) -> Any:
    """A role that the destination has already, so that a rollback leaves it."""
    service = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam = root_iam(world, world.destination)
    trust = json.dumps({"Version": "2012-10-17", "Statement": service})
    iam.create_role(RoleName="reports-reader", AssumeRolePolicyDocument=trust)
    own = {"Effect": "Allow", "Action": "s3:Get*", "Resource": f"arn:aws:s3:::{world.bucket}/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": own})
    iam.put_role_policy(RoleName="reports-reader", PolicyName="own", PolicyDocument=document)


class TestTheClock:
    @pytest.mark.parametrize("seconds", ALLOWED)
    def test_awss_time_is_known_from_its_responses(
        self, world: World, ahead: SetAhead, seconds: float
    ) -> None:
        ahead(seconds)
        sessions = sessions_in(world, grant_in(world))

        assert sessions.endpoint.clock.is_known
        assert abs(sessions.endpoint.clock.offset() - seconds) < 1.5

    def test_before_any_response_it_is_this_machines(self) -> None:
        unknown = AwsClock()

        assert not unknown.is_known
        assert unknown.offset() == 0.0
        assert abs(unknown.now() - local_time()) < timedelta(seconds=20)

    @pytest.mark.parametrize("header", ["", "yesterday", "Sat, 99 Nov 2026 10:00:00 GMT", None])
    def test_a_response_without_a_valid_date_changes_nothing(self, header: str | None) -> None:
        unknown = AwsClock()
        unknown._note(response_dict={"headers": {"date": header}})

        assert not unknown.is_known

    @pytest.mark.parametrize("kind", ["throttling", "error-500"])
    def test_a_failure_has_a_date_too(
        self, sandbox: Sandbox, world: World, ahead: SetAhead, kind: str
    ) -> None:
        ahead(FOUR_MINUTES)
        sessions = sessions_in(world, grant_in(world))
        fresh = replace(
            sessions, endpoint=replace(endpoint_of(world), clock=AwsClock()), _clients={}, _opened={}
        )
        with (
            misbehaving(sandbox, Fault(kind, ("GetRole",))),
            fresh.endpoint.retries.within(0.2),
            pytest.raises(AwsRefused, match="GetRole"),
        ):
            state_of(fresh.grant, fresh)

        assert abs(fresh.endpoint.clock.offset() - FOUR_MINUTES) < 1.5


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0, ""),
        (4.9, ""),
        (-4.9, ""),
        (5.0, "This machine's clock is 5 s behind AWS's."),
        (243.0, "This machine's clock is 4 min 3 s behind AWS's."),
        (-1200.2, "This machine's clock is 20 min ahead of AWS's."),
        (90_061.0, "This machine's clock is 1 d 1 h 1 min 1 s behind AWS's."),
    ],
)
def test_the_difference_is_said_in_words(seconds: float, expected: str) -> None:
    assert describe_offset(seconds) == expected
    assert clock_note(seconds).startswith(expected)
    assert bool(clock_note(seconds)) == bool(expected)


class TestEndingSessions:
    @pytest.mark.parametrize("seconds", ALLOWED)
    def test_a_session_from_before_is_denied_whatever_this_machines_clock_shows(
        self, world: World, ahead: SetAhead, seconds: float
    ) -> None:
        existing_role(world)
        grant = grant_in(world, adopt=True)
        ahead(seconds)
        sessions = sessions_in(world, grant)
        applied(grant, sessions)
        older = reads(sessions)
        alive = older()
        planned = plan_revocation(grant.destinations[0], state_of(grant, sessions))
        journal = revoke([planned], sessions, patience=1)
        cutoff = cutoff_of(journal.changes[0])

        assert (alive, older()) == (True, False)
        assert abs((cutoff - local_time()).total_seconds() - seconds - 30) < 20

    @pytest.mark.parametrize("seconds", [-FOUR_MINUTES, FOUR_MINUTES])
    def test_a_rollback_ends_and_proves_it(self, desk: Desk, ahead: SetAhead, seconds: float) -> None:
        existing_role(desk.world)
        ahead(seconds)
        here = Desk(desk.world, desk.records, in_process=True)
        profiles = {"source_profiles": ["source-admin"], "destination_profiles": ["destination-admin"]}
        callers = {"caller_profiles": ["alice"]}
        digest = desk.plan(adopt=True).digest
        forth = here.run(approve=digest, adopt=True, **profiles, **callers)
        known = {"record": forth.record.id, "revoke_sessions": True, **profiles, **callers}
        plan = here.run("roll_back", **known).record.plan
        back = here.run("roll_back", approve=plan.digest, **known)  # type: ignore[union-attr]
        outcomes = back.record.proof.outcomes  # type: ignore[union-attr]

        assert (forth.record.status, back.record.status) == ("succeeded", "succeeded")
        assert [each.answer for each in outcomes] == ["Allowed", "Allowed", "Denied"]
        side = "behind" if seconds > 0 else "ahead of"
        for record in (forth.record, back.record):
            assert abs(record.clock_offset - seconds) < 1.5  # type: ignore[operator]
            assert str(record).count(f"{side} AWS's.") == 3  # the record, its plan, and its proof
        written = json.loads((desk.records / back.record.id / "record.json").read_text())
        validate(written, record_schema())
        assert plan.notes[-1].endswith("AWS decides by its own.")  # type: ignore[union-attr]

    def test_a_policy_that_is_made_after_its_cutoff_is_made_again_with_a_later_one(
        self, sandbox: Sandbox, world: World, ahead: SetAhead
    ) -> None:
        existing_role(world)
        grant = grant_in(world, adopt=True)
        sessions = sessions_in(world, grant)
        applied(grant, sessions)
        planned = plan_revocation(grant.destinations[0], state_of(grant, sessions))
        iam = sessions.admin(world.destination, "iam")
        first = iter([45.0])
        # The call arrives only when its cutoff is 15 seconds old.
        iam.meta.events.register("before-send.iam.PutRolePolicy", lambda **_: ahead(next(first, 45.0)))
        journal = revoke([planned], sessions, patience=1)
        older = reads(sessions)  # issued within the margin of the second call

        assert [each.operation for each in journal.entries] == ["PutRolePolicy"] * 2
        assert len(journal.changes) == 1
        assert journal.changes[0].before is None
        assert older() is False

    def test_without_awss_time_no_session_is_said_to_be_ended(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        existing_role(world)
        grant = grant_in(world, adopt=True)
        sessions = sessions_in(world, grant)
        applied(grant, sessions)
        planned = plan_revocation(grant.destinations[0], state_of(grant, sessions))
        monkeypatch.setattr(clock, "_parsed", lambda header: None)
        monkeypatch.setattr(sessions.endpoint.clock, "_began", None)

        with pytest.raises(RollbackFailed, match="open sessions continue") as raised:
            revoke([planned], sessions, patience=1)
        assert raised.value.why == "AWS's time is not known: its responses have no Date header."


class TestAMachineThatIsOff:
    @pytest.mark.parametrize("seconds", [-FOUR_MINUTES, FOUR_MINUTES])
    def test_it_works_within_what_signatures_allow(
        self, world: World, ahead: SetAhead, seconds: float
    ) -> None:
        ahead(seconds)
        grant = grant_in(world)
        sessions = sessions_in(world, grant)
        applied(grant, sessions)

        assert prove(grant, sessions).holds

    @pytest.mark.parametrize(
        ("seconds", "said"),
        [
            (TWENTY_MINUTES + 2, r"This machine's clock is 20 min \d s behind AWS's\."),
            (-TWENTY_MINUTES - 2, r"This machine's clock is 20 min \d s ahead of AWS's\."),
            (86_400.0 * 3 + 2, r"This machine's clock is 3 d \d s behind AWS's\."),
        ],
    )
    def test_one_that_is_off_by_more_is_told_so_when_it_signs_in(
        self, world: World, ahead: SetAhead, seconds: float, said: str
    ) -> None:
        ahead(seconds)
        with pytest.raises(ClockOff, match=said) as raised:
            sessions_in(world, grant_in(world))

        assert raised.value.code == "clock-off"
        assert "Signature " in raised.value.why
        assert raised.value.hint.startswith("Set the clock (timedatectl set-ntp true")

    def test_one_that_goes_wrong_later_is_told_so_too(self, world: World, ahead: SetAhead) -> None:
        grant = grant_in(world)
        sessions = sessions_in(world, grant)
        ahead(TWENTY_MINUTES)

        with pytest.raises(ClockOff, match="AWS refuses the signatures of this machine for their time"):
            state_of(grant, sessions)

    def test_a_diagnosis_names_the_clock_as_the_cause(self, world: World, ahead: SetAhead) -> None:
        grant = grant_in(world)
        sessions = sessions_in(world, grant)
        applied(grant, sessions)
        ahead(TWENTY_MINUTES)
        found = diagnose(grant, sessions)

        assert found.causes[0].code == "clock-skew"

    def test_a_diagnosis_compares_dates_with_awss_time(self, world: World, ahead: SetAhead) -> None:
        grant = grant_in(world)
        ahead(FOUR_MINUTES)
        attempt = attempt_from_grant(grant)
        sides = open_for_diagnosis(
            attempt,
            source_profiles=["source-admin"],
            destination_profiles=["destination-admin"],
            caller_profiles=["alice"],
            endpoint=endpoint_of(world),
        )
        taken = datetime.fromisoformat(take_snapshot(attempt, sides).taken)
        at = datetime.fromisoformat(try_once(attempt, sides.caller.client("sts")).at)  # type: ignore[union-attr]

        for moment in (taken, at):
            assert abs((moment - local_time()).total_seconds() - FOUR_MINUTES) < 20


def cutoff_of(change: Any) -> datetime:
    text = change.after["Statement"][0]["Condition"]["DateLessThan"]["aws:TokenIssueTime"]
    return datetime.fromisoformat(text).astimezone(UTC)
