"""A fleet is planned, applied and proven in many accounts of the sandbox; one bad account stops nobody."""

import json

import pytest

from support.fleet_world import ROLE, FleetWorld, a_fleet_world
from xacct_nb.errors import NotAccepted, StalePlan
from xacct_nb.fleets.plan import FleetPlan
from xacct_nb.fleets.result import FleetResult
from xacct_nb.runs.fleet.fleet_work import (
    apply_fleet,
    plan_fleet,
    plan_rollback,
    prove_fleet,
    roll_back_fleet,
)
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import set_organization
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.views import text

TRUST = (
    '{"Version":"2012-10-17","Statement":'
    '[{"Effect":"Allow","Principal":{"AWS":"%s"},"Action":"sts:AssumeRole"}]}'
)


@pytest.fixture
def members(sandbox: Sandbox, world: World) -> FleetWorld:
    return a_fleet_world(sandbox, world, 5)


def planned(members: FleetWorld, **more: object) -> FleetPlan:
    return plan_fleet(members.fleet(**more), members.access)


def applied(members: FleetWorld, plan: FleetPlan | None = None, **more: object) -> FleetResult:
    plan = plan or planned(members)
    return apply_fleet(members.fleet(), plan, members.access, approved=plan.digest, **more)


def test_a_fleet_is_planned_applied_and_proven_in_every_account(members: FleetWorld) -> None:
    plan, told = planned(members), list[tuple[str, int, int]]()
    result = applied(members, plan, progress=lambda *each: told.append(each))

    assert [each[:2] for each in told[:2]] == [("Source accounts", 1), ("Wave 1 of 2", 2)]
    assert [each[1:] for each in told] == [(number, 6) for number in range(1, 7)]
    assert plan.summary == "Plan: 12 to add, 0 to change, 0 to destroy, in 6 accounts."
    assert result.summary == "Fleet: 5 of 5 roles proven."
    assert result.holds
    assert all(map(members.has_role, members.members))


def test_a_second_run_changes_nothing_and_proves_it_again(members: FleetWorld) -> None:
    applied(members)
    plan = planned(members)
    journal = list[object]()
    result = applied(members, plan, journal=journal)

    assert plan.summary == "No changes. The live state is what the fleet says."
    assert result.summary == "Fleet: 5 of 5 roles proven."
    assert journal == []


def test_nothing_is_changed_where_another_plan_was_approved(members: FleetWorld) -> None:
    with pytest.raises(StalePlan, match="was not approved"):
        apply_fleet(members.fleet(), planned(members), members.access, approved="0" * 64)

    assert not any(map(members.has_role, members.members))


def test_findings_have_to_be_accepted_before_anything_is_changed(members: FleetWorld) -> None:
    plan = planned(members, accept=[])

    assert plan.unaccepted == ("wildcard-resource",)
    with pytest.raises(NotAccepted, match="widens access: wildcard-resource"):
        apply_fleet(members.fleet(accept=[]), plan, members.access, approved=plan.digest)


def test_an_account_that_cannot_be_entered_is_named_and_stops_no_other(members: FleetWorld) -> None:
    closed = members.members[2]
    members.root(closed).delete_role_policy(
        RoleName="OrganizationAccountAccessRole", PolicyName="AdministratorAccess"
    )
    plan = planned(members)
    result = applied(members, plan)

    assert plan.summary.endswith("in 5 accounts. 1 account could not be planned.")
    assert closed in text(plan.view())
    assert result.summary == "Fleet: 4 of 5 roles proven, 1 unreadable."
    assert [each.account for each in result.missing] == [closed]


def test_an_account_that_changed_since_the_approval_is_left_as_it_is(members: FleetWorld) -> None:
    plan = planned(members)
    other = members.members[3]
    members.root(other).create_role(RoleName=ROLE, AssumeRolePolicyDocument=TRUST % other)
    result = applied(members, plan)

    assert result.summary == "Fleet: 4 of 5 roles proven, 1 unreadable."
    assert "was not made for the grant" in result.missing[0].reason
    assert members.root(other).list_role_policies(RoleName=ROLE)["PolicyNames"] == []


