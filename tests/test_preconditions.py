"""Another actor changes a resource between two calls of a run: the run stops, and leaves that change."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from support.adopted_role import POWER_USER, deny_attaching, policy_of, taken_over, trusting
from support.examples import SOME_POLICY, applied, grant_in, plan_of, root_iam, sessions_in, state_of
from support.in_process_sandbox import in_process_sandbox
from support.second_writer import SecondWriter
from xacct_nb.aws.reader import read_value
from xacct_nb.aws.sessions import Sessions
from xacct_nb.aws.writer import apply, rollback
from xacct_nb.changes.plan import Change
from xacct_nb.errors import RollbackFailed, RolledBack, StalePlan
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import behave, misbehave
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox

READER = "role/reports-reader"
SOME = json.dumps(SOME_POLICY)


def two_new_roles(world: World) -> Grant:
    role = f"arn:aws:iam::{world.destination}:role"
    return grant_in(world, destinations=[f"{role}/a-first", f"{role}/reports-reader"])


def one_source_less(world: World) -> Grant:
    """A grant that makes a role and takes the policy from mallory."""
    users = [f"arn:aws:iam::{world.source}:user/{name}" for name in ("alice", "mallory")]
    first = grant_in(world, sources=users)
    applied(first, sessions_in(world, first))
    return grant_in(world, destinations=two_new_roles(world).destinations)


def by_root(side: str, operation: str, **parameters: Any) -> Callable[[World], Any]:
    """Return one call of another actor; `None` among the parameters means the caller policy's ARN."""

    def call(world: World) -> Any:
        named = {name: policy_of(world) if value is None else value for name, value in parameters.items()}
        return getattr(root_iam(world, getattr(world, side)), operation)(**named)

    return call


def on_role(operation: str, **parameters: Any) -> Callable[[World], Any]:
    return by_root("destination", operation, RoleName="reports-reader", **parameters)


def other_trust(operation: str, parameter: str) -> Callable[[World], Any]:
    return lambda world: on_role(
        operation, **{parameter: json.dumps(trusting(f"arn:aws:iam::{world.source}:root"))}
    )(world)


NEW_VERSION = by_root(
    "source",
    "create_policy_version",
    PolicyArn=None,
    PolicyDocument=SOME.replace("List", "Get"),
    SetAsDefault=True,
)
Scene = Callable[[World], Grant]
DURING_APPLY: dict[str, tuple[Scene, Callable[[World], Any], str]] = {
    "role": (
        two_new_roles,
        other_trust("create_role", "AssumeRolePolicyDocument"),
        f"role {READER} exists",
    ),
    "trust": (
        taken_over,
        other_trust("update_assume_role_policy", "PolicyDocument"),
        f"trust {READER} was changed",
    ),
    "settings": (
        taken_over,
        on_role("update_role", Description="Mine", MaxSessionDuration=7200),
        f"settings {READER} was changed",
    ),
    "boundary": (
        taken_over,
        on_role("delete_role_permissions_boundary"),
        f"boundary {READER} was deleted",
    ),
    "tags": (
        taken_over,
        on_role("tag_role", Tags=[{"Key": "team", "Value": "ops"}]),
        f"tags {READER} was changed",
    ),
    "inline policy": (
        taken_over,
        on_role("put_role_policy", PolicyName="xacct-reports", PolicyDocument=SOME),
        f"inline-policy xacct-reports on {READER} exists",
    ),
    "attachment": (
        taken_over,
        on_role("attach_role_policy", PolicyArn=POWER_USER),
        f"attachment PowerUserAccess on {READER} exists",
    ),
    "attachment that is to go": (
        one_source_less,
        by_root("source", "detach_user_policy", UserName="mallory", PolicyArn=None),
        "attachment xacct-reports on user/mallory was deleted",
    ),
    "managed policy, a new version": (
        taken_over,
        NEW_VERSION,
        "managed-policy policy/xacct-reports was changed",
    ),
    "managed policy, made": (
        two_new_roles,
        by_root("source", "create_policy", PolicyName="xacct-reports", PolicyDocument=SOME),
        "managed-policy policy/xacct-reports exists",
    ),
    "managed policy, its tags": (
        taken_over,
        by_root("source", "tag_policy", PolicyArn=None, Tags=[{"Key": "team", "Value": "ops"}]),
        "tags policy/xacct-reports was changed",
    ),
}


