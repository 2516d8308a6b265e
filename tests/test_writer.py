"""Applying exactly the approved plan, rolling it back exactly, and leaving nothing half done."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError

from support.adopted_role import POWER_USER, READ_ONLY, by_hand, policy_by_hand, policy_of, trusting
from support.examples import (
    SOME_POLICY,
    applied,
    calls,
    endpoint_of,
    grant_in,
    plan_of,
    root_iam,
    sessions_in,
    state_of,
)
from support.in_process_sandbox import in_process_sandbox
from support.restricted_admin import restricted_admin
from xacct_nb.aws.sessions import open_sessions
from xacct_nb.aws.writer import apply, rollback
from xacct_nb.changes.journal import Entry, Journal, collapse_entries
from xacct_nb.changes.plan import Plan
from xacct_nb.errors import NotAccepted, NotOwned, RollbackFailed, RolledBack, StalePlan, UnresolvedSecret
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.sandbox.server.accounts import World

sandbox = in_process_sandbox


def user(world: World, name: str) -> str:
    return f"arn:aws:iam::{world.source}:user/{name}"


def role_of(world: World) -> str:
    return f"arn:aws:iam::{world.destination}:role/reports-reader"


# --- what is written


def test_a_new_grant_is_made_with_four_calls(world: World) -> None:
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)

    assert calls(journal) == ["CreateRole", "PutRolePolicy", "CreatePolicy", "AttachUserPolicy"]
    assert all(entry.request_id for entry in journal.entries)
    assert {entry.account for entry in journal.entries} == {world.source, world.destination}
    assert plan_of(grant, sessions).changes == ()


def test_a_new_inline_grant_is_made_with_three_calls(world: World) -> None:
    grant = grant_in(world, caller_policy="inline")
    sessions = sessions_in(world, grant)

    assert calls(applied(grant, sessions)) == ["CreateRole", "PutRolePolicy", "PutUserPolicy"]
    assert plan_of(grant, sessions).changes == ()


def test_an_apply_waits_until_the_caller_can_assume_the_role_and_journals_it(world: World) -> None:
    grant = grant_in(world)
    last = applied(grant, sessions_in(world, grant)).entries[-1]

    assert (last.operation, last.answer, last.tries) == ("AssumeRole", "waited", 1)
    assert last.target == f"{user(world, 'alice')} as role/reports-reader"


def test_an_apply_does_not_wait_for_an_assume_that_cannot_be_probed(world: World) -> None:
    grant = grant_in(world, conditions={"require_mfa": True})
    journal = applied(grant, sessions_in(world, grant))

    assert [entry.operation for entry in journal.entries][-1] == "AttachUserPolicy"


def test_applying_where_nothing_differs_writes_nothing(world: World) -> None:
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    applied(grant, sessions)
    journal = applied(grant, sessions)

    assert journal == Journal("reports")
    assert str(journal) == "Nothing was changed."


def test_a_trust_change_is_one_call(world: World) -> None:
    applied(grant_in(world), sessions_in(world, grant_in(world)))
    grant = grant_in(world, conditions={"external_id": "partner-7"})
    sessions = sessions_in(world, grant)

    assert calls(applied(grant, sessions)) == ["UpdateAssumeRolePolicy"]
    assert plan_of(grant, sessions).changes == ()


def test_another_principal_is_a_change_of_the_trust_and_of_two_attachments(world: World) -> None:
    applied(grant_in(world), sessions_in(world, grant_in(world)))
    grant = grant_in(world, sources=[user(world, "mallory")])
    sessions = sessions_in(world, grant)
    plan = plan_of(grant, sessions)

    assert [(each.sign, each.kind, each.target) for each in plan.changes] == [
        ("~", "trust", role_of(world)),
        ("+", "attachment", user(world, "mallory")),
        ("-", "attachment", user(world, "alice")),
    ]
    assert calls(apply(plan, sessions, approved=plan.digest, patience=1)) == [
        "UpdateAssumeRolePolicy",
        "AttachUserPolicy",
        "DetachUserPolicy",
    ]


def test_a_removed_source_is_detached(world: World) -> None:
    both = grant_in(world, sources=[user(world, "alice"), user(world, "mallory")])
    applied(both, sessions_in(world, both))
    applied(grant_in(world), sessions_in(world, grant_in(world)))
    iam = root_iam(world, world.source)

    assert iam.list_attached_user_policies(UserName="mallory")["AttachedPolicies"] == []
    assert len(iam.list_attached_user_policies(UserName="alice")["AttachedPolicies"]) == 1


def test_a_longer_session_keeps_the_description_of_an_adopted_role(world: World) -> None:
    iam = by_hand(world)
    grant = grant_in(world, adopt=True, session_minutes=180)
    applied(grant, sessions_in(world, grant))
    role = iam.get_role(RoleName="reports-reader")["Role"]

    assert (role["Description"], role["MaxSessionDuration"]) == ("Made by hand", 10800)


def test_a_sixth_version_replaces_the_oldest_and_keeps_its_text(world: World) -> None:
    roles = [f"arn:aws:iam::{world.destination}:role/r{number}" for number in range(6)]
    journals = []
    for count in range(1, 7):
        grant = grant_in(world, destinations=roles[:count])
        journals.append(applied(grant, sessions_in(world, grant)))
    versions = root_iam(world, world.source).list_policy_versions(PolicyArn=policy_of(world))["Versions"]
    (deleted,) = [entry for entry in journals[-1].entries if entry.operation == "DeletePolicyVersion"]

    assert sorted(each["VersionId"] for each in versions) == ["v2", "v3", "v4", "v5", "v6"]
    assert [each["VersionId"] for each in versions if each["IsDefaultVersion"]] == ["v6"]
    assert deleted.kept["v1"]["Statement"][0]["Resource"] == roles[:1]


def test_a_boundary_is_put_on_an_existing_role(world: World) -> None:
    applied(grant_in(world), sessions_in(world, grant_in(world)))
    grant = grant_in(world, permissions_boundary=POWER_USER)
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)

    assert calls(journal) == ["PutRolePermissionsBoundary"]
    rollback(journal, sessions, patience=1)
    assert (
        "PermissionsBoundary"
        not in root_iam(world, world.destination).get_role(RoleName="reports-reader")["Role"]
    )


def test_entries_reach_the_sink_as_they_happen_and_every_write_also_before_it_is_made(world: World) -> None:
    grant, seen = grant_in(world), list[Entry]()
    sessions = sessions_in(world, grant)
    plan = plan_of(grant, sessions)
    journal = apply(plan, sessions, approved=plan.digest, journal=seen, patience=1)

    assert collapse_entries(seen) == journal.entries
    assert [(entry.operation, entry.answer) for entry in seen] == [
        ("CreateRole", ""),
        ("CreateRole", "made"),
        ("PutRolePolicy", ""),
        ("PutRolePolicy", "made"),
        ("CreatePolicy", ""),
        ("CreatePolicy", "made"),
        ("AttachUserPolicy", ""),
        ("AttachUserPolicy", "made"),
        ("AssumeRole", "waited"),
    ]


# --- what is refused before anything is written


def refused(grant: Grant, world: World, error: type[Exception], approved: Callable[[Plan], str]) -> None:
    sessions = sessions_in(world, grant)
    before = state_of(grant, sessions)
    plan = plan_of(grant, sessions)

    with pytest.raises(error):
        apply(plan, sessions, approved=approved(plan), patience=1)
    assert state_of(grant, sessions) == before


@pytest.mark.parametrize("digest", ["", "0" * 64])
def test_another_digest_is_refused_and_nothing_changes(world: World, digest: str) -> None:
    refused(grant_in(world), world, StalePlan, lambda plan: digest)


def test_a_part_of_the_digest_is_not_the_digest(world: World) -> None:
    refused(grant_in(world), world, StalePlan, lambda plan: plan.digest[:12])


@pytest.mark.parametrize(
    "fields",
    [
        {"permissions": [{"actions": ["s3:GetObject"], "resources": ["*"]}]},
        {"permissions": [{"actions": ["s3:*"], "resources": ["arn:aws:s3:::reports/*"]}]},
        {"managed_policies": ["arn:aws:iam::aws:policy/AdministratorAccess"]},
    ],
)
def test_what_widens_access_is_refused_unless_accepted(world: World, fields: dict[str, Any]) -> None:
    refused(grant_in(world, **fields), world, NotAccepted, lambda plan: plan.digest)


def test_a_whole_account_is_refused_unless_accepted(world: World) -> None:
    refused(grant_in(world, sources=[world.source]), world, NotAccepted, lambda plan: plan.digest)
    grant = grant_in(world, sources=[world.source], accept=["whole-account-trust"])
    sessions = sessions_in(world, grant)

    assert calls(applied(grant, sessions)) == ["CreateRole", "PutRolePolicy"]
    assert plan_of(grant, sessions).changes == ()


def test_a_plan_is_stale_when_a_resource_was_changed_since(world: World) -> None:
    grant = grant_in(world, adopt=True)
    sessions = sessions_in(world, grant)
    iam, plan = by_hand(world), None
    plan = plan_of(grant, sessions)
    other = json.dumps(trusting(f"arn:aws:iam::{world.destination}:root"))
    iam.update_assume_role_policy(RoleName="reports-reader", PolicyDocument=other)
    before = state_of(grant, sessions)

    with pytest.raises(StalePlan, match="trust role/reports-reader was changed"):
        apply(plan, sessions, approved=plan.digest, patience=1)
    assert state_of(grant, sessions) == before


def test_a_plan_is_stale_when_another_actor_created_the_role_meanwhile(world: World) -> None:
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    plan = plan_of(grant, sessions)
    by_hand(world)

    with pytest.raises(StalePlan, match="role role/reports-reader exists"):
        apply(plan, sessions, approved=plan.digest, patience=1)


def test_a_plan_from_a_record_never_writes_a_fingerprint_as_external_id(world: World) -> None:
    grant = grant_in(world, conditions={"external_id": "partner-7"})
    sessions = sessions_in(world, grant)
    plan = Plan.from_json(json.loads(json.dumps(plan_of(grant, sessions).to_json())))

    with pytest.raises(UnresolvedSecret, match="The external ID with the fingerprint secret:"):
        apply(plan, sessions, approved=plan.digest, patience=1)
    assert state_of(grant, sessions) == State({})


def test_sessions_whose_external_id_is_a_reference_are_refused_before_anything_is_made(world: World) -> None:
    grant = grant_in(world, conditions={"external_id": "partner-7"})
    plan = plan_of(grant, sessions_in(world, grant))
    sessions = sessions_in(world, grant_in(world, conditions={"external_id": "env:PARTNER"}))

    with pytest.raises(UnresolvedSecret):
        apply(plan, sessions, approved=plan.digest, patience=1)
    assert state_of(grant, sessions) == State({})


def test_a_role_that_was_not_made_for_the_grant_is_refused_and_stays(world: World) -> None:
    by_hand(world)
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    before = state_of(grant, sessions)

    with pytest.raises(NotOwned, match=f"{role_of(world)} exists"):
        plan_of(grant, sessions)
    assert state_of(grant, sessions) == before


def test_a_policy_that_was_not_made_for_the_grant_is_refused(world: World) -> None:
    root_iam(world, world.source).create_policy(
        PolicyName="xacct-reports", PolicyDocument=json.dumps(SOME_POLICY)
    )
    grant = grant_in(world)

    with pytest.raises(NotOwned, match=f"{policy_of(world)} exists"):
        plan_of(grant, sessions_in(world, grant))


# --- what fails in the middle


def failed(world: World, grant: Grant, **sessions: str) -> pytest.ExceptionInfo[RolledBack]:
    opened = sessions_in(world, grant, **sessions)  # type: ignore[arg-type]
    before = state_of(grant, opened)

    with pytest.raises(RolledBack) as failure:
        applied(grant, opened)
    assert state_of(grant, opened) == before
    return failure


def test_a_call_that_aws_refuses_rolls_back_the_changes(world: World) -> None:
    admin = restricted_admin(world, "iam:PutRolePolicy")
    failure = failed(world, grant_in(world), destination_admin=admin)

    assert "Everything is as it was before" in failure.value.what
    assert "PutRolePolicy inline-policy xacct-reports on role/reports-reader" in failure.value.why
    assert "AccessDenied" in failure.value.why


def test_an_adopted_role_is_restored_when_a_call_fails(world: World) -> None:
    by_hand(world)
    admin = restricted_admin(world, "iam:UpdateAssumeRolePolicy")

    failed(world, grant_in(world, adopt=True, session_minutes=240), destination_admin=admin)


def test_the_journal_also_has_the_call_that_failed(world: World) -> None:
    grant, seen = grant_in(world), list[Entry]()
    sessions = sessions_in(world, grant, destination_admin=restricted_admin(world, "iam:PutRolePolicy"))
    plan = plan_of(grant, sessions)

    with pytest.raises(RolledBack):
        apply(plan, sessions, approved=plan.digest, journal=seen, patience=1)
    assert [(entry.operation, entry.answer) for entry in collapse_entries(seen)] == [
        ("CreateRole", "made"),
        ("PutRolePolicy", "AccessDenied"),
        ("DeleteRole", "made"),
    ]


def test_what_cannot_be_rolled_back_is_named(world: World) -> None:
    grant = grant_in(world)
    sessions = sessions_in(
        world, grant, destination_admin=restricted_admin(world, "iam:PutRolePolicy", "iam:DeleteRole")
    )

    with pytest.raises(RollbackFailed) as failure:
        applied(grant, sessions)

    assert failure.value.what == "Not rolled back: - role role/reports-reader."
    assert "DeleteRole" in failure.value.why
    assert "AccessDenied" in failure.value.why


# --- calls for which IAM is not ready, and lost responses


def hindered(iam: Any, event: str, *hindrances: Callable[[], Any]) -> None:
    """Let a client's next calls fail, each in its own way."""
    left = list(hindrances)
    iam.meta.events.register(event, lambda **about: left.pop(0)() if left else None)


