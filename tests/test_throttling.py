"""Throttled calls are waited for on every way: to open, plan, apply, prove, diagnose, and roll back."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.retries.standard import RetryContext

from support.adopted_role import READ_ONLY, taken_over, trusting
from support.desk import Desk, options
from support.examples import endpoint_of, grant_in, plan_of, root_iam, state_of
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws import operations, retries
from xacct_nb.aws.clients import connect
from xacct_nb.aws.diagnosis_sessions import open_for_diagnosis
from xacct_nb.aws.irreversible import irreversible_changes
from xacct_nb.aws.probes import prove
from xacct_nb.aws.profile_clients import Endpoint
from xacct_nb.aws.sessions import Sessions, open_sessions
from xacct_nb.aws.snapshot_reader import take_snapshot
from xacct_nb.aws.undo import journal_of, to_undo
from xacct_nb.aws.writer import apply, rollback
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.proof import HOLDS, NOT_PROVEN
from xacct_nb.diagnosis.attempt import attempt_from_grant
from xacct_nb.errors import AwsBusy, AwsRefused, RollbackFailed, RolledBack, XacctError
from xacct_nb.grants.grant import Grant
from xacct_nb.records.model import Record, fields_from_events
from xacct_nb.runs.denial.inquiry import diagnose
from xacct_nb.runs.runner import run
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import behave, misbehave, misbehaviour
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox

SCENES: dict[str, Callable[[World], Grant]] = {"made": grant_in, "adopted": taken_over}
PROFILES = {
    "source_profiles": ["source-admin"],
    "destination_profiles": ["destination-admin"],
    "caller_profiles": ["alice"],
}


@pytest.fixture(autouse=True)
def well_behaved_after(sandbox: Sandbox) -> Iterator[None]:
    yield
    behave(sandbox)


@dataclass
class Way:
    """A grant on its whole way, phase by phase; `journal` is that of the last apply."""

    grant: Grant
    endpoint: Endpoint
    sessions: Sessions
    journal: Journal = field(default_factory=lambda: Journal(""))
    events: list[dict[str, Any]] = field(default_factory=list)

    def open(self) -> Sessions:
        return open_sessions(self.grant, **PROFILES, endpoint=self.endpoint)  # type: ignore[arg-type]

    def plan(self) -> Any:
        return plan_of(self.grant, self.sessions)

    def apply(self) -> Journal:
        plan = self.plan()
        self.events = [{"kind": "plan", "value": json.loads(json.dumps(plan.to_json()))}]
        self.journal = apply(plan, self.sessions, approved=plan.digest, patience=self.patience)
        return self.journal

    def prove(self) -> str:
        return prove(self.grant, self.sessions).verdict

    def diagnose(self) -> str:
        return diagnose(self.grant, self.sessions).headline

    def snapshot(self) -> dict[str, str]:
        attempt = attempt_from_grant(self.grant)
        sides = open_for_diagnosis(attempt, **PROFILES, endpoint=self.endpoint)  # type: ignore[arg-type]
        return sides.problems | take_snapshot(attempt, sides).unread

    def recover(self) -> tuple[str, ...]:
        """Find what a run without an end has changed, and what of it cannot be restored."""
        record = Record(
            "broken", "plan_and_apply", "interrupted", "", "", 0.0, **fields_from_events(self.events)
        )
        journal, _ = to_undo(record, self.sessions, set())
        return irreversible_changes(self.sessions, journal.undo_plan(), journal_of(record).entries)

    def roll_back(self) -> Journal:
        return rollback(self.journal, self.sessions, patience=self.patience)

    @property
    def patience(self) -> float:
        return self.endpoint.retries.patience


def way_in(world: World, scene: Callable[[World], Grant], patience: float) -> Way:
    grant, plain = scene(world), endpoint_of(world)
    files = (plain.config_file, plain.credentials_file, plain.endpoint_url)
    endpoint = Endpoint(*files, retries=retries.Retries(patience))
    return Way(grant, endpoint, open_sessions(grant, **PROFILES, endpoint=endpoint))  # type: ignore[arg-type]


@pytest.mark.parametrize("share", [0.3, pytest.param(0.6, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_each_phase_succeeds_while_a_share_of_all_calls_is_throttled(
    sandbox: Sandbox, world: World, scene: Callable[[World], Grant], share: float
) -> None:
    way = way_in(world, scene, patience=60)
    before = state_of(way.grant, way.sessions)
    misbehave(sandbox, Fault("throttling", share=share), seed=5)
    opened, planned, journal = way.open(), way.plan(), way.apply()
    struck_there = misbehaviour(sandbox).struck[0]
    proven, cause, unread = way.prove(), way.diagnose(), way.snapshot()
    lost, back = way.recover(), way.roll_back()
    struck = misbehaviour(sandbox).struck[0]
    behave(sandbox)

    assert len(opened.identities) == 3
    assert len(journal.changes) == len(planned.changes)
    # What a boundary may deny can be asked of nobody.
    assert (proven, unread) == (NOT_PROVEN if way.grant.permissions_boundary else HOLDS, {})
    assert len(back.changes) == len(journal.changes)
    assert state_of(way.grant, way.sessions) == before
    assert struck > struck_there > 5
    assert way.endpoint.retries.count == struck
    way.apply()
    assert (proven, cause, lost) == (way.prove(), way.diagnose(), way.recover())


def sent_by(way: Way) -> set[str]:
    """The operations of IAM and STS that all phases send, over all sessions."""
    sent = set[str]()
    for identity in way.sessions.identities:
        for service in ("iam", "sts"):
            events = way.sessions.client(identity.profile, service).meta.events
            events.register("before-send", lambda event_name, **_: sent.add(event_name.rpartition(".")[2]))
    for phase in (way.plan, way.apply, way.prove, way.diagnose, way.recover, way.roll_back):
        phase()
    return sent


def every_carrier(world: World) -> Iterator[Callable[[World], Grant]]:
    """Grants that use every operation: with each carrier of a caller policy, and with adopted roles."""
    iam = root_iam(world, world.source)
    iam.create_group(GroupName="readers")
    iam.add_user_to_group(GroupName="readers", UserName="alice")
    group = f"arn:aws:iam::{world.source}:group/readers"
    yield grant_in
    for fields in ({"attach_to": group}, {"caller_policy": "inline"}):
        yield partial(grant_in, **fields)
    yield partial(grant_in, attach_to=group, caller_policy="inline")
    trust = json.dumps(trusting(world.destination))
    root_iam(world, world.destination).create_role(RoleName="bare", AssumeRolePolicyDocument=trust)
    bare = f"arn:aws:iam::{world.destination}:role/bare"
    yield partial(grant_in, destinations=[bare], adopt=True, permissions_boundary=READ_ONLY)
    yield taken_over


@pytest.mark.slow
def test_each_operation_succeeds_when_its_first_calls_are_throttled(sandbox: Sandbox, world: World) -> None:
    throttled = set[str]()
    for scene in every_carrier(world):
        way = way_in(world, scene, patience=60)
        before, sent = state_of(way.grant, way.sessions), sorted(sent_by(way))
        misbehave(sandbox, *(Fault("throttling", (each,), count=2) for each in sent))
        again = sent_by(way)
        struck = misbehaviour(sandbox).struck
        behave(sandbox)
        throttled.update(sent)

        assert struck == (2,) * len(sent)
        assert sorted(again) == sent
        assert state_of(way.grant, way.sessions) == before
    assert tables_of_operations() - throttled == set()


def tables_of_operations() -> set[str]:
    """The operations in the tables of `operations`, for every kind of carrier."""
    found = {name for name, _ in operations._CALLS.values()} | {
        "create_policy", "create_policy_version", "delete_policy", "delete_policy_version",
        "set_default_policy_version", "tag_role", "untag_role", "tag_policy", "untag_policy",
    }  # fmt: skip
    iam = connect("iam", endpoint_url="http://127.0.0.1:1", access_key_id="1", secret_access_key="1")
    names = {name.format(kind=kind) for name in found for kind in ("role", "user", "group")}
    return {iam.meta.method_to_api_mapping[name] for name in names}


def print_nothing(done: int, of: int, title: str) -> None:
    """Take the progress of a run."""


def busy_phase(way: Way, phase: str) -> XacctError:
    with pytest.raises(XacctError) as raised:
        getattr(way, phase)()
    return raised.value


@pytest.mark.parametrize(
    "phase", ["open", "plan", "apply", "prove", "diagnose", "snapshot", "recover", "roll_back"]
)
def test_a_phase_that_is_always_throttled_ends_with_the_patience_and_changes_nothing(
    sandbox: Sandbox, world: World, phase: str
) -> None:
    way = way_in(world, grant_in, patience=0.3)
    if phase in ("prove", "recover", "roll_back"):
        way.apply()
    before = state_of(way.grant, way.sessions)
    misbehave(sandbox, Fault("throttling"))
    error = busy_phase(way, phase)
    behave(sandbox)

    assert (type(error), error.code) == (AwsBusy, "aws-busy")
    assert "for 0.3 s, in" in error.what
    assert error.what.endswith("Throttling: Rate exceeded")
    assert error.hint == "Run it again later, or give it more time: -p patience_seconds 600"
    assert state_of(way.grant, way.sessions) == before


def test_an_apply_that_is_throttled_in_the_middle_is_rolled_back(sandbox: Sandbox, world: World) -> None:
    way = way_in(world, grant_in, patience=0.3)
    before = state_of(way.grant, way.sessions)
    misbehave(sandbox, Fault("throttling", ("CreatePolicy",)))
    with pytest.raises(RolledBack, match="IAM throttled CreatePolicy for") as raised:
        way.apply()
    behave(sandbox)

    assert isinstance(raised.value.__cause__, AwsBusy)
    assert state_of(way.grant, way.sessions) == before


def test_an_apply_that_is_throttled_from_the_middle_on_names_what_is_left_and_can_be_finished(
    sandbox: Sandbox, world: World
) -> None:
    way = way_in(world, grant_in, patience=0.3)
    misbehave(sandbox, Fault("throttling", ("iam:*",), share=0))
    calls = [each for each in way.apply().entries if each.operation != "AssumeRole"]
    met = misbehaviour(sandbox).met[0]
    way.roll_back()
    misbehave(sandbox, Fault("throttling", ("iam:*",), after=met - 2))
    with pytest.raises(RollbackFailed) as raised:
        way.apply()
    behave(sandbox)
    left = way.plan()
    way.apply()

    assert "throttled" in raised.value.why
    assert 0 < len(left.changes) < len(calls)
    assert way.prove() == HOLDS


def test_a_wait_for_access_that_is_throttled_leaves_the_changes(sandbox: Sandbox, world: World) -> None:
    way = way_in(world, grant_in, patience=0.3)
    misbehave(sandbox, Fault("throttling", ("AssumeRole",)))
    journal = way.apply()
    behave(sandbox)

    assert journal.entries[-1].answer == "gave up waiting"
    assert way.plan().changes == ()


def test_a_journal_counts_the_retries_of_a_call(sandbox: Sandbox, world: World) -> None:
    way = way_in(world, grant_in, patience=60)
    misbehave(sandbox, Fault("throttling", ("CreateRole",), count=3))
    journal = way.apply()
    (entry,) = [each for each in journal.entries if each.operation == "CreateRole"]

    assert (entry.answer, entry.tries) == ("made", 4)
    assert way.endpoint.retries.to_json()["retries"] == 3


def test_the_retries_are_shown_with_the_time_that_is_left(
    sandbox: Sandbox, world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(retries, "_QUIET", 0.0)
    way = way_in(world, grant_in, patience=60)
    misbehave(sandbox, Fault("throttling", ("GetRole",), count=3))
    way.plan()
    shown = capsys.readouterr().err.splitlines()

    assert shown[0] == "IAM throttles GetRole: retry 1, 60 s left"
    assert shown[-1].startswith("IAM GetRole: AWS responds again after ")
    assert shown[-1].endswith(" 3 retries")


def test_a_profile_that_assumes_a_role_waits_for_its_sign_in(
    sandbox: Sandbox, world: World, tmp_path: Path
) -> None:
    way_in(world, grant_in, patience=60).apply()
    grant, plain = grant_in(world), endpoint_of(world)
    config = tmp_path / "config"
    where = f"region = us-east-1\nendpoint_url = {plain.endpoint_url}\n"
    role = f"role_arn = {grant.destinations[0]}\nsource_profile = alice\n{where}"
    config.write_text(Path(plain.config_file).read_text() + f"\n[profile chained]\n{role}")
    endpoint = Endpoint(str(config), plain.credentials_file, plain.endpoint_url, retries=retries.Retries(60))
    misbehave(sandbox, Fault("throttling", ("AssumeRole",), count=8))
    opened = open_sessions(
        grant,
        source_profiles=["source-admin"],
        destination_profiles=["destination-admin"],
        caller_profiles=["chained"],
        endpoint=endpoint,
    )

    assert ":assumed-role/reports-reader/" in opened.identities[-1].arn
    assert misbehaviour(sandbox).struck == (8,)


@pytest.mark.parametrize("kind", ["error-500", "error-503", "cut-before", "cut-after"])
def test_a_read_that_fails_again_and_again_is_retried_as_long(
    sandbox: Sandbox, world: World, kind: str
) -> None:
    way = way_in(world, grant_in, patience=60)
    misbehave(sandbox, Fault(kind, ("GetRole",), count=9))

    assert way.plan().changes != ()
    assert misbehaviour(sandbox).struck == (9,)


def test_a_read_that_always_fails_says_how_often_it_was_tried(sandbox: Sandbox, world: World) -> None:
    way = way_in(world, grant_in, patience=0.3)
    misbehave(sandbox, Fault("error-503", ("GetRole",)))
    with pytest.raises(AwsRefused, match="GetRole reports-reader: AWS returned ServiceUnavailable") as raised:
        way.plan()

    assert raised.value.why.startswith("It was tried ")


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "Throttling", retries.THROTTLED),
        (400, "ThrottlingException", retries.THROTTLED),
        (400, "RequestLimitExceeded", retries.THROTTLED),
        (400, "RequestThrottled", retries.THROTTLED),
        (429, "TooManyRequestsException", retries.THROTTLED),
        (429, "Whatever", retries.THROTTLED),
        (400, "TooManyRequests", retries.THROTTLED),
        (503, "SlowDown", retries.THROTTLED),
        (503, "ServiceUnavailable", retries.FAILED),
        (502, "BadGateway", retries.FAILED),
        (400, "RequestTimeout", retries.FAILED),
        (409, "LimitExceeded", ""),
        (403, "AccessDenied", ""),
        (200, None, ""),
    ],
)
def test_what_is_retried_is_decided_by_code_and_status(status: int, code: str | None, expected: str) -> None:
    parsed = {"Error": {"Code": code}} if code else {"Role": {}}
    response = AWSResponse("https://iam.amazonaws.com/", status, {}, None)

    assert retries._kind(RetryContext(1, None, parsed, response)) == expected


class TestARun:
    """A whole notebook, its kernel and its record: the server is needed."""

    @pytest.fixture
    def sandbox(self, served_sandbox: Sandbox) -> Sandbox:
        return served_sandbox

    def test_its_record_counts_the_retries(self, sandbox: Sandbox, desk: Desk) -> None:
        misbehave(sandbox, Fault("throttling", share=0.2), seed=3)
        done = desk.applied(patience_seconds=60)
        back = desk.rolled_back(patience_seconds=60)
        behave(sandbox)

        assert (done.record.status, back.record.status) == ("succeeded", "succeeded")
        assert done.record.retries.retries > 5  # type: ignore[union-attr]
        assert "calls were made again, after" in str(done.record)
        assert desk.state() == []

    def test_shows_what_it_waits_for_on_standard_error(
        self, sandbox: Sandbox, desk: Desk, capfd: pytest.CaptureFixture[str]
    ) -> None:
        misbehave(sandbox, Fault("throttling", ("GetRole",), count=200))
        known = desk.parameters(patience_seconds=60)
        ended = run("plan_and_apply", options=options(known), records=str(desk.records), report=print_nothing)
        shown = capfd.readouterr().err.splitlines()

        assert ended.record.status == "planned"
        assert any(re.fullmatch(r"IAM throttles GetRole: retry \d+, \d+ s left", line) for line in shown)

    def test_ends_with_an_error_of_its_own_where_it_is_always_throttled(
        self, sandbox: Sandbox, desk: Desk
    ) -> None:
        misbehave(sandbox, Fault("throttling", ("iam:*",)))
        ended = desk.run(patience_seconds=1)
        behave(sandbox)

        assert (ended.record.status, ended.record.error.code) == ("failed", "aws-busy")  # type: ignore[union-attr]
        assert ended.record.retries.retries > 0  # type: ignore[union-attr]
        assert desk.state() == []