@pytest.mark.parametrize(("scene", "write", "words"), DURING_APPLY.values(), ids=DURING_APPLY)
def test_a_change_by_another_actor_during_an_apply_stays_and_the_apply_is_rolled_back(
    world: World, scene: Scene, write: Callable[[World], Any], words: str
) -> None:
    grant = scene(world)
    sessions = sessions_in(world, grant)
    plan = plan_of(grant, sessions)

    def meddled() -> State:
        write(world)
        return state_of(grant, sessions)

    journal = SecondWriter(meddled)
    with pytest.raises(RolledBack) as stopped:
        apply(plan, sessions, approved=plan.digest, journal=journal, patience=1)
    made = ResourceKey("role", grant.destinations[0])

    assert stopped.value.why == f"The plan no longer matches AWS: {words}."
    assert stopped.value.hint == "Plan the grant again, read the new plan, and approve its digest."
    assert {
        made: journal.results[0].resources[made],
        **state_of(grant, sessions).resources,
    } == journal.results[0].resources


# The scene, what another actor does, how it is named, and the change before which the rollback stops.
DURING_ROLL_BACK: dict[str, tuple[Scene, Callable[[World], Any], str, str]] = {
    "role": (
        two_new_roles,
        other_trust("update_assume_role_policy", "PolicyDocument"),
        f"role {READER} was changed",
        f"- role {READER}",
    ),
    "trust": (
        taken_over,
        other_trust("update_assume_role_policy", "PolicyDocument"),
        f"trust {READER} was changed",
        f"~ trust {READER}",
    ),
    "settings": (
        taken_over,
        on_role("update_role", Description="Mine", MaxSessionDuration=3600),
        f"settings {READER} was changed",
        f"~ settings {READER}",
    ),
    "boundary": (
        taken_over,
        on_role("delete_role_permissions_boundary"),
        f"boundary {READER} was deleted",
        f"~ boundary {READER}",
    ),
    "tags": (
        taken_over,
        on_role("tag_role", Tags=[{"Key": "team", "Value": "ops"}]),
        f"tags {READER} was changed",
        f"~ tags {READER}",
    ),
    "inline policy": (
        taken_over,
        on_role("put_role_policy", PolicyName="xacct-reports", PolicyDocument=SOME),
        f"inline-policy xacct-reports on {READER} was changed",
        f"- inline-policy xacct-reports on {READER}",
    ),
    "managed policy": (
        taken_over,
        NEW_VERSION,
        "managed-policy policy/xacct-reports was changed",
        "~ managed-policy policy/xacct-reports",
    ),
    "managed policy, its tags": (
        taken_over,
        by_root("source", "tag_policy", PolicyArn=None, Tags=[{"Key": "team", "Value": "ops"}]),
        "tags policy/xacct-reports was changed",
        "~ tags policy/xacct-reports",
    ),
}


@pytest.mark.parametrize(
    ("scene", "write", "words", "first"), DURING_ROLL_BACK.values(), ids=DURING_ROLL_BACK
)
def test_a_change_by_another_actor_during_a_rollback_stops_it_and_stays(
    world: World, scene: Scene, write: Callable[[World], Any], words: str, first: str
) -> None:
    sessions = sessions_in(world, scene(world))
    journal = applied(sessions.grant, sessions)
    titles = [f"{change.sign} {change.title}" for change in journal.undo_plan().changes]
    left = journal.undo_plan().changes[titles.index(first) :]

    def meddled() -> list[Any]:
        write(world)
        return [bare(change, read_value(sessions, change)) for change in left]

    sink = SecondWriter(meddled)
    with pytest.raises(RollbackFailed) as stopped:
        rollback(journal, sessions, sink=sink, patience=1)

    assert stopped.value.why == f"{words}: another actor changed it meanwhile."
    assert stopped.value.what == f"Not rolled back: {'; '.join(titles[titles.index(first) :])}."
    assert [bare(change, read_value(sessions, change)) for change in left] == sink.results[0]


