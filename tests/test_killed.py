"""Killed at any instant, a run is finished by a second one, or rolled back to the exact state before."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from support.examples import SOME_POLICY, applied, grant_in, plan_of, root_iam, sessions_in, state_of
from support.killed_process import apply_plan, kills, roll_back
from xacct_nb.aws.sessions import Sessions
from xacct_nb.aws.undo import to_undo
from xacct_nb.aws.writer import apply, rollback
from xacct_nb.changes.journal import Journal
from xacct_nb.records.model import Record, fields_from_events
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import misbehaving
from xacct_nb.sandbox.server.state import Sandbox

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
POWER_USER = "arn:aws:iam::aws:policy/PowerUserAccess"


@dataclass(frozen=True)
class Scene:
    """A grant to apply, and the state to compare before and after."""

    sandbox: Sandbox
    world: World
    sessions: Sessions
    folder: Path
    throttled: float

    def busy(self, seed: int) -> AbstractContextManager[None]:
        """Throttle a share of all calls within the block; the same seed throttles the same calls."""
        return misbehaving(self.sandbox, Fault("throttling", share=self.throttled), seed=seed)

    def state(self) -> tuple[list[dict[str, Any]], list[tuple[str, bool]]]:
        """Return the exact state, and the versions of the caller policy: their ids and the default one."""
        state = state_of(self.sessions.grant, self.sessions)
        theirs = [{"kind": f"{key.kind} of others", "value": value} for key, value in state.of_others.items()]
        return [*state.to_json(), *theirs], self._versions()

    def apply(self) -> Journal:
        plan = plan_of(self.sessions.grant, self.sessions)
        return apply(plan, self.sessions, approved=plan.digest, patience=10)

    def take_back(self, done: Journal | Record) -> None:
        journal = done if isinstance(done, Journal) else to_undo(done, self.sessions, set())[0]
        rollback(journal, self.sessions, patience=10)

    def _versions(self) -> list[tuple[str, bool]]:
        iam = root_iam(self.world, self.world.source)
        policy = f"arn:aws:iam::{self.world.source}:policy/xacct-reports"
        try:
            versions = iam.list_policy_versions(PolicyArn=policy)["Versions"]
        except iam.exceptions.NoSuchEntityException:
            return []
        return sorted((each["VersionId"], each["IsDefaultVersion"]) for each in versions)


def unnumbered(state: tuple[list[dict[str, Any]], list[tuple[str, bool]]]) -> Any:
    """A state without the numbers of versions, which AWS gives only once."""
    things, versions = state
    bare = [
        {**thing, "value": {**thing["value"], "version": ""}} if thing["kind"] == "managed-policy" else thing
        for thing in things
    ]
    return bare, sorted(is_default for _, is_default in versions)


def a_new_grant(world: World) -> dict[str, Any]:
    return {}


def a_change(world: World) -> dict[str, Any]:
    """Of the trust, of the caller policy's text and of who has it."""
    first = grant_in(world)
    applied(first, sessions_in(world, first))
    second = f"arn:aws:iam::{world.destination}:role/writer"
    mallory = f"arn:aws:iam::{world.source}:user/mallory"
    return {"destinations": [*first.destinations, second], "sources": [mallory]}


def an_adopted_role(world: World) -> dict[str, Any]:
    """With settings, tags of another grant, a boundary, policies and a trust of its own."""
    iam = root_iam(world, world.destination)
    own = {"Effect": "Allow", "Principal": {"AWS": world.destination}, "Action": "sts:AssumeRole"}
    iam.create_role(
        RoleName="reports-reader",
        Description="Made by hand",
        MaxSessionDuration=7200,
        PermissionsBoundary=READ_ONLY,
        Tags=[{"Key": "team", "Value": "data"}, {"Key": "xacct-nb:grant", "Value": "payroll"}],
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": own}),
    )
    iam.put_role_policy(RoleName="reports-reader", PolicyName="own", PolicyDocument=json.dumps(SOME_POLICY))
    return {"adopt": True, "session_minutes": 240, "permissions_boundary": POWER_USER}


def a_role_that_trusts_itself(world: World) -> dict[str, Any]:
    return {"self_assume": True}


