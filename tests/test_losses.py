"""What cannot be put back is said before anybody approves the way back."""

import json

from given import applied, grant_in, root_iam, sessions_in

from xacct_nb.aws.losses import losses
from xacct_nb.journals import Entry
from xacct_nb.sandbox.accounts import World


def user(world: World, name: str) -> str:
    return f"arn:aws:iam::{world.source}:user/{name}"


def test_where_all_can_be_put_back_nothing_is_said(world: World) -> None:
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)

    assert losses(sessions, journal.way_back(), journal.entries) == ()


def test_a_user_who_was_trusted_before_and_is_gone_is_named(world: World) -> None:
    iam = root_iam(world, world.source)
    iam.create_user(UserName="carol")
    first = grant_in(world, sources=[user(world, "carol")])
    applied(first, sessions_in(world, first))
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)
    iam.delete_user(UserName="carol")
    role, policy = grant.destinations[0], "attachment xacct-reports on user/carol"

    assert losses(sessions, journal.way_back(), journal.entries) == (
        f"{user(world, 'carol')} does not exist any more, so {policy} cannot be put back.",
        f"{role} trusted {user(world, 'carol')}, which is gone: AWS refuses to write that.",
    )


def test_the_version_before_that_somebody_deleted_is_named(world: World) -> None:
    applied(grant_in(world), sessions_in(world, grant_in(world)))
    roles = [*grant_in(world).destinations, f"arn:aws:iam::{world.destination}:role/writer"]
    grant = grant_in(world, destinations=roles)
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)
    policy = f"arn:aws:iam::{world.source}:policy/xacct-reports"
    root_iam(world, world.source).delete_policy_version(PolicyArn=policy, VersionId="v1")

    assert losses(sessions, journal.way_back(), journal.entries) == (
        f"{policy}: its version v1 is gone. Its text comes back as a new version.",
    )


def test_a_version_that_made_room_is_gone_for_good(world: World) -> None:
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)
    deleted = Entry(
        "2026-11-24T10:15:00Z",
        world.source,
        "DeletePolicyVersion",
        "managed-policy policy/xacct-reports",
        "made",
        kept={"v1": json.loads("{}")},
    )

    assert losses(sessions, journal.way_back(), [deleted]) == (
        "managed-policy policy/xacct-reports: version v1 is gone for good. Its text is in the journal.",
    )
