"""The findings on what the accounts of a fleet have already: grouped, and a bad account is left out."""

import json
from typing import Any

import pytest

from support.fleet_world import ROLE, FleetWorld, a_fleet_world
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.fleets.live_findings import grouped, in_any_account
from xacct_nb.fleets.plan import FleetPlan
from xacct_nb.fleets.result import FleetResult
from xacct_nb.linting.rules.rule import Finding
from xacct_nb.runs.fleet.fleet_work import apply_fleet, plan_fleet
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.views import text

sandbox = in_process_sandbox
OF_TERRAFORM = [{"Key": "managed-by", "Value": "terraform"}]


@pytest.fixture
def members(sandbox: Sandbox, world: World) -> FleetWorld:
    return a_fleet_world(sandbox, world, 4)


def document(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def by_hand(members: FleetWorld, account: str, *, denies: str = "", **more: Any) -> None:
    """Make the role of the fleet in an account, as somebody else has it."""
    iam = members.root(account)
    trust = document(Effect="Allow", Principal={"AWS": account}, Action="sts:AssumeRole")
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust, **more)
    if denies:
        deny = document(Effect="Deny", Action=denies, Resource="*")
        iam.put_role_policy(RoleName=ROLE, PolicyName="guard", PolicyDocument=deny)


def planned(members: FleetWorld, **more: Any) -> FleetPlan:
    return plan_fleet(members.fleet(adopt=True, **more), members.access)


def applied(members: FleetWorld, plan: FleetPlan, **more: Any) -> FleetResult:
    fleet = members.fleet(adopt=True, **more)
    return apply_fleet(fleet, plan, members.access, approved=plan.digest)


def codes(plan: FleetPlan) -> list[str]:
    return [each.code for each in plan.findings.found]


def test_accounts_in_which_nothing_is_yet_have_no_finding_of_their_own(members: FleetWorld) -> None:
    assert codes(planned(members)) == []


def test_equal_findings_of_several_accounts_are_one_that_says_in_how_many(members: FleetWorld) -> None:
    first, second, *_ = members.members
    for account in (first, second):
        by_hand(members, account, denies="iam:ListUsers")
    plan = planned(members)
    denied = next(each for each in plan.findings.found if each.code == "role-denied")

    assert f"in 2 of 4 destination accounts of readers: {first}, {second}" in denied.where
    assert "shut-out" in codes(plan)
    assert "role-denied" in text(plan.view())


def test_one_account_shows_its_own_findings_alone(members: FleetWorld) -> None:
    first, second, *_ = members.members
    by_hand(members, first, denies="iam:ListUsers")
    plan = planned(members)

    assert "role-denied" in codes(plan.of(first))
    assert f"in the destination account of readers: {first}" in text(plan.of(first).view())
    assert codes(plan.of(second)) == []


def test_a_deny_that_a_caller_has_is_found_once_for_the_fleet(members: FleetWorld) -> None:
    closed = f"arn:aws:iam::{members.members[3]}:role/*"
    deny = document(Effect="Deny", Action="sts:AssumeRole", Resource=closed)
    members.root(members.world.source).put_user_policy(
        UserName="alice", PolicyName="guard", PolicyDocument=deny
    )
    (found,) = planned(members).findings.found

    assert (found.code, found.severity) == ("caller-denied", "warning")
    assert f"sts:AssumeRole on arn:aws:iam::{members.members[3]}:role/reports-reader" in found.why


class TestAnAccountWithAFindingThatNobodyAccepted:
    def test_is_left_out_with_the_reason_and_stops_no_other(self, members: FleetWorld) -> None:
        held = members.members[1]
        by_hand(members, held, Tags=OF_TERRAFORM)
        plan = planned(members)
        result = applied(members, plan)

        assert plan.summary.endswith("in 4 accounts. 1 account left out, by findings to accept.")
        assert result.summary == "Fleet: 3 of 4 roles proven, 1 not-accepted."
        assert result.missing[0].account == held
        assert result.missing[0].reason.startswith("managed-elsewhere: role/reports-reader. ")
        assert result.missing[0].hint.startswith("Add to the grant: accept: [managed-elsewhere], or ")
        assert members.root(held).list_role_policies(RoleName=ROLE)["PolicyNames"] == []

    def test_is_in_the_plan_once_the_grant_accepts_it(self, members: FleetWorld) -> None:
        by_hand(members, members.members[1], Tags=OF_TERRAFORM)
        accept = {"accept": ["wildcard-resource", "managed-elsewhere"]}
        plan = planned(members, **accept)

        assert "managed-elsewhere" in codes(plan)
        assert plan.whole.accepted == ("managed-elsewhere", "wildcard-resource")
        assert applied(members, plan, **accept).summary == "Fleet: 4 of 4 roles proven."


def test_a_name_that_is_taken_under_another_path_leaves_one_account_out(members: FleetWorld) -> None:
    by_hand(members, members.members[0], Path="/team/")
    plan = planned(members)

    assert plan.summary.endswith("in 4 accounts. 1 account could not be planned.")


def test_a_run_without_changes_reads_nothing_around_the_roles(members: FleetWorld) -> None:
    applied(members, planned(members))
    closed = document(Effect="Deny", Action=["iam:GetAccountSummary", "iam:ListRoles"], Resource="*")
    for account in members.members:
        members.root(account).put_role_policy(
            RoleName="OrganizationAccountAccessRole", PolicyName="deny", PolicyDocument=closed
        )
    plan = planned(members)

    assert (plan.changed, codes(plan)) == ((), [])


def test_a_finding_of_one_account_keeps_its_id_and_one_of_many_has_a_place_for_it() -> None:
    def finding(account: str) -> Finding:
        return Finding("role-denied", "warning", f"role of {account}", "why", "mend")

    about = ("readers", "destination")
    own = {"222222222222": [finding("222222222222")]}
    more = own | {"333333333333": [finding("333333333333")]}

    assert in_any_account(finding("222222222222"), "222222222222").where == "role of {account}"
    assert grouped({about: own}, {about: 9})[0].where.startswith("role of 222222222222\nin 1 of 9 ")
    assert [each.where.partition("\n")[0] for each in grouped({about: more}, {about: 9})] == [
        "role of {account}"
    ]
