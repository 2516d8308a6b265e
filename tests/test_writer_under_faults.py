"""Under faults an apply succeeds, or leaves everything as it was and says so."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from support import in_process_sandbox
from support.adopted_role import by_hand, deny_attaching, policy_of, taken_over
from support.examples import applied, calls, grant_in, plan_of, root_iam, sessions_in, state_of
from support.second_writer import SecondWriter
from xacct_nb.aws.probes import prove
from xacct_nb.aws.sessions import Sessions
from xacct_nb.aws.writer import apply, rollback
from xacct_nb.errors import RolledBack, StalePlan
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.sandbox.faults.faults import KINDS, Fault
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import behave, misbehave, misbehaviour
from xacct_nb.sandbox.server.state import Sandbox

SCENES: dict[str, tuple[Callable[[World], Grant], list[str]]] = {
    "made": (grant_in, ["v1"]),
    "taken over": (taken_over, ["v1", "v2"]),
}
WRITES = ("CreateRole", "PutRolePolicy", "CreatePolicy", "AttachUserPolicy")


@pytest.fixture(autouse=True)
def well_behaved_after(sandbox: Sandbox) -> Iterator[None]:
    yield
    behave(sandbox)


@pytest.fixture
def grant(world: World) -> Grant:
    return grant_in(world)


@pytest.fixture
def sessions(world: World, grant: Grant) -> Sessions:
    return sessions_in(world, grant)


@pytest.mark.slow
def test_it_applies_and_proves_while_30_percent_of_all_calls_are_throttled(
    sandbox: Sandbox, grant: Grant, sessions: Sessions
) -> None:
    misbehave(sandbox, Fault("throttling", ("iam:*", "sts:*"), share=0.3), seed=7)
    journal = applied(grant, sessions)
    proof = prove(grant, sessions)

    assert calls(journal) == list(WRITES)
    assert proof.holds
    assert misbehaviour(sandbox).struck[0] >= 5


@pytest.mark.parametrize("kind", ["error-500", "error-503", "cut-before"])
def test_it_gets_through_when_every_write_fails_once_without_effect(
    sandbox: Sandbox, grant: Grant, sessions: Sessions, kind: str
) -> None:
    misbehave(sandbox, *(Fault(kind, (operation,), count=1) for operation in WRITES))
    journal = applied(grant, sessions)

    assert calls(journal) == list(WRITES)
    assert misbehaviour(sandbox).struck == (1, 1, 1, 1)
    assert prove(grant, sessions).holds


@pytest.mark.parametrize("operation", ["PutRolePolicy", "AttachUserPolicy"])
def test_a_write_that_may_be_repeated_survives_a_connection_closed_after_it_took_effect(
    sandbox: Sandbox, grant: Grant, sessions: Sessions, operation: str
) -> None:
    misbehave(sandbox, Fault("cut-after", (operation,), count=1))
    journal = applied(grant, sessions)

    assert calls(journal) == list(WRITES)
    assert prove(grant, sessions).holds


@pytest.mark.parametrize("operation", ["CreateRole", "CreatePolicy"])
def test_a_creation_whose_connection_is_closed_after_it_took_effect_is_recognized(
    sandbox: Sandbox, grant: Grant, sessions: Sessions, operation: str
) -> None:
    before = state_of(grant, sessions)
    misbehave(sandbox, Fault("cut-after", (operation,), count=1))
    journal = applied(grant, sessions)

    assert calls(journal) == list(WRITES)
    assert [each.answer for each in journal.entries if each.operation == operation] == ["EntityAlreadyExists"]
    assert prove(grant, sessions).holds
    rollback(journal, sessions)
    assert state_of(grant, sessions) == before


def test_a_resource_that_another_actor_created_first_is_not_taken_over(
    world: World, grant: Grant, sessions: Sessions
) -> None:
    plan = plan_of(grant, sessions)
    iam = root_iam(world, world.destination)
    trust = json.dumps(plan.changes[0].after["trust"])
    create = partial(iam.create_role, RoleName="reports-reader", AssumeRolePolicyDocument=trust)

    with pytest.raises(StalePlan, match="role role/reports-reader exists"):
        apply(plan, sessions, approved=plan.digest, journal=SecondWriter(create, "CreateRole"), patience=1)
    assert iam.get_role(RoleName="reports-reader")["Role"].get("Tags", []) == []


@pytest.mark.slow
def test_an_unavailable_service_leaves_everything_as_it_was(
    sandbox: Sandbox, world: World, grant: Grant, sessions: Sessions
) -> None:
    plan = plan_of(grant, sessions)
    misbehave(sandbox, Fault("throttling", ("PutRolePolicy",)))

    with pytest.raises(RolledBack, match="Rate exceeded"):
        apply(plan, sessions, approved=plan.digest, patience=1)
    assert plan_of(grant, sessions).digest == plan.digest


def test_a_concurrent_modification_is_retried(sandbox: Sandbox, grant: Grant, sessions: Sessions) -> None:
    misbehave(sandbox, Fault("concurrent-modification", ("CreateRole",), count=2))
    journal = applied(grant, sessions)

    assert journal.entries[0].tries == 3
    assert prove(grant, sessions).holds


def test_it_waits_until_the_change_has_arrived(sandbox: Sandbox, grant: Grant, sessions: Sessions) -> None:
    plan = plan_of(grant, sessions)
    misbehave(sandbox, Fault("propagation", seconds=600))
    arrive_at_an_error(sandbox, sessions.client("alice", "sts"), "AssumeRole")
    journal = apply(plan, sessions, approved=plan.digest, patience=60)
    last = journal.entries[-1]

    assert (last.operation, last.answer, last.tries) == ("AssumeRole", "waited", 2)
    assert prove(grant, sessions).holds


@pytest.mark.parametrize(
    ("adopt", "operation"), [(False, "CreateRole"), (True, "UpdateAssumeRolePolicy")], ids=SCENES
)
def test_it_waits_for_a_principal_that_is_not_known_everywhere_yet(
    sandbox: Sandbox, world: World, adopt: bool, operation: str
) -> None:
    if adopt:
        by_hand(world)
    misbehave(sandbox, Fault("propagation", ("CreateUser",), seconds=600))
    root_iam(world, world.source).create_user(UserName="bob")
    grant = grant_in(world, sources=[f"arn:aws:iam::{world.source}:user/bob"], adopt=adopt)
    sessions = sessions_in(world, grant)
    plan = plan_of(grant, sessions)
    arrive_at_an_error(sandbox, sessions.admin(world.destination, "iam"), operation)
    journal = apply(plan, sessions, approved=plan.digest, patience=60)
    (entry,) = [each for each in journal.entries if each.operation == operation]

    assert (entry.answer, entry.tries) == ("made", 2)


def arrive_at_an_error(sandbox: Sandbox, client: Any, operation: str) -> None:
    """Let every change of IAM arrive when this client's call of the operation fails."""

    def arrive(parsed: dict[str, Any], **about: Any) -> None:
        if "Error" in parsed:
            behave(sandbox)

    client.meta.events.register(f"after-call.{client.meta.service_model.service_name}.{operation}", arrive)