def bare(change: Change, value: Any) -> Any:
    """Return the value of a resource; of a policy without its tags, which are a change of their own."""
    return {**value, "tags": {}} if change.kind == "managed-policy" else value


def test_a_rollback_continues_where_another_actor_rolls_back_the_same_meanwhile(world: World) -> None:
    sessions = sessions_in(world, taken_over(world))
    before = state_of(sessions.grant, sessions)
    journal = applied(sessions.grant, sessions)
    detach = on_role("detach_role_policy", PolicyArn=POWER_USER)
    rollback(journal, sessions, sink=SecondWriter(lambda: detach(world)), patience=1)

    assert state_of(sessions.grant, sessions) == before


def test_a_stopped_rollback_continues_once_the_resource_is_as_the_run_left_it(world: World) -> None:
    sessions = sessions_in(world, taken_over(world))
    before = state_of(sessions.grant, sessions)
    journal = applied(sessions.grant, sessions)
    mine = on_role("update_role", Description="Mine", MaxSessionDuration=14400)
    with pytest.raises(RollbackFailed):
        rollback(journal, sessions, sink=SecondWriter(lambda: mine(world)), patience=1)
    on_role("update_role", Description="Made by hand", MaxSessionDuration=14400)(world)
    rollback(journal, sessions, patience=1)

    assert state_of(sessions.grant, sessions) == before


def test_a_change_that_another_actor_changed_again_is_named_and_not_rolled_back(world: World) -> None:
    sessions = sessions_in(world, taken_over(world))
    grant = sessions.grant
    plan = plan_of(grant, sessions)

    def write() -> State:
        iam = root_iam(world, world.destination)
        iam.update_role(RoleName="a-first", Description="Mine")
        on_role("delete_role_permissions_boundary")(world)
        return state_of(grant, sessions)

    journal = SecondWriter(write)
    with pytest.raises(RollbackFailed) as failure:
        apply(plan, sessions, approved=plan.digest, journal=journal, patience=1)

    assert failure.value.what == "Not rolled back: - role role/a-first."
    assert failure.value.why == (
        f"The plan no longer matches AWS: boundary {READER} was deleted."
        " During the rollback: role role/a-first was changed: another actor changed it meanwhile."
    )
    assert state_of(grant, sessions) == journal.results[0]


def test_a_change_that_another_actor_made_as_planned_is_not_rolled_back(world: World) -> None:
    sessions = sessions_in(world, taken_over(world))
    plan = plan_of(sessions.grant, sessions)
    deny_attaching(world)
    attach = by_root("source", "attach_user_policy", UserName="alice", PolicyArn=None)
    journal = SecondWriter(lambda: attach(world), before="AttachUserPolicy")
    with pytest.raises(RolledBack, match="AccessDenied"):
        apply(plan, sessions, approved=plan.digest, journal=journal, patience=1)
    attached = root_iam(world, world.source).list_attached_user_policies(UserName="alice")

    assert [each["PolicyName"] for each in attached["AttachedPolicies"]] == ["xacct-reports"]


# --- while a call waits for its retry


@pytest.fixture
def well_behaved_after(sandbox: Sandbox) -> Iterator[None]:
    yield
    behave(sandbox)


@pytest.fixture
def hindered(sandbox: Sandbox, well_behaved_after: None) -> Callable[..., None]:
    """Let IAM refuse an operation's next call, because another actor then changes the resource too."""

    def hinder(sessions: Sessions, operation: str, write: Callable[[], Any]) -> None:
        misbehave(sandbox, Fault("concurrent-modification", (operation,), count=1))
        left = [write]
        for iam in clients(sessions):
            iam.meta.events.register(
                f"after-call.iam.{operation}", lambda **about: left.pop()() if left else None
            )

    return hinder