def unknown(message: str) -> Callable[[], Any]:
    """Return IAM's error about a resource that it does not know."""
    error = {"Error": {"Code": "NoSuchEntity", "Message": message}, "ResponseMetadata": {"RequestId": "id-1"}}
    return lambda: (AWSResponse("", 404, {}, None), error)


def cut() -> None:
    raise ConnectionClosedError(endpoint_url="https://iam.amazonaws.com")


def test_a_call_about_a_new_role_is_retried_until_iam_is_consistent(world: World) -> None:
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    not_yet = unknown("The role with name reports-reader cannot be found.")
    hindered(sessions.admin(world.destination, "iam"), "before-call.iam.PutRolePolicy", not_yet, not_yet)
    entries = applied(grant, sessions).entries

    assert [(entry.operation, entry.answer, entry.tries) for entry in entries[:2]] == [
        ("CreateRole", "made", 1),
        ("PutRolePolicy", "made", 3),
    ]


def test_what_does_not_exist_is_not_waited_for(world: World) -> None:
    grant, seen = grant_in(world, managed_policies=[READ_ONLY]), list[Entry]()
    sessions = sessions_in(world, grant)
    never = unknown(f"Policy {READ_ONLY} does not exist or is not attachable.")
    hindered(sessions.admin(world.destination, "iam"), "before-call.iam.AttachRolePolicy", never)
    plan = plan_of(grant, sessions)

    with pytest.raises(RolledBack, match="NoSuchEntity"):
        apply(plan, sessions, approved=plan.digest, journal=seen, patience=30)
    assert [entry.tries for entry in collapse_entries(seen) if entry.operation == "AttachRolePolicy"] == [1]
    assert state_of(grant, sessions) == State({})