# --- what must not be done twice, and what is deleted already


def versions(world: World) -> list[str]:
    found = root_iam(world, world.source).list_policy_versions(PolicyArn=policy_of(world))["Versions"]
    return sorted(each["VersionId"] for each in found)


@pytest.fixture
def wider(world: World, grant: Grant, sessions: Sessions) -> Sessions:
    """Return sessions of the grant with a second role, where the first one exists already."""
    applied(grant, sessions)
    roles = [*grant.destinations, f"arn:aws:iam::{world.destination}:role/writer"]
    return sessions_in(world, grant_in(world, destinations=roles))


@pytest.mark.parametrize(
    ("kind", "answer"),
    [("cut-after", "made, its answer was lost"), ("cut-before", "made"), ("error-500", "made")],
)
def test_a_policy_version_is_made_once_whatever_happens_to_the_response(
    sandbox: Sandbox, world: World, wider: Sessions, kind: str, answer: str
) -> None:
    before = state_of(wider.grant, wider)
    misbehave(sandbox, Fault(kind, ("CreatePolicyVersion",), count=1))
    journal = applied(wider.grant, wider)
    between = versions(world)
    (entry,) = [each for each in journal.entries if each.operation == "CreatePolicyVersion"]
    rollback(journal, wider)

    assert (entry.answer, entry.tries) == (answer, 2)
    assert between == ["v1", "v2"]
    assert versions(world) == ["v1"]
    assert state_of(wider.grant, wider) == before


@pytest.mark.parametrize("kind", ["cut-after", "throttling", "error-500"])
def test_a_rollback_gets_through_when_every_write_fails_once(
    sandbox: Sandbox, world: World, wider: Sessions, kind: str
) -> None:
    before = state_of(wider.grant, wider)
    journal = applied(wider.grant, wider)
    writes = ("SetDefaultPolicyVersion", "DeletePolicyVersion", "DeleteRolePolicy", "DeleteRole")
    misbehave(sandbox, *(Fault(kind, (operation,), count=1) for operation in writes))
    rollback(journal, wider, patience=1)

    assert misbehaviour(sandbox).struck == (1, 1, 1, 1)
    assert versions(world) == ["v1"]
    assert state_of(wider.grant, wider) == before