def test_a_call_is_not_retried_where_another_actor_changed_the_resource(
    world: World, hindered: Callable[..., None]
) -> None:
    sessions = sessions_in(world, taken_over(world))
    plan = plan_of(sessions.grant, sessions)
    ops = on_role("tag_role", Tags=[{"Key": "xacct-nb:grant", "Value": "ops"}])
    hindered(sessions, "TagRole", lambda: ops(world))
    with pytest.raises(RolledBack) as stopped:
        apply(plan, sessions, approved=plan.digest, patience=1)
    role = root_iam(world, world.destination).get_role(RoleName="reports-reader")["Role"]

    assert stopped.value.why == f"The plan no longer matches AWS: tags {READER} was changed."
    assert {each["Key"]: each["Value"] for each in role["Tags"]} == {"team": "data", "xacct-nb:grant": "ops"}


def test_the_first_call_is_not_retried_and_nothing_was_changed(
    world: World, hindered: Callable[..., None]
) -> None:
    sessions = sessions_in(world, two_new_roles(world))
    plan = plan_of(sessions.grant, sessions)
    own = json.dumps(trusting(f"arn:aws:iam::{world.destination}:user/admin"))
    iam = root_iam(world, world.destination)
    hindered(
        sessions,
        "CreateRole",
        lambda: iam.create_role(RoleName="a-first", AssumeRolePolicyDocument=own),
    )
    with pytest.raises(StalePlan, match="role role/a-first exists"):
        apply(plan, sessions, approved=plan.digest, patience=1)

    assert [key.target for key in state_of(sessions.grant, sessions).resources] == [
        sessions.grant.destinations[0]
    ]


def test_a_rollback_does_not_retry_where_another_actor_changed_the_resource(
    world: World, hindered: Callable[..., None]
) -> None:
    sessions = sessions_in(world, taken_over(world))
    journal = applied(sessions.grant, sessions)
    ops = on_role("tag_role", Tags=[{"Key": "team", "Value": "ops"}])
    hindered(sessions, "UntagRole", lambda: ops(world))
    with pytest.raises(RollbackFailed) as stopped:
        rollback(journal, sessions, patience=1)
    role = root_iam(world, world.destination).get_role(RoleName="reports-reader")["Role"]

    assert stopped.value.what.startswith(f"Not rolled back: ~ tags {READER}; ~ settings {READER}; ")
    assert stopped.value.why.endswith(f"Meanwhile tags {READER} was changed.")
    assert {"Key": "team", "Value": "ops"} in role["Tags"]


# --- what a precondition costs, and what IAM does not show yet


def clients(sessions: Sessions) -> list[Any]:
    accounts = (*sessions.grant.source_accounts, *sessions.grant.destination_accounts)
    return [sessions.admin(account, "iam") for account in accounts]


def reads(sessions: Sessions) -> list[str]:
    """Collect the administrators' reading calls from now on."""
    seen = list[str]()

    def note(event_name: str, **about: Any) -> None:
        if (operation := event_name.rpartition(".")[2]).startswith(("Get", "List")):
            seen.append(operation)

    for iam in clients(sessions):
        iam.meta.events.register("before-send.iam", note)
    return seen


def lagging(sessions: Sessions) -> None:
    """From now on let every read return its first response: IAM is behind."""
    shown = dict[str, Any]()

    def recall(model: Any, params: Any, context: Any, **about: Any) -> Any:
        context["asked"] = json.dumps([model.name, params["body"]], sort_keys=True)
        http, parsed = shown.get(context["asked"], (None, None))
        return http and (http, deepcopy(parsed))

    def remember(model: Any, http_response: Any, parsed: Any, context: Any, **about: Any) -> None:
        if model.name.startswith(("Get", "List")):
            shown.setdefault(context["asked"], (http_response, deepcopy(parsed)))

    for iam in clients(sessions):
        iam.meta.events.register("before-call.iam", recall)
        iam.meta.events.register_first("after-call.iam", remember)  # before it is decoded


