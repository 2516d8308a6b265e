"""An approval covers what it lets in: what adopted roles can already do, what is accepted, what is lost."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from support.adopted_role import POWER_USER, READ_ONLY, by_hand, policy_by_hand, policy_of, trusting
from support.desk import Desk
from support.examples import SOME_POLICY, a_grant, applied, grant_in, plan_of, root_iam, sessions_in
from support.form_texts import text_of_html, words
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws.sessions import Sessions
from xacct_nb.aws.writer import apply
from xacct_nb.changes.access import describe_document
from xacct_nb.changes.approval import plan_differences
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.planner import diff
from xacct_nb.errors import StalePlan
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.state import State
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.views import html

sandbox = in_process_sandbox
IAM_FULL = "arn:aws:iam::aws:policy/IAMFullAccess"
EVERYTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)
READER = {"RoleName": "reports-reader"}


def adopting(world: World, **fields: Any) -> Grant:
    return grant_in(world, adopt=True, **fields)


def planned_before(world: World, act: Callable[[Any], Any]) -> tuple[Grant, Sessions, Plan]:
    """A plan that adopts a role made by hand, and what was done to the role since."""
    iam, grant = by_hand(world), adopting(world)
    sessions = sessions_in(world, grant)
    planned = plan_of(grant, sessions)
    act(iam)
    return grant, sessions, planned


def own_policy(iam: Any, name: str = "own-managed") -> str:
    made = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(SOME_POLICY))
    return str(made["Policy"]["Arn"])


def give_full_access(iam: Any) -> None:
    iam.attach_role_policy(**READER, PolicyArn=IAM_FULL)


def write_inline(iam: Any) -> None:
    iam.put_role_policy(**READER, PolicyName="later", PolicyDocument=EVERYTHING)


def rewrite_inline(iam: Any) -> None:
    iam.put_role_policy(**READER, PolicyName="own", PolicyDocument=EVERYTHING)


def open_as_revocation(iam: Any) -> None:
    """A policy of the name that ends sessions may also allow."""
    iam.put_role_policy(**READER, PolicyName="AWSRevokeOlderSessions", PolicyDocument=EVERYTHING)


def detach_read_only(iam: Any) -> None:
    iam.detach_role_policy(**READER, PolicyArn=READ_ONLY)


def drop_boundary(iam: Any) -> None:
    iam.delete_role_permissions_boundary(**READER)


def other_boundary(iam: Any) -> None:
    iam.put_role_permissions_boundary(**READER, PermissionsBoundary=READ_ONLY)


SINCE_THE_PLAN = [
    (give_full_access, "there now: attachment IAMFullAccess on role/reports-reader. role/reports-reader can"),
    (
        write_inline,
        "there now: inline-policy later on role/reports-reader. role/reports-reader can already do",
    ),
    (
        rewrite_inline,
        'inline-policy own on role/reports-reader: Statement[0].Action was "s3:ListAllMyBuckets"',
    ),
    (open_as_revocation, "there now: inline-policy AWSRevokeOlderSessions on role/reports-reader."),
    (detach_read_only, "no longer there: attachment ReadOnlyAccess on role/reports-reader"),
    (drop_boundary, "no longer there: boundary PowerUserAccess on role/reports-reader"),
    (other_boundary, "there now: boundary ReadOnlyAccess on role/reports-reader."),
]


class TestAnAdoptedRole:
    def test_what_it_can_already_do_is_shown_before_the_digest(self, world: World) -> None:
        by_hand(world)
        plan = plan_of(adopting(world), sessions_in(world, adopting(world)))
        shown = str(plan)

        assert (
            "role/reports-reader can already do, by the inline policy own: s3:ListAllMyBuckets on *" in shown
        )
        assert "role/reports-reader can already do, by the policy ReadOnlyAccess (v1): a4b:Get*" in shown
        assert (
            "role/reports-reader can do at most, by its boundary policy PowerUserAccess (v1): every" in shown
        )
        assert shown.splitlines()[-1] == f"Digest: {plan.digest}"
        assert words(shown) == words(text_of_html(html(plan.view())))

    def test_the_plan_has_the_documents_and_keeps_its_digest_through_json(self, world: World) -> None:
        by_hand(world)
        plan = plan_of(adopting(world), sessions_in(world, adopting(world)))
        found = {each["name"]: each["value"] for each in plan.to_json()["access"]}

        assert found["own"] == SOME_POLICY
        assert found[READ_ONLY]["version"] == "v1"
        assert found[POWER_USER]["document"]["Statement"][0]["Effect"] == "Allow"
        assert Plan.from_json(json.loads(json.dumps(plan.to_json()))).digest == plan.digest

    @pytest.mark.parametrize(("act", "named"), SINCE_THE_PLAN)
    def test_what_changes_after_the_plan_makes_it_stale_and_is_named(
        self, world: World, act: Any, named: str
    ) -> None:
        grant, sessions, planned = planned_before(world, act)
        now = plan_of(grant, sessions)

        assert now.changes == planned.changes
        assert now.digest != planned.digest
        assert [line for line in plan_differences(planned, now) if line.startswith(named)]

    @pytest.mark.parametrize(("act", "named"), SINCE_THE_PLAN)
    def test_it_is_read_once_more_right_before_the_first_change(
        self, world: World, act: Any, named: str
    ) -> None:
        grant, sessions, planned = planned_before(world, act)

        with pytest.raises(StalePlan) as stale:
            apply(planned, sessions, approved=planned.digest, patience=1)
        assert named in str(stale.value)
        assert plan_of(grant, sessions).changes == planned.changes

    def test_a_new_default_version_of_an_attached_policy_makes_it_stale(self, world: World) -> None:
        iam, grant = by_hand(world), adopting(world)
        policy = own_policy(iam)
        iam.attach_role_policy(**READER, PolicyArn=policy)
        sessions = sessions_in(world, grant)
        planned = plan_of(grant, sessions)
        iam.create_policy_version(PolicyArn=policy, PolicyDocument=EVERYTHING, SetAsDefault=True)
        named = plan_differences(planned, plan_of(grant, sessions))

        assert 'attachment own-managed on role/reports-reader: version was "v1", is "v2"' in named
        with pytest.raises(StalePlan, match="own-managed"):
            apply(planned, sessions, approved=planned.digest, patience=1)

    def test_a_policy_that_no_longer_exists_is_said_to_be_unknown(self, world: World) -> None:
        iam, grant = by_hand(world), adopting(world)
        iam.attach_role_policy(**READER, PolicyArn="arn:aws:iam::aws:policy/RetiredAccess")
        shown = str(plan_of(grant, sessions_in(world, grant)))

        assert "attachment RetiredAccess does not exist, so it is not known what it allows." in shown

    def test_an_external_id_in_a_kept_policy_is_nowhere(self, world: World) -> None:
        iam, grant = by_hand(world), adopting(world)
        condition = {"StringEquals": {"sts:ExternalId": "kept-Ext.Id-77"}}
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*", "Condition": condition}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(**READER, PolicyName="hop", PolicyDocument=document)
        plan = plan_of(grant, sessions_in(world, grant))

        assert "sts:ExternalId" in json.dumps(plan.to_json())
        assert "kept-Ext" not in json.dumps(plan.to_json()) + str(plan)
        assert plan.secrets == {"kept-Ext.Id-77"}

    def test_who_keeps_an_adopted_caller_policy_is_covered(self, world: World) -> None:
        iam, grant = policy_by_hand(world), adopting(world)
        sessions = sessions_in(world, grant)
        planned = plan_of(grant, sessions)
        iam.attach_user_policy(UserName="admin", PolicyArn=policy_of(world))
        now = plan_of(grant, sessions)

        assert "user/mallory keeps the policy xacct-reports, which this plan changes." in str(planned)
        assert plan_differences(planned, now)[0].startswith(
            "there now: attachment xacct-reports on user/admin"
        )


class TestARoleOfTheGrant:
    def test_without_other_policies_the_digest_is_of_the_changes_alone(self, world: World) -> None:
        applied(grant_in(world), sessions_in(world, grant_in(world)))
        grant = grant_in(world, session_minutes=90)
        plan = plan_of(grant, sessions_in(world, grant))

        assert (plan.access, plan.lost, plan.accepted) == ((), (), ())
        assert plan.digest == Plan(plan.grant, plan.changes).digest

    def test_what_others_attach_to_it_after_the_plan_makes_it_stale(self, world: World) -> None:
        applied(grant_in(world), sessions_in(world, grant_in(world)))
        grant = grant_in(world, session_minutes=90)
        sessions = sessions_in(world, grant)
        planned = plan_of(grant, sessions)
        give_full_access(root_iam(world, world.destination))

        assert plan_of(grant, sessions).digest != planned.digest

    def test_where_nothing_changes_nothing_is_covered(self, world: World) -> None:
        by_hand(world)
        grant = adopting(world, accept=["full-access-policy"], managed_policies=[POWER_USER])
        applied(grant, sessions_in(world, grant))
        give_full_access(root_iam(world, world.destination))
        plan = plan_of(grant, sessions_in(world, grant))

        assert plan.digest == Plan(plan.grant, ()).digest

    def test_the_document_of_a_policy_that_is_attached_is_covered(self, world: World) -> None:
        iam = root_iam(world, world.destination)
        policy = own_policy(iam)
        grant = grant_in(world, managed_policies=[policy])
        sessions = sessions_in(world, grant)
        planned = plan_of(grant, sessions)
        iam.create_policy_version(PolicyArn=policy, PolicyDocument=EVERYTHING, SetAsDefault=True)

        assert "role/reports-reader gets, by the policy own-managed (v1): s3:ListAllMyBuckets on *" in str(
            planned
        )
        assert plan_of(grant, sessions).digest != planned.digest
        with pytest.raises(StalePlan, match="own-managed"):
            apply(planned, sessions, approved=planned.digest, patience=1)


class TestAccepted:
    def test_a_code_accepted_after_the_plan_makes_it_stale(self) -> None:
        was, now = (diff(build(a_grant(accept=codes)), State({})) for codes in ([], ["wildcard-action"]))

        assert was.digest != now.digest
        assert plan_differences(was, now) == ("accepted now, not when the plan was made: wildcard-action",)
        assert plan_differences(now, was) == ("no longer accepted: wildcard-action",)
        assert "The grant accepts these findings: wildcard-action." in str(now)

    def test_the_order_of_the_codes_does_not_matter(self) -> None:
        one, other = ["wildcard-action", "whole-account-trust"], ["whole-account-trust", "wildcard-action"]

        assert len({diff(build(a_grant(accept=each)), State({})).digest for each in (one, other)}) == 1


def full(world: World) -> tuple[Grant, Any]:
    """A grant whose caller policy has five versions, and one that makes a sixth."""
    applied(grant_in(world), sessions_in(world, grant_in(world)))
    iam = root_iam(world, world.source)
    for _ in range(4):
        iam.create_policy_version(PolicyArn=policy_of(world), PolicyDocument=json.dumps(SOME_POLICY))
    roles = [*grant_in(world).destinations, f"arn:aws:iam::{world.destination}:role/writer"]
    return grant_in(world, destinations=roles), iam


class TestLostVersions:
    def test_a_version_that_makes_room_for_a_sixth_is_named_with_its_text(self, world: World) -> None:
        grant, _ = full(world)
        plan = plan_of(grant, sessions_in(world, grant))

        assert [each.value for each in plan.lost] == [SOME_POLICY]
        assert (
            f"Version v2 of {policy_of(world)} is deleted for good. It allows: s3:ListAllMyBuckets on *"
            in str(plan)
        )

    def test_the_version_that_is_named_is_the_one_that_is_deleted(self, world: World) -> None:
        grant, iam = full(world)
        applied(grant, sessions_in(world, grant))
        left = [
            each["VersionId"] for each in iam.list_policy_versions(PolicyArn=policy_of(world))["Versions"]
        ]

        assert sorted(left) == ["v1", "v3", "v4", "v5", "v6"]

    def test_another_version_to_be_lost_makes_the_plan_stale(self, world: World) -> None:
        grant, iam = full(world)
        sessions = sessions_in(world, grant)
        planned = plan_of(grant, sessions)
        iam.delete_policy_version(PolicyArn=policy_of(world), VersionId="v2")
        iam.create_policy_version(PolicyArn=policy_of(world), PolicyDocument=EVERYTHING)

        assert "Version v3 of" in plan_of(grant, sessions).lost[0].what
        with pytest.raises(StalePlan, match=r"lost: Version v2 of"):
            apply(planned, sessions, approved=planned.digest, patience=1)

    def test_with_room_for_a_version_nothing_is_lost(self, world: World) -> None:
        grant, iam = full(world)
        iam.delete_policy_version(PolicyArn=policy_of(world), VersionId="v3")

        assert plan_of(grant, sessions_in(world, grant)).lost == ()


class TestRuns:
    @pytest.fixture
    def desk(self, desk: Desk) -> Desk:
        return replace(desk, in_process=True)

    def test_full_access_attached_between_plan_and_approval_ends_stale(self, desk: Desk) -> None:
        iam = by_hand(desk.world)
        digest = desk.run(adopt=True).record.plan.digest
        give_full_access(iam)
        ended = desk.run(adopt=True, approve=digest)

        assert (ended.record.status, ended.record.error.code) == ("stale-plan", "stale-plan")
        assert "there now: attachment IAMFullAccess on role/reports-reader." in ended.record.error.why
        assert "iam:*" in ended.record.error.why
        assert iam.get_role(**READER)["Role"]["Description"] == "Made by hand"

    @pytest.mark.exhaustive
    def test_a_roll_back_covers_what_the_restored_role_can_do(self, desk: Desk) -> None:
        iam = by_hand(desk.world)
        digest = desk.run(adopt=True).record.plan.digest
        desk.run(adopt=True, approve=digest)
        back = desk.run("roll_back").record.plan
        give_full_access(iam)
        stale = desk.run("roll_back", approve=back.digest)

        assert "role/reports-reader can already do, by the inline policy own" in str(back)
        assert (stale.record.status, stale.record.error.code) == ("stale-plan", "stale-plan")
        assert "IAMFullAccess" in stale.record.error.why

    def test_what_a_roll_back_cannot_restore_is_part_of_its_digest(self, desk: Desk) -> None:
        source = root_iam(desk.world, desk.world.source)
        source.create_user(UserName="carol")
        carol = f"arn:aws:iam::{desk.world.source}:user/carol"
        iam = root_iam(desk.world, desk.world.destination)
        iam.create_role(**READER, AssumeRolePolicyDocument=json.dumps(trusting(carol)))
        digest = desk.run(adopt=True).record.plan.digest
        desk.run(adopt=True, approve=digest)
        whole = desk.run("roll_back").record.plan
        source.delete_user(UserName="carol")
        less = desk.run("roll_back", approve=whole.digest)

        assert (less.record.status, less.record.error.code) == ("stale-plan", "stale-plan")
        assert "lost now: " in less.record.error.why
        assert "which was deleted: AWS refuses to write that." in less.record.error.why


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, "s3:* on *"),
        (
            {"Effect": "Deny", "NotAction": ["iam:*"], "Resource": ["a", "b"]},
            "not: every action but iam:* on a, b",
        ),
        ({"Effect": "Allow", "Action": "s3:*", "NotResource": "x"}, "s3:* on every resource but x"),
        (
            {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:MFA": "true"}}},
            '* on * if {"Bool":{"aws:MFA":"true"}}',
        ),
        ({"Effect": "Allow", "Action": [*"abcdefgh"], "Resource": "*"}, "a, b, c, d, e, f, g, h on *"),
    ],
)
def test_a_policy_is_shown_without_leaving_anything_out(statement: Any, shown: str) -> None:
    assert describe_document({"Statement": statement}) == shown