def test_a_call_whose_response_is_lost_is_rolled_back_too(world: World) -> None:
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    hindered(sessions.admin(world.destination, "iam"), "after-call.iam.PutRolePolicy", cut)

    with pytest.raises(RolledBack) as failure:
        applied(grant, sessions)
    assert failure.value.hint == "Check the network and the endpoint, then run it again."
    assert state_of(grant, sessions) == State({})


def test_a_rollback_whose_response_is_lost_has_not_failed(world: World) -> None:
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)
    hindered(sessions.admin(world.destination, "iam"), "after-call.iam.DeleteRole", cut)
    rollback(journal, sessions, patience=1)

    assert state_of(grant, sessions) == State({})


def test_without_a_network_the_changes_that_are_left_are_named(world: World) -> None:
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    plan = plan_of(grant, sessions)
    iam = sessions.admin(world.destination, "iam")
    for operation in ("PutRolePolicy", "DeleteRolePolicy", "DeleteRole"):
        hindered(iam, f"before-call.iam.{operation}", cut)
    hindered(iam, "before-call.iam.GetRolePolicy", *[lambda: None] * 2, cut, cut)

    with pytest.raises(RollbackFailed) as failure:
        apply(plan, sessions, approved=plan.digest, patience=1)
    assert failure.value.what == (
        "Not rolled back: - inline-policy xacct-reports on role/reports-reader; - role role/reports-reader."
    )


