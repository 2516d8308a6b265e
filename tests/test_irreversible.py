"""What a rollback cannot restore is reported before its plan is approved."""

import json

from support.adopted_role import READ_ONLY, by_hand, policy_of, trusting
from support.examples import SOME_POLICY, applied, grant_in, root_iam, sessions_in
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws.irreversible import irreversible_changes
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.journal import Journal
from xacct_nb.sandbox.server.accounts import World

sandbox = in_process_sandbox


def user(world: World, name: str) -> str:
    return f"arn:aws:iam::{world.source}:user/{name}"


def lost(sessions: Sessions, journal: Journal) -> tuple[str, ...]:
    return tuple(each.what for each in irreversible_changes(sessions, journal.undo_plan(), journal.entries))


def test_where_all_can_be_restored_nothing_is_reported(world: World) -> None:
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)

    assert lost(sessions, journal) == ()


def test_a_deleted_user_that_was_trusted_is_named(world: World) -> None:
    iam = root_iam(world, world.source)
    iam.create_user(UserName="carol")
    first = grant_in(world, sources=[user(world, "carol")])
    applied(first, sessions_in(world, first))
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)
    iam.delete_user(UserName="carol")
    role, policy = grant.destinations[0], "attachment xacct-reports on user/carol"

    assert lost(sessions, journal) == (
        f"{user(world, 'carol')} does not exist any more, so {policy} cannot be restored.",
        f"{role} trusted {user(world, 'carol')}, which was deleted: AWS refuses to write that.",
    )


def test_a_deleted_earlier_version_is_named(world: World) -> None:
    applied(grant_in(world), sessions_in(world, grant_in(world)))
    roles = [*grant_in(world).destinations, f"arn:aws:iam::{world.destination}:role/writer"]
    grant = grant_in(world, destinations=roles)
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)
    policy = f"arn:aws:iam::{world.source}:policy/xacct-reports"
    root_iam(world, world.source).delete_policy_version(PolicyArn=policy, VersionId="v1")

    assert lost(sessions, journal) == (
        f"{policy}: its version v1 was deleted. Its text comes back as a new version.",
    )


def test_a_version_that_was_deleted_for_a_new_one_is_lost(world: World) -> None:
    grant = grant_in(world)
    applied(grant, sessions_in(world, grant))
    iam = root_iam(world, world.source)
    for _ in range(4):
        iam.create_policy_version(PolicyArn=policy_of(world), PolicyDocument=json.dumps(SOME_POLICY))
    second = grant_in(
        world, destinations=[*grant.destinations, f"arn:aws:iam::{world.destination}:role/writer"]
    )
    sessions = sessions_in(world, second)
    journal = applied(second, sessions)

    assert lost(sessions, journal) == (
        "managed-policy policy/xacct-reports: version v2 is deleted for good. Its text is in the journal.",
    )


def test_a_deleted_user_whose_id_is_in_the_earlier_trust_policy_is_named(world: World) -> None:
    iam, carol = root_iam(world, world.destination), f"arn:aws:iam::{world.destination}:user/carol"
    unique_id = iam.create_user(UserName="carol")["User"]["UserId"]
    iam.create_role(RoleName="reports-reader", AssumeRolePolicyDocument=json.dumps(trusting(carol)))
    iam.delete_user(UserName="carol")
    grant = grant_in(world, adopt=True)
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)

    assert lost(sessions, journal) == (
        f"{grant.destinations[0]} trusted {unique_id}, which was deleted: AWS refuses to write that.",
    )


def test_a_deleted_role_whose_id_is_in_the_earlier_trust_policy_is_named(world: World) -> None:
    iam, hub = root_iam(world, world.destination), f"arn:aws:iam::{world.destination}:role/hub"
    admin = json.dumps(trusting(f"arn:aws:iam::{world.destination}:user/admin"))
    unique_id = iam.create_role(RoleName="hub", AssumeRolePolicyDocument=admin)["Role"]["RoleId"]
    iam.create_role(RoleName="reports-reader", AssumeRolePolicyDocument=json.dumps(trusting(hub)))
    iam.delete_role(RoleName="hub")
    grant = grant_in(world, adopt=True)
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)

    assert lost(sessions, journal) == (
        f"{grant.destinations[0]} trusted {unique_id}, which was deleted: AWS refuses to write that.",
    )


def test_a_deleted_policy_that_was_attached_is_named_whoever_owned_it(world: World) -> None:
    """The grant's role had two policies of others, which the apply detaches; one was AWS's, retired since."""
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    applied(grant, sessions)
    iam, retired = root_iam(world, world.destination), "arn:aws:iam::aws:policy/RetiredAccess"
    own = iam.create_policy(PolicyName="own", PolicyDocument=json.dumps(SOME_POLICY))["Policy"]["Arn"]
    for policy in (own, retired, READ_ONLY):
        iam.attach_role_policy(RoleName="reports-reader", PolicyArn=policy)
    journal = applied(grant, sessions)
    iam.delete_policy(PolicyArn=own)
    gone = "does not exist any more, so attachment"

    assert lost(sessions, journal) == (
        f"{retired} {gone} RetiredAccess on role/reports-reader cannot be restored.",
        f"{own} {gone} own on role/reports-reader cannot be restored.",
    )


def test_a_boundary_whose_policy_was_deleted_is_named(world: World) -> None:
    iam = by_hand(world)
    own = iam.create_policy(PolicyName="own", PolicyDocument=json.dumps(SOME_POLICY))["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="reports-reader", PermissionsBoundary=own)
    grant = grant_in(world, adopt=True, permissions_boundary=READ_ONLY)
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)
    iam.delete_policy(PolicyArn=own)

    assert lost(sessions, journal) == (
        f"{own} does not exist any more, so boundary role/reports-reader cannot be restored.",
    )


def test_a_deleted_group_that_had_the_caller_policy_is_named(world: World) -> None:
    iam, group = root_iam(world, world.source), f"arn:aws:iam::{world.source}:group/auditors"
    iam.create_group(GroupName="auditors")
    first = grant_in(world, attach_to=group)
    applied(first, sessions_in(world, first))
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)
    iam.delete_group(GroupName="auditors")

    assert lost(sessions, journal) == (
        f"{group} does not exist any more, so attachment xacct-reports on group/auditors cannot be restored.",
    )