def a_statement_of_a_role_of_others(world: World) -> dict[str, Any]:
    """One of two roles has a statement of the grant already, which is changed."""
    own = {"Effect": "Allow", "Principal": {"AWS": world.destination}, "Action": "sts:AssumeRole"}
    theirs = json.dumps({"Version": "2012-10-17", "Statement": [own]})
    for name in ("reports-reader", "writer"):
        root_iam(world, world.destination).create_role(RoleName=name, AssumeRolePolicyDocument=theirs)
    first = grant_in(world, manage="trust")
    applied(first, sessions_in(world, first))
    mallory = f"arn:aws:iam::{world.source}:user/mallory"
    roles = [*first.destinations, f"arn:aws:iam::{world.destination}:role/writer"]
    return {"manage": "trust", "sources": [*first.sources, mallory], "destinations": roles}


SCENES: dict[str, Callable[[World], dict[str, Any]]] = {
    "a new grant": a_new_grant,
    "a change of a grant": a_change,
    "an adopted role": an_adopted_role,
    "a role that trusts itself": a_role_that_trusts_itself,
    "a statement of a role of others": a_statement_of_a_role_of_others,
}


USUAL, ALL = ["a change of a grant", "a statement of a role of others"], pytest.mark.exhaustive


@pytest.fixture(
    params=[pytest.param(each, id=name, marks=() if name in USUAL else ALL) for name, each in SCENES.items()]
)
def scene(
    request: pytest.FixtureRequest, sandbox: Sandbox, world: World, tmp_path: Path, throttled: float
) -> Scene:
    grant = grant_in(world, **request.param(world))
    return Scene(sandbox, world, sessions_in(world, grant), tmp_path, throttled)


USUAL_OR_ALL = pytest.mark.parametrize(
    ("everywhere", "throttled"),
    [
        pytest.param(False, 0.0, id="every write"),
        pytest.param(True, 0.0, id="every call and line", marks=ALL),
        pytest.param(True, 0.3, id="every call and line, 30 % throttled", marks=ALL),
    ],
)


@USUAL_OR_ALL
def test_killed_while_it_applies_a_second_run_finishes_and_all_can_be_rolled_back(
    scene: Scene, everywhere: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    before, first = scene.state(), scene.apply()
    wanted, known = unnumbered(scene.state()), set[str]()
    scene.take_back(first)
    assert scene.state() == before
    plan = plan_of(scene.sessions.grant, scene.sessions)
    for point, killing in kills(scene.folder, everywhere):
        with scene.busy(seed=7):
            if not killing(scene.sessions, partial(apply_plan, plan)):
                break
        left, record = scene.state(), killing.record()
        if is_new(known, left, record):
            with scene.busy(seed=point):
                second = scene.apply()
            assert unnumbered(scene.state()) == wanted, f"finished after a kill at point {point}"
            scene.take_back(second)
            assert scene.state() == left, f"the second run taken back after a kill at point {point}"
        with scene.busy(seed=point):
            scene.take_back(record)
        assert scene.state() == before, f"taken back after a kill at point {point}"
    busy = f", {scene.throttled:.0%} throttled" if scene.throttled else ""
    print_line(capsys, f"finished and taken back after a kill{busy}: {point - 1} of {point - 1}")

    assert point > 8


@USUAL_OR_ALL
def test_killed_while_it_rolls_back_a_second_rollback_finishes(
    scene: Scene, everywhere: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    before, journal = scene.state(), scene.apply()
    there = scene.state()
    for point, killing in kills(scene.folder, everywhere):
        if scene.state() != there:
            journal = scene.apply()
            there = scene.state()
        with scene.busy(seed=7):
            if not killing(scene.sessions, partial(roll_back, journal)):
                break
        if scene.state() != there:
            with scene.busy(seed=point):
                scene.take_back(whole(journal))
            assert scene.state() == before, f"taken back after a kill at point {point}"
    busy = f", {scene.throttled:.0%} throttled" if scene.throttled else ""
    print_line(capsys, f"taken back after a kill while taking back{busy}: {point - 1} of {point - 1}")

    assert scene.state() == before
    assert point > 8


def is_new(known: set[str], left: Any, record: Record) -> bool:
    """Return whether this kill left another state in AWS or in the evidence than earlier ones."""
    entries = record.journal.entries if record.journal else ()
    noted = [(each.operation, each.target, each.answer) for each in entries]
    this = json.dumps([unnumbered(left), noted])
    return this not in known and not known.add(this)  # type: ignore[func-returns-value]


def whole(journal: Journal) -> Record:
    """Return the record of a run that was not killed."""
    events = [{"kind": "journal", "value": json.loads(json.dumps(journal.to_json()))}]
    return Record("forth", "plan_and_apply", "succeeded", "", "", 0.0, **fields_from_events(events))


def print_line(capsys: pytest.CaptureFixture[str], line: str) -> None:
    with capsys.disabled():
        print(f"\n{line}", end=" ")