# --- the rollback


def test_an_adopted_role_is_restored_to_the_letter(world: World) -> None:
    iam = by_hand(world)
    grant = grant_in(
        world,
        adopt=True,
        session_minutes=240,
        permissions_boundary=READ_ONLY,
        managed_policies=[POWER_USER],
        accept=["full-access-policy"],
    )
    sessions = sessions_in(world, grant)
    before, shown = state_of(grant, sessions), iam.get_role(RoleName="reports-reader")["Role"]
    journal = applied(grant, sessions)
    assert plan_of(grant, sessions).changes == ()
    rollback(journal, sessions, patience=1)

    assert state_of(grant, sessions) == before
    assert iam.get_role(RoleName="reports-reader")["Role"] == shown
    assert shown["Tags"] == [{"Key": "team", "Value": "data"}]


def test_an_adopted_policy_is_restored_to_the_letter(world: World) -> None:
    iam = policy_by_hand(world)
    grant = grant_in(world, adopt=True)
    sessions = sessions_in(world, grant)
    before = state_of(grant, sessions)
    journal = applied(grant, sessions)
    assert (
        ResourceKey("attachment", user(world, "mallory"), policy_of(world))
        in state_of(grant, sessions).resources
    )
    rollback(journal, sessions, patience=1)

    assert state_of(grant, sessions) == before
    assert len(iam.list_policy_versions(PolicyArn=policy_of(world))["Versions"]) == 1