def test_what_was_removed_without_a_response_is_removed(
    sandbox: Sandbox, world: World, grant: Grant, sessions: Sessions
) -> None:
    applied(grant, sessions)
    other = grant_in(world, sources=[f"arn:aws:iam::{world.source}:user/mallory"])
    changed = sessions_in(world, other)
    misbehave(sandbox, Fault("cut-after", ("DetachUserPolicy",), count=1))
    journal = applied(other, changed)

    assert [each.answer for each in journal.entries if each.operation == "DetachUserPolicy"] == [
        "NoSuchEntity"
    ]
    assert plan_of(other, changed).changes == ()
    assert rollback(journal, changed, patience=1).changes != ()
    assert plan_of(grant, sessions).changes == ()


# --- every fault, in an apply and its rollback, for new and for adopted resources


THERE_AND_BACK = (
    "CreateRole PutRolePermissionsBoundary PutRolePolicy AttachRolePolicy UpdateRole TagRole"
    " UpdateAssumeRolePolicy CreatePolicy CreatePolicyVersion TagPolicy AttachUserPolicy"
    " DetachUserPolicy UntagPolicy SetDefaultPolicyVersion DeletePolicyVersion DeletePolicy UntagRole"
    " DeleteRolePolicy DetachRolePolicy DeleteRole"
)


def once_each(kind: str) -> tuple[Fault, ...]:
    """Let every writing operation meet this fault once, if it can."""
    only = KINDS[kind].only
    return tuple(
        Fault(kind, (name,), count=1) for name in THERE_AND_BACK.split() if not only or f"iam:{name}" in only
    )


BAD_DAYS = {
    "30 % throttled": (Fault("throttling", ("iam:*",), share=0.3),),
    "500": once_each("error-500"),
    "cut before": once_each("cut-before"),
    "cut after": once_each("cut-after"),
    "changed by two at once": once_each("concurrent-modification"),
    "1 s late": (Fault("propagation", seconds=1),),
}


def unnumbered(state: State) -> dict[ResourceKey, Any]:
    """Return the exact state without the numbers of versions, which AWS uses only once."""
    return {
        key: {**value, "version": ""} if key.kind == "managed-policy" else value
        for key, value in state.resources.items()
    }


class TestEveryFault:
    """Within this process, since these are most of the calls; the tests above cut real connections."""

    @pytest.fixture
    def sandbox(self) -> Sandbox:
        return in_process_sandbox.start()

    @pytest.mark.slow
    @pytest.mark.parametrize("faults", BAD_DAYS.values(), ids=BAD_DAYS)
    @pytest.mark.parametrize(("scene", "there"), SCENES.values(), ids=SCENES)
    def test_faults_change_nothing_of_what_an_apply_and_a_rollback_leave(
        self,
        sandbox: Sandbox,
        world: World,
        scene: Callable[[World], Grant],
        there: list[str],
        faults: tuple[Fault, ...],
    ) -> None:
        grant = scene(world)
        sessions = sessions_in(world, grant)
        before, plan = state_of(grant, sessions), plan_of(grant, sessions)
        misbehave(sandbox, *faults, seed=7)
        journal = apply(plan, sessions, approved=plan.digest, patience=10)
        struck_there = sum(misbehaviour(sandbox).struck)
        made, numbers = state_of(grant, sessions), versions(world)
        misbehave(sandbox, *faults, seed=11)
        rollback(journal, sessions, patience=10)
        struck_back = sum(misbehaviour(sandbox).struck)
        behave(sandbox)
        back = state_of(grant, sessions)
        calm = applied(grant, sessions)

        assert struck_there > 0
        assert struck_back > 0
        assert numbers == there
        assert back == before
        assert unnumbered(made) == unnumbered(state_of(grant, sessions))
        assert calls(calm) == calls(journal)

    @pytest.mark.slow
    @pytest.mark.parametrize("faults", BAD_DAYS.values(), ids=BAD_DAYS)
    def test_under_faults_too_a_failed_apply_rolls_back_its_changes(
        self, sandbox: Sandbox, world: World, faults: tuple[Fault, ...]
    ) -> None:
        grant = taken_over(world)
        sessions = sessions_in(world, grant)
        before, plan = state_of(grant, sessions), plan_of(grant, sessions)
        deny_attaching(world)
        misbehave(sandbox, *faults, seed=13)
        with pytest.raises(RolledBack, match=r"AttachUserPolicy.* AccessDenied"):
            apply(plan, sessions, approved=plan.digest, patience=10)
        behave(sandbox)

        assert versions(world) == ["v1"]
        assert state_of(grant, sessions) == before