class TestRollBack:
    def test_takes_the_access_from_every_account(self, members: FleetWorld) -> None:
        undone = rolled_back(members, applied(members))

        assert undone.summary == "Fleet: 6 of 6 slices rolled back."
        assert not any(map(members.has_role, members.members))
        assert planned(members).summary == "Plan: 12 to add, 0 to change, 0 to destroy, in 6 accounts."

    def test_leaves_an_account_that_others_changed_since_and_says_so(self, members: FleetWorld) -> None:
        result, changed = applied(members), members.members[2]
        members.root(changed).put_role_policy(
            RoleName=ROLE, PolicyName="another", PolicyDocument=policy("Allow", "s3:GetObject")
        )
        undone = rolled_back(members, result)

        assert rollback_plan(members, result).whole.notes == (
            f"1 account is left as it is: {changed} (Nothing was rolled back: "
            f"inline-policy another on role/{ROLE} was added).",
        )
        assert undone.summary == "Fleet: 5 of 6 slices rolled back, 1 drifted."
        assert "another" in undone.missing[0].reason
        assert [account for account in members.members if members.has_role(account)] == [changed]

    def test_may_be_repeated_and_then_changes_nothing(self, members: FleetWorld) -> None:
        result = applied(members)
        rolled_back(members, result)

        assert rollback_plan(members, result).changed == ()

    def test_needs_the_approval_of_its_own_plan(self, members: FleetWorld) -> None:
        result = applied(members)
        plan = rollback_plan(members, result)
        with pytest.raises(StalePlan, match="was not approved"):
            roll_back_fleet(members.fleet(), plan, members.access, approved=planned(members).digest)

        assert all(map(members.has_role, members.members))


def rollback_plan(members: FleetWorld, result: FleetResult) -> FleetPlan:
    changes = [change for each in result.results for change in each.changes]
    return plan_rollback(members.fleet(), changes, members.access)


def rolled_back(members: FleetWorld, result: FleetResult) -> FleetResult:
    plan = rollback_plan(members, result)
    return roll_back_fleet(members.fleet(), plan, members.access, approved=plan.digest)


class TestAProof:
    def test_of_the_fleet_alone_changes_nothing(self, members: FleetWorld) -> None:
        applied(members)

        assert prove_fleet(members.fleet(), members.access).summary == "Fleet: 5 of 5 roles proven."

    def test_names_what_others_changed_since(self, members: FleetWorld) -> None:
        applied(members)
        members.root(members.members[1]).delete_role_policy(RoleName=ROLE, PolicyName="xacct-readers")
        result = prove_fleet(members.fleet(), members.access)

        assert result.summary == "Fleet: 4 of 5 roles proven, 1 drifted."
        assert "missing: inline-policy xacct-readers on role/reports-reader" in result.missing[0].reason


class TestAFailingAccount:
    def test_is_rolled_back_and_the_next_run_finishes_it(self, members: FleetWorld) -> None:
        plan, refused = planned(members), members.members[1]
        deny(members, refused, "iam:PutRolePolicy")
        first = applied(members, plan)

        assert first.summary == "Fleet: 4 of 5 roles proven, 1 rolled-back."
        assert not members.has_role(refused)
        deny(members, refused, "iam:DeleteUser")
        second = applied(members)
        assert second.summary == "Fleet: 5 of 5 roles proven."
        assert [each.account for each in second.results if each.changes] == [refused]

    def test_whose_proof_fails_has_the_cause_from_the_diagnosis(self, members: FleetWorld) -> None:
        broken, path = members.members[4], f"o-{members.members[4]}/r-ab12/"
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        no_users = {"Effect": "Deny", "Action": "iam:ListUsers", "Resource": "*"}
        limit = {"Version": "2012-10-17", "Statement": [everything, no_users]}
        set_organization(
            members.sandbox, f"o-{broken}", {broken: path}, service_control_policies={broken: [[limit]]}
        )
        result = applied(members)

        assert result.summary == "Fleet: 4 of 5 roles proven, 1 proof-failed."
        assert "Allowed was expected, AWS returned Denied" in result.missing[0].reason
        assert "service control policy" in result.missing[0].cause

    def test_in_the_first_wave_stops_all_others(self, members: FleetWorld) -> None:
        plan = planned(members)
        deny(members, members.members[0], "iam:CreateRole")
        result = applied(members, plan, waves=(1, 2))

        assert result.summary == "Fleet: 0 of 5 roles proven, 4 not-started, 1 rolled-back."
        assert result.stopped.startswith("Stopped before wave 2: 1 account failed, and at most 0 may.")
        assert not any(map(members.has_role, members.members))

    def test_that_may_fail_stops_nobody(self, members: FleetWorld) -> None:
        plan = planned(members)
        deny(members, members.members[0], "iam:CreateRole")
        result = applied(members, plan, waves=(1, 2), tolerance=1)

        assert result.summary == "Fleet: 4 of 5 roles proven, 1 rolled-back."


def policy(effect: str, action: str) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": "*"}]}
    )


def deny(members: FleetWorld, account: str, action: str) -> None:
    """Deny an action to the role that administers a member account."""
    members.root(account).put_role_policy(
        RoleName="OrganizationAccountAccessRole", PolicyName="deny", PolicyDocument=policy("Deny", action)
    )