def test_a_tag_of_another_grant_is_restored(world: World) -> None:
    other = grant_in(world, name="payroll")
    applied(other, sessions_in(world, other))
    grant = grant_in(world, adopt=True, session_minutes=120)
    sessions = sessions_in(world, grant)
    before = state_of(grant, sessions)
    rollback(applied(grant, sessions), sessions, patience=1)

    assert state_of(grant, sessions) == before
    assert before.resources[ResourceKey("role", role_of(world))]["tags"] == {"xacct-nb:grant": "payroll"}


KINDS: dict[str, Callable[[World], dict[str, Any]]] = {
    "a user": lambda world: {},
    "a role": lambda world: {"sources": [f"arn:aws:iam::{world.source}:role/hub"]},
    "a group": lambda world: {"attach_to": f"arn:aws:iam::{world.source}:group/analysts"},
    "a whole account": lambda world: {"sources": [world.source], "accept": ["whole-account-trust"]},
    "a user, inline": lambda world: {"caller_policy": "inline"},
    "a role, inline": lambda world: {
        "sources": [f"arn:aws:iam::{world.source}:role/hub"],
        "caller_policy": "inline",
    },
    "a group, inline": lambda world: {
        "attach_to": f"arn:aws:iam::{world.source}:group/analysts",
        "caller_policy": "inline",
    },
    "two users and two roles": lambda world: {
        "sources": [user(world, "alice"), user(world, "mallory")],
        "destinations": [role_of(world), f"arn:aws:iam::{world.destination}:role/team/writer"],
    },
}