def test_the_preconditions_cost_one_call_for_each_change(world: World) -> None:
    sessions = sessions_in(world, taken_over(world))
    plan = plan_of(sessions.grant, sessions)
    seen = reads(sessions)
    apply(plan, sessions, approved=plan.digest, patience=1)

    assert len(plan.changes) == 12
    # What the approval covers besides; then before all, before each but the first, the policy's versions.
    assert len(seen) == 15 + 12 + 11 + 1


def test_a_late_value_from_iam_is_no_conflict(world: World) -> None:
    sessions = sessions_in(world, taken_over(world))
    plan = plan_of(sessions.grant, sessions)
    lagging(sessions)
    journal = apply(plan, sessions, approved=plan.digest, patience=1)

    assert len(journal.changes) == 12
    assert plan_of(sessions.grant, sessions_in(world, sessions.grant)).changes == ()


def unheard(world: World, sessions: Sessions) -> None:
    """Attach a policy to a user, and lose the response."""

    def cut(**about: Any) -> None:
        raise ConnectionClosedError(endpoint_url=world.endpoint)

    sessions.admin(world.source, "iam").meta.events.register("after-call.iam.AttachUserPolicy", cut)


def refused(world: World, sessions: Sessions) -> None:
    deny_attaching(world)


@pytest.mark.parametrize("fail", [refused, unheard])
def test_a_failed_apply_rolls_back_all_though_iam_shows_none_of_it_yet(
    world: World, fail: Callable[[World, Sessions], None]
) -> None:
    grant = taken_over(world)
    before = state_of(grant, sessions_in(world, grant))
    sessions = sessions_in(world, grant)
    plan = plan_of(grant, sessions)
    lagging(sessions)
    fail(world, sessions)
    with pytest.raises(RolledBack, match="Everything is as it was before"):
        apply(plan, sessions, approved=plan.digest, patience=1)

    assert state_of(grant, sessions_in(world, grant)) == before


@pytest.mark.usefixtures("well_behaved_after")
def test_a_version_is_made_once_though_its_response_is_lost_and_iam_does_not_list_it_yet(
    sandbox: Sandbox, world: World
) -> None:
    grant = taken_over(world)
    before = state_of(grant, sessions_in(world, grant))
    sessions = sessions_in(world, grant)
    plan = plan_of(grant, sessions)
    lagging(sessions)
    misbehave(sandbox, Fault("cut-after", ("CreatePolicyVersion",), count=1))
    journal = apply(plan, sessions, approved=plan.digest, patience=5)
    iam = root_iam(world, world.source)
    listed = iam.list_policy_versions(PolicyArn=policy_of(world))["Versions"]
    versions = {each["VersionId"]: each["IsDefaultVersion"] for each in listed}
    rollback(journal, sessions_in(world, grant), patience=1)

    assert versions == {"v1": False, "v3": True}
    assert state_of(grant, sessions_in(world, grant)) == before


def test_a_role_to_which_another_actor_attached_a_policy_is_left_and_named(world: World) -> None:
    sessions = sessions_in(world, taken_over(world))
    journal = applied(sessions.grant, sessions)
    iam = root_iam(world, world.destination)
    hang = SecondWriter(
        lambda: iam.put_role_policy(RoleName="a-first", PolicyName="own", PolicyDocument=SOME)
    )
    with pytest.raises(RollbackFailed, match=r"Not rolled back: - role role/a-first\.") as stopped:
        rollback(journal, sessions, sink=hang, patience=1)

    assert "DeleteConflict" in stopped.value.why
    assert iam.list_role_policies(RoleName="a-first")["PolicyNames"] == ["own"]
