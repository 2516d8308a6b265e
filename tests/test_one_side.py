"""One side of a grant alone: built, read, planned, applied and undone, with no session in the other."""

import json
from typing import Any

import pytest

from support.examples import a_grant, endpoint_of, grant_in, plan_of, root_iam, sessions_in
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws.reader import read
from xacct_nb.aws.sessions import Sessions, check_both_sides, open_sessions
from xacct_nb.aws.writer import apply, rollback
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.planner import diff
from xacct_nb.errors import UnresolvedSecret, WrongAccount
from xacct_nb.grants.documents import DESTINATION, SIDES, SOURCE, build
from xacct_nb.grants.grant import Grant
from xacct_nb.linting.findings import lint
from xacct_nb.sandbox.server.accounts import World

sandbox = in_process_sandbox


def one_side(world: World, grant: Grant, side: str) -> Sessions:
    """The administrator's session of one account, and no other."""
    profiles: dict[str, Any] = {f"{side}_profiles": [f"{side}-admin"]}
    sessions = open_sessions(grant, side=side, endpoint=endpoint_of(world), **profiles)
    check_both_sides(sessions)
    return sessions


def plan_side(sessions: Sessions) -> Plan:
    return diff(sessions.documents, read(sessions.documents, sessions))


class TestTheDocuments:
    @pytest.mark.parametrize("side", SIDES)
    def test_of_one_side_are_those_of_both_without_the_other(self, side: str) -> None:
        grant = a_grant()

        assert build(grant, side) == build(grant).of_side(side)

    def test_the_source_side_has_the_caller_policy_alone(self) -> None:
        documents = build(a_grant(), SOURCE)

        assert list(documents.caller_policies) == ["arn:aws:iam::111111111111:user/alice"]
        assert (documents.trust_policies, documents.permissions_policies) == ({}, {})
        assert "Trust policy" not in str(documents)

    def test_the_destination_side_has_the_role_alone(self) -> None:
        documents = build(a_grant(), DESTINATION)

        assert documents.caller_policies == {}
        assert list(documents.trust_policies) == ["arn:aws:iam::222222222222:role/reports-reader"]
        assert "Caller policy" not in str(documents)

    def test_the_source_side_needs_no_external_id(self) -> None:
        grant = a_grant(conditions={"external_id": "env:NOT_LOOKED_UP"})

        assert build(grant, SOURCE).caller_policies
        with pytest.raises(UnresolvedSecret):
            build(grant, DESTINATION)

    @pytest.mark.parametrize("side", SIDES)
    def test_findings_are_on_what_is_there(self, side: str) -> None:
        found = {each.where.split()[0] for each in lint(build(a_grant(permissions=[]), side)).found}

        assert found <= {"permissions", "caller", "trust"}


class TestTheSessions:
    @pytest.mark.parametrize("side", SIDES)
    def test_of_one_side_reach_no_other_account(self, world: World, side: str) -> None:
        sessions = one_side(world, grant_in(world), side)
        other = {SOURCE: world.destination, DESTINATION: world.source}[side]

        with pytest.raises(WrongAccount):
            sessions.admin(other, "iam")

    def test_the_profiles_of_the_other_side_stay_closed(self, world: World) -> None:
        sessions = open_sessions(
            grant_in(world),
            source_profiles=["no-such-profile"],
            destination_profiles=["destination-admin"],
            endpoint=endpoint_of(world),
            side=DESTINATION,
        )

        assert [each.part for each in sessions.identities] == ["destination"]


class TestThePlan:
    def test_the_two_sides_together_are_the_whole_plan(self, world: World) -> None:
        grant = grant_in(world)
        whole = plan_of(grant, sessions_in(world, grant)).changes
        sides = [plan_side(one_side(world, grant, side)).changes for side in (DESTINATION, SOURCE)]

        assert [change.key for side in sides for change in side] == [change.key for change in whole]

    def test_each_side_is_applied_and_undone_by_itself(self, world: World) -> None:
        grant = grant_in(world)
        journals = []
        for side in (DESTINATION, SOURCE):
            sessions = one_side(world, grant, side)
            plan = plan_side(sessions)
            journals.append((apply(plan, sessions, approved=plan.digest, patience=1), sessions))
            assert plan_side(sessions).changes == ()

        assert plan_of(grant, sessions_in(world, grant)).changes == ()

        for journal, sessions in reversed(journals):
            rollback(journal, sessions, patience=1)
        left = plan_of(grant, sessions_in(world, grant))
        assert {change.sign for change in left.changes} == {"+"}

    def test_a_group_that_was_not_read_gets_no_note(self, world: World) -> None:
        root_iam(world, world.source).create_group(GroupName="readers")
        grant = grant_in(world, attach_to=f"arn:aws:iam::{world.source}:group/readers")

        assert plan_side(one_side(world, grant, DESTINATION)).notes == ()
        assert "is not in" in " ".join(plan_side(one_side(world, grant, SOURCE)).notes)

    def test_of_the_source_side_says_what_denies_the_caller(self, world: World) -> None:
        deny = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Deny", "Action": "sts:*", "Resource": "*"}],
        }
        iam = root_iam(world, world.source)
        iam.put_user_policy(UserName="alice", PolicyName="no-roles", PolicyDocument=json.dumps(deny))
        sessions = one_side(world, grant_in(world), SOURCE)
        found = lint(sessions.documents, read(sessions.documents, sessions))

        assert "caller-denied" in [each.code for each in found.found]
