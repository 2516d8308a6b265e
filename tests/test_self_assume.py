"""A role that may assume itself: made in two steps, proven by its own session, undone as a whole."""

from typing import Any

import pytest

from support.examples import ALICE, ROLE, a_grant, applied, calls, grant_in, plan_of, root_iam, sessions_in
from support.in_process_sandbox import in_process_sandbox
from support.restricted_admin import restricted_admin
from xacct_nb.aws.probes import prove
from xacct_nb.aws.writer import apply, rollback
from xacct_nb.changes.proof import SELF, expected_probes
from xacct_nb.errors import InvalidGrant, RollbackFailed, RolledBack
from xacct_nb.grants.documents import build
from xacct_nb.grants.sentences import access_sentences
from xacct_nb.linting.findings import lint
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import misbehaving
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox


def trust_of(world: World) -> Any:
    iam = root_iam(world, world.destination)
    return iam.get_role(RoleName="reports-reader")["Role"]["AssumeRolePolicyDocument"]


def roles_of(world: World) -> list[str]:
    """The roles in the destination, without the one that every sandbox has."""
    names = [each["RoleName"] for each in root_iam(world, world.destination).list_roles()["Roles"]]
    return [name for name in names if name != "summary-reader"]


def principals(world: World) -> Any:
    return trust_of(world)["Statement"][0]["Principal"]["AWS"]


# --- what is written


def test_each_role_trusts_the_sources_and_itself() -> None:
    other = "arn:aws:iam::222222222222:role/writer"
    trusts = build(a_grant(self_assume=True, destinations=[ROLE, other])).trust_policies

    assert [trust["Statement"][0]["Principal"]["AWS"] for trust in trusts.values()] == [
        [ALICE, ROLE],
        [ALICE, other],
    ]


@pytest.mark.parametrize("conditions", [{"require_mfa": True}, {"role_session_name": "${aws:username}"}])
def test_a_condition_that_no_session_of_the_role_meets_is_refused(conditions: dict[str, Any]) -> None:
    with pytest.raises(InvalidGrant, match="self_assume: a session of the role can never meet"):
        a_grant(self_assume=True, conditions=conditions)


def test_the_findings_and_the_sentence_say_that_a_session_can_renew_itself() -> None:
    grant = a_grant(self_assume=True)

    assert [each.code for each in lint(build(grant)).found] == ["renewable-session"]
    assert access_sentences(grant)[0].endswith("for 1 hour at a time, and the role may assume itself again.")


def test_a_role_that_is_to_assume_itself_is_no_finding_once_the_grant_says_so() -> None:
    again = {"actions": ["sts:AssumeRole"], "resources": [ROLE]}
    codes = [
        [each.code for each in lint(build(a_grant(permissions=[again], self_assume=said))).found]
        for said in (False, True)
    ]

    assert ["self-trust-missing" in each for each in codes] == [True, False]


# --- in two steps


def test_a_new_role_is_made_trusts_itself_and_is_proven_to_assume_itself(world: World) -> None:
    grant = grant_in(world, self_assume=True, conditions={"external_id": "partner-7"})
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)
    proof = prove(grant, sessions, patience=1)
    own = [each for each in proof.outcomes if each.probe.kind == SELF]

    assert calls(journal)[:2] == ["CreateRole", "UpdateAssumeRolePolicy"]
    assert principals(world) == [*grant.sources, *grant.destinations]
    assert [(each.answer, each.who) for each in own] == [("Allowed", "role/reports-reader (session)")]
    assert proof.holds
    assert plan_of(grant, sessions).changes == ()
    rollback(journal, sessions, patience=1)
    assert roles_of(world) == []


def test_without_the_trust_in_itself_the_proof_fails(world: World) -> None:
    applied(grant_in(world), sessions_in(world, grant_in(world)))
    grant = grant_in(world, self_assume=True)
    proof = prove(grant, sessions_in(world, grant))

    assert [each.probe.kind for each in proof.asked if not each.as_expected] == [SELF]


def test_a_role_that_exists_gets_it_by_one_call_and_loses_it_by_one(world: World) -> None:
    applied(grant_in(world), sessions_in(world, grant_in(world)))
    grant = grant_in(world, self_assume=True)
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)

    assert calls(journal) == ["UpdateAssumeRolePolicy"]
    assert calls(rollback(journal, sessions, patience=1)) == ["UpdateAssumeRolePolicy"]
    assert principals(world) == grant.sources[0]


# --- what goes wrong between the two steps


def test_where_the_second_step_is_denied_the_role_is_deleted_again(world: World) -> None:
    admin = restricted_admin(world, "iam:UpdateAssumeRolePolicy")
    grant = grant_in(world, self_assume=True)
    sessions = sessions_in(world, grant, destination_admin=admin)

    with pytest.raises(RolledBack, match="Everything is as it was before"):
        applied(grant, sessions)
    assert roles_of(world) == []


def test_a_run_that_broke_off_between_them_is_finished_by_the_next_one(world: World) -> None:
    admin = restricted_admin(world, "iam:UpdateAssumeRolePolicy", "iam:DeleteRole")
    grant = grant_in(world, self_assume=True)
    with pytest.raises(RollbackFailed):
        applied(grant, sessions_in(world, grant, destination_admin=admin))
    sessions = sessions_in(world, grant)
    plan = plan_of(grant, sessions)

    assert principals(world) == grant.sources[0]
    assert ("~", "trust") in [(each.sign, each.kind) for each in plan.changes]
    apply(plan, sessions, approved=plan.digest, patience=1)
    assert prove(grant, sessions, patience=1).holds


def test_a_lost_response_of_either_step_is_no_failure(sandbox: Sandbox, world: World) -> None:
    grant = grant_in(world, self_assume=True)
    sessions = sessions_in(world, grant)
    for operation in ("CreateRole", "UpdateAssumeRolePolicy"):
        with misbehaving(sandbox, Fault("cut-after", (operation,), count=1)):
            journal = applied(grant, sessions)
        assert principals(world) == [*grant.sources, *grant.destinations]
        rollback(journal, sessions, patience=1)
        assert roles_of(world) == []


def test_the_second_step_waits_until_iam_knows_the_role(sandbox: Sandbox, world: World) -> None:
    grant = grant_in(world, self_assume=True)
    sessions = sessions_in(world, grant)
    plan = plan_of(grant, sessions)
    with misbehaving(sandbox, Fault("propagation", ("CreateRole",), seconds=0.3)):
        journal = apply(plan, sessions, approved=plan.digest, patience=10)
    second = next(each for each in journal.entries if each.operation == "UpdateAssumeRolePolicy")

    assert (second.answer, second.tries > 1) == ("made", True)


def test_only_a_grant_with_it_asks_the_role_to_assume_itself() -> None:
    asked = [[each.kind for each in expected_probes(a_grant(self_assume=it))] for it in (False, True)]

    assert [SELF in kinds for kinds in asked] == [False, True]