@pytest.mark.parametrize("fields", KINDS.values(), ids=KINDS)
def test_a_rollback_leaves_everything_as_before(
    world: World, fields: Callable[[World], dict[str, Any]]
) -> None:
    grant = grant_in(world, **fields(world))
    sessions = sessions_in(world, grant)
    before = state_of(grant, sessions)
    journal = applied(grant, sessions)
    assert state_of(grant, sessions) != before
    assert plan_of(grant, sessions).changes == ()
    rollback(journal, sessions, patience=1)

    assert state_of(grant, sessions) == before


def test_a_change_is_rolled_back_to_the_version_before(world: World) -> None:
    applied(grant_in(world), sessions_in(world, grant_in(world)))
    second = f"arn:aws:iam::{world.destination}:role/writer"
    grant = grant_in(world, destinations=[role_of(world), second])
    sessions = sessions_in(world, grant)
    before = state_of(grant, sessions)
    journal = rollback(applied(grant, sessions), sessions, patience=1)

    assert state_of(grant, sessions) == before
    assert calls(journal)[:2] == ["SetDefaultPolicyVersion", "DeletePolicyVersion"]


def test_a_journal_from_a_record_rolls_back_too(world: World) -> None:
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    journal = Journal.from_json(json.loads(json.dumps(applied(grant, sessions).to_json())))
    rollback(journal, sessions, patience=1)

    assert state_of(grant, sessions) == State({})


def test_a_rollback_may_remove_an_external_id_that_is_not_known(world: World) -> None:
    grant = grant_in(world, conditions={"external_id": "partner-7"})
    sessions = sessions_in(world, grant)
    journal = Journal.from_json(json.loads(json.dumps(applied(grant, sessions).to_json())))
    rollback(journal, sessions, patience=1)

    assert state_of(grant, sessions) == State({})


def test_a_rollback_never_writes_a_fingerprint(world: World) -> None:
    old = grant_in(world, conditions={"external_id": "partner-7"})
    applied(old, sessions_in(world, old))
    grant = grant_in(world, conditions={"external_id": "partner-8"})
    sessions = sessions_in(world, grant)
    journal = Journal.from_json(json.loads(json.dumps(applied(grant, sessions).to_json())))
    before = state_of(grant, sessions)

    with pytest.raises(UnresolvedSecret):
        rollback(journal, sessions, patience=1)
    assert state_of(grant, sessions) == before


def test_a_rollback_can_be_repeated(world: World) -> None:
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)
    rollback(journal, sessions, patience=1)

    assert rollback(journal, sessions, patience=1).entries == ()


def test_a_rollback_that_failed_says_what_is_left_and_can_be_made_again(world: World) -> None:
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)
    hindered = sessions_in(world, grant, destination_admin=restricted_admin(world, "iam:DeleteRole"))

    with pytest.raises(RollbackFailed, match=r"Not rolled back: - role role/reports-reader\.") as failure:
        rollback(journal, hindered, patience=1)
    assert failure.value.hint == "Fix the cause, then roll back again."
    assert calls(rollback(journal, sessions, patience=1)) == ["DeleteRole"]


