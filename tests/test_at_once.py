"""Two processes apply the same plan at the same moment: one succeeds, and nothing is lost or made twice."""

import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.examples import applied, grant_in, plan_of, root_iam, sessions_in, state_of
from xacct_nb.aws.sessions import Sessions
from xacct_nb.aws.writer import apply, rollback
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.plan import Plan
from xacct_nb.errors import StalePlan
from xacct_nb.runs.run_context import grant_lock
from xacct_nb.sandbox.server.accounts import World

Lock = Callable[[Any], AbstractContextManager[None]]


@pytest.fixture(autouse=True)
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def both(plan: Plan, sessions: Sessions, lock: Lock) -> list[str]:
    """Return how two processes end that apply the same plan and begin together."""
    return together([(plan, sessions), (plan, sessions)], lock)


def together(plans: list[tuple[Plan, Sessions]], lock: Lock) -> list[str]:
    """Return how two processes end that begin together."""
    wait, go = os.pipe()
    ends = [_begun(plan, sessions, lock, wait) for plan, sessions in plans]
    os.write(go, b"!!")
    told = []
    for child, end in ends:
        with os.fdopen(end) as words:
            told.append(words.read())
        os.waitpid(child, 0)
    os.close(wait)
    os.close(go)
    return sorted(told)


def _begun(plan: Plan, sessions: Sessions, lock: Lock, wait: int) -> tuple[int, int]:
    end, say = os.pipe()
    child = os.fork()
    if child:
        os.close(say)
        return child, end
    os.write(say, _applied(plan, replace(sessions, _clients={}), lock, wait).encode())
    os._exit(0)


def _applied(plan: Plan, sessions: Sessions, lock: Lock, wait: int) -> str:
    try:
        for identity in sessions.identities:
            sessions.client(identity.profile, "iam")
        os.read(wait, 1)
        with lock(sessions):
            apply(plan, sessions, approved=plan.digest, patience=5)
        return "succeeded"
    except StalePlan as problem:
        return problem.status
    except BaseException as problem:
        return repr(problem)


@pytest.mark.parametrize(
    "lock", [grant_lock, lambda sessions: nullcontext()], ids=["here", "on two machines"]
)
def test_of_two_that_apply_a_new_grant_one_succeeds_and_the_other_is_stale(world: World, lock: Lock) -> None:
    for number in range(3):
        role = f"arn:aws:iam::{world.destination}:role/reader-{number}"
        grant = grant_in(world, name=f"round-{number}", destinations=[role])
        sessions = sessions_in(world, grant)

        assert both(plan_of(grant, sessions), sessions, lock) == ["stale-plan", "succeeded"]
        assert plan_of(grant, sessions).changes == ()


def test_of_two_that_change_a_grant_one_succeeds_and_no_version_is_made_twice(world: World) -> None:
    policy = f"arn:aws:iam::{world.source}:policy/xacct-reports"
    applied(grant_in(world), sessions_in(world, grant_in(world)))
    roles = [*grant_in(world).destinations, f"arn:aws:iam::{world.destination}:role/writer"]
    grant = grant_in(world, destinations=roles)
    sessions = sessions_in(world, grant)
    before = state_of(grant, sessions)
    for _ in range(3):
        plan = plan_of(grant, sessions)
        ended = both(plan, sessions, grant_lock)
        found = root_iam(world, world.source).list_policy_versions(PolicyArn=policy)["Versions"]
        new = next(each["VersionId"] for each in found if each["IsDefaultVersion"])
        changes = tuple(
            replace(each, after={**each.after, "version": new}) if each.kind == "managed-policy" else each
            for each in plan.changes
        )
        rollback(Journal(plan.grant, changes), sessions, patience=1)

        assert ended == ["stale-plan", "succeeded"]
        assert len(found) == 2
        assert state_of(grant, sessions) == before


def test_two_grants_that_own_a_statement_of_one_role_wait_for_each_other(world: World) -> None:
    iam, role = root_iam(world, world.destination), "arn:aws:iam::{}:role/theirs"
    owner = {"Effect": "Allow", "Principal": {"AWS": world.destination}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [{"Sid": "Owner", **owner}]}
    iam.create_role(RoleName="theirs", AssumeRolePolicyDocument=json.dumps(document))
    made = {"destinations": [role.format(world.destination)], "manage": "trust", "permissions": []}
    for number in range(3):
        grants = [grant_in(world, name=f"g{number}-{each}", **made) for each in "ab"]
        plans = [
            (plan_of(grant, sessions), sessions)
            for grant in grants
            for sessions in [sessions_in(world, grant)]
        ]

        assert together(plans, grant_lock) == ["stale-plan", "succeeded"]
    trust = iam.get_role(RoleName="theirs")["Role"]["AssumeRolePolicyDocument"]
    assert [each["Sid"][:-1] for each in trust["Statement"]] == [
        "Owne",
        "xacctXg0X",
        "xacctXg1X",
        "xacctXg2X",
    ]