# What another actor does between the run and the rollback, and how it is named.
MEDDLING: dict[str, tuple[Callable[[World], Any], str]] = {
    "another trust": (
        lambda world: root_iam(world, world.destination).update_assume_role_policy(
            RoleName="reports-reader",
            PolicyDocument=json.dumps(trusting(f"arn:aws:iam::{world.source}:root")),
        ),
        "role role/reports-reader was changed",
    ),
    "another permissions policy": (
        lambda world: root_iam(world, world.destination).put_role_policy(
            RoleName="reports-reader", PolicyName="xacct-reports", PolicyDocument=json.dumps(SOME_POLICY)
        ),
        "inline-policy xacct-reports on role/reports-reader was changed",
    ),
    "another version of the caller policy": (
        lambda world: root_iam(world, world.source).create_policy_version(
            PolicyArn=policy_of(world), PolicyDocument=json.dumps(SOME_POLICY), SetAsDefault=True
        ),
        "managed-policy policy/xacct-reports was changed",
    ),
    "a further policy on the role": (
        lambda world: root_iam(world, world.destination).put_role_policy(
            RoleName="reports-reader", PolicyName="by-hand", PolicyDocument=json.dumps(SOME_POLICY)
        ),
        "inline-policy by-hand on role/reports-reader was added",
    ),
    "a further user of the caller policy": (
        lambda world: root_iam(world, world.source).attach_user_policy(
            UserName="mallory", PolicyArn=policy_of(world)
        ),
        "attachment xacct-reports on user/mallory was added",
    ),
}


@pytest.mark.parametrize(("meddle", "words"), MEDDLING.values(), ids=MEDDLING)
def test_a_rollback_refuses_where_a_resource_was_changed(
    world: World, meddle: Callable[[World], Any], words: str
) -> None:
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)
    meddle(world)
    before = state_of(grant, sessions)

    with pytest.raises(RollbackFailed) as refusal:
        rollback(journal, sessions, patience=1)
    assert refusal.value.what == f"Nothing was rolled back: {words}."
    assert state_of(grant, sessions) == before


def test_a_rollback_continues_where_another_actor_removed_what_it_would_remove(world: World) -> None:
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)
    root_iam(world, world.source).detach_user_policy(UserName="alice", PolicyArn=policy_of(world))

    assert calls(rollback(journal, sessions, patience=1)) == [
        "DeletePolicy",
        "DeleteRolePolicy",
        "DeleteRole",
    ]


def test_a_rollback_survives_a_deleted_user(world: World) -> None:
    iam = root_iam(world, world.source)
    iam.create_user(UserName="carol")
    grant = grant_in(world, sources=[user(world, "carol")])
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)
    iam.detach_user_policy(UserName="carol", PolicyArn=policy_of(world))
    iam.delete_user(UserName="carol")

    assert calls(rollback(journal, sessions, patience=1)) == [
        "DeletePolicy",
        "DeleteRolePolicy",
        "DeleteRole",
    ]


def test_many_destinations_are_applied_and_rolled_back(world: World) -> None:
    roles = [f"arn:aws:iam::{world.destination}:role/{'r' * 50}-{number}" for number in range(80)]
    grant = grant_in(world, destinations=roles, permissions=[])
    sessions = open_sessions(
        grant,
        source_profiles=["source-admin"],
        destination_profiles=["destination-admin"],
        endpoint=endpoint_of(world),
    )
    journal = applied(grant, sessions)

    assert calls(journal).count("CreatePolicy") == 2
    assert plan_of(grant, sessions).changes == ()
    rollback(journal, sessions, patience=1)
    assert state_of(grant, sessions) == State({})
