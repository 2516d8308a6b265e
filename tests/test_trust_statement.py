"""A grant that owns one statement in the trust policy of a role that others made (`manage: trust`)."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pytest

from support.desk import Desk
from support.examples import ROLE, a_grant, applied, calls, grant_in, plan_of, root_iam, sessions_in, state_of
from support.in_process_sandbox import in_process_sandbox
from support.restricted_admin import restricted_admin
from support.second_writer import SecondWriter
from xacct_nb.aws.probes import prove
from xacct_nb.aws.reader import read_resources
from xacct_nb.aws.sessions import Sessions
from xacct_nb.aws.writer import apply, rollback
from xacct_nb.changes.proof import expected_probes
from xacct_nb.errors import InvalidGrant, NotOwned, OverQuota, RollbackFailed, RolledBack, StalePlan
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import misbehaving
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox
SID = "xacctXreports"


def others(world: World, *more: dict[str, Any], principal: str = "") -> str:
    """The trust policy of a role as its owner wrote it: order, spelling and white space of their own."""
    trusted = principal or f"arn:aws:iam::{world.destination}:root"
    texts = "".join(f",\n   {json.dumps(each)}" for each in more)
    return (
        f'{{\n  "Statement": [ {{"Principal":{{"AWS": ["{trusted}"]}} , "Sid":"Owner", "Effect":"Allow",\n'
        '   "Action":[ "sts:AssumeRole" ],'
        f' "Condition":{{"NumericLessThan":{{"aws:MultiFactorAuthAge":3.60e3}}}}}}{texts} ],\n'
        '  "Version" : "2012-10-17"\n}'
    )


def statement(who: str, sid: str = "Vendor", **more: Any) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Principal": {"AWS": who}, "Action": "sts:AssumeRole", **more}


def alice(world: World) -> str:
    return f"arn:aws:iam::{world.source}:user/alice"


def made_by_others(world: World, text: str = "", **more: Any) -> Any:
    """Make the role of the grant as somebody else would, with the permissions that the grant asks for."""
    iam = root_iam(world, world.destination)
    iam.create_role(RoleName="reports-reader", AssumeRolePolicyDocument=text or others(world), **more)
    allowed = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{world.bucket}/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName="reports-reader", PolicyName="theirs", PolicyDocument=document)
    return iam


def rewrite(world: World, text: str) -> None:
    root_iam(world, world.destination).update_assume_role_policy(
        RoleName="reports-reader", PolicyDocument=text
    )


def text_of(world: World) -> str:
    """The trust policy to the letter, read by a client of its own."""
    iam, found = root_iam(world, world.destination), list[str]()

    def keep(parsed: Any, **_: Any) -> None:
        found.append(parsed["Role"]["AssumeRolePolicyDocument"])

    iam.meta.events.register_first("after-call.iam.GetRole", keep)
    iam.get_role(RoleName="reports-reader")
    return unquote(found[0])


def trusting(world: World, **fields: Any) -> tuple[Grant, Sessions]:
    grant = grant_in(world, manage="trust", **fields)
    return grant, sessions_in(world, grant)


def with_ours(text: str, ours: Any) -> str:
    """The owner's text with the statement after the last one of it."""
    at = text.rindex(" ]")
    return f"{text[:at]},{json.dumps(ours, separators=(',', ':'))}{text[at:]}"


def ours_of(grant: Grant) -> Any:
    return build(grant).trust_policies[grant.destinations[0]]["Statement"][0]


# --- what is written


def test_the_documents_are_the_statement_alone_and_no_permissions() -> None:
    documents = build(a_grant(manage="trust"))
    trust = documents.trust_policies[ROLE]

    assert [each["Sid"] for each in trust["Statement"]] == [SID]
    assert documents.permissions_policies == {}
    assert "Statement in the trust policy of role/reports-reader" in str(documents)


@pytest.mark.parametrize(("name", "sid"), [("a-1", "xacctXaX1"), ("a1", "xacctXa1"), ("a--1", "xacctXaXX1")])
def test_every_name_has_a_sid_of_its_own(name: str, sid: str) -> None:
    (found,) = build(a_grant(manage="trust", name=name)).trust_policies[ROLE]["Statement"]

    assert found["Sid"] == sid


@pytest.mark.parametrize(
    "field",
    [
        {"managed_policies": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]},
        {"permissions_boundary": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
    ],
)
def test_what_the_roles_owner_decides_is_refused_in_the_grant(field: dict[str, Any]) -> None:
    with pytest.raises(InvalidGrant, match="with manage: trust the grant writes no permissions"):
        a_grant(manage="trust", **field)


def test_one_statement_is_added_proven_and_taken_back_and_the_rest_stays_to_the_letter(world: World) -> None:
    made_by_others(world, Description="Theirs", Tags=[{"Key": "team", "Value": "data"}])
    before = root_iam(world, world.destination).get_role(RoleName="reports-reader")["Role"]
    grant, sessions = trusting(world, conditions={"external_id": "partner-7"}, session_minutes=240)
    plan = plan_of(grant, sessions)
    journal = apply(plan, sessions, approved=plan.digest, patience=1)
    after = root_iam(world, world.destination).get_role(RoleName="reports-reader")["Role"]
    proof = prove(grant, sessions, patience=1)

    assert (plan.changes[0].sign, plan.changes[0].kind, plan.changes[0].name) == ("+", "trust-statement", SID)
    assert plan.summary == "Plan: 3 to add, 0 to change, 0 to destroy."
    assert calls(journal) == ["UpdateAssumeRolePolicy", "CreatePolicy", "AttachUserPolicy"]
    assert text_of(world) == with_ours(others(world), ours_of(grant))
    assert {**after, "AssumeRolePolicyDocument": ""} == {**before, "AssumeRolePolicyDocument": ""}
    assert plan_of(grant, sessions).changes == ()
    assert proof.holds
    assert "without-external-id" in [each.probe.kind for each in proof.asked]
    rollback(journal, sessions, patience=1)
    assert text_of(world) == others(world)


def test_only_that_statement_changes_and_its_change_is_undone(world: World) -> None:
    made_by_others(world)
    first, sessions = trusting(world)
    applied(first, sessions)
    late = json.dumps(statement(f"arn:aws:iam::{world.destination}:root", "Late"))
    there = text_of(world).replace(" ],\n", f" , {late} ],\n")
    rewrite(world, there)
    grant, sessions = trusting(world, conditions={"external_id": "partner-7"})
    journal = applied(grant, sessions)

    assert calls(journal) == ["UpdateAssumeRolePolicy"]
    assert text_of(world) == there.replace(
        *(json.dumps(ours_of(each), separators=(",", ":")) for each in (first, grant))
    )
    rollback(journal, sessions, patience=1)
    assert text_of(world) == there


def test_a_single_statement_outside_a_list_gets_a_list(world: World) -> None:
    single = json.dumps({"Version": "2012-10-17", "Statement": statement(world.destination)})
    made_by_others(world, single)
    grant, sessions = trusting(world)
    journal = applied(grant, sessions)

    assert [each["Sid"] for each in json.loads(text_of(world))["Statement"]] == ["Vendor", SID]
    rollback(journal, sessions, patience=1)
    assert json.loads(text_of(world))["Statement"] == [statement(world.destination)]


def test_two_grants_own_a_statement_each_of_one_role(world: World) -> None:
    made_by_others(world)
    first, sessions = trusting(world)
    second, others_sessions = trusting(
        world, name="audit", sources=[f"arn:aws:iam::{world.source}:user/mallory"]
    )
    journal = applied(first, sessions)
    applied(second, others_sessions)

    assert plan_of(first, sessions).changes == plan_of(second, others_sessions).changes == ()
    rollback(journal, sessions, patience=1)
    assert text_of(world) == with_ours(others(world), ours_of(second))
    assert plan_of(second, others_sessions).changes == ()


def test_a_role_of_others_may_be_let_assume_itself_in_the_same_statement(world: World) -> None:
    made_by_others(world)
    grant, sessions = trusting(world, self_assume=True)

    assert calls(applied(grant, sessions))[0] == "UpdateAssumeRolePolicy"
    assert prove(grant, sessions, patience=1).holds


# --- what is refused


def test_a_role_that_does_not_exist_is_refused(world: World) -> None:
    grant, sessions = trusting(world)
    with pytest.raises(InvalidGrant, match="role/reports-reader does not exist") as refused:
        plan_of(grant, sessions)

    assert "Let its owner create it first" in refused.value.hint


def test_a_role_that_was_made_for_the_grant_is_refused(world: World) -> None:
    applied(grant_in(world), sessions_in(world, grant_in(world)))
    grant, sessions = trusting(world)

    with pytest.raises(InvalidGrant, match="was made for this grant itself"):
        plan_of(grant, sessions)


def others_statement(world: World) -> dict[str, Any]:
    return statement("arn:aws:iam::333333333333:root", SID)


def a_deny(world: World) -> dict[str, Any]:
    return {**statement(alice(world), SID), "Effect": "Deny"}


def another_operator(world: World) -> dict[str, Any]:
    return statement(alice(world), SID, Condition={"ArnLike": {"aws:PrincipalArn": alice(world)}})


@pytest.mark.parametrize("taken", [others_statement, a_deny, another_operator])
def test_a_statement_of_somebody_else_with_that_sid_is_refused_unless_adopted(
    world: World, taken: Callable[[World], dict[str, Any]]
) -> None:
    there = others(world, taken(world))
    made_by_others(world, there)
    grant, sessions = trusting(world)
    with pytest.raises(NotOwned, match=f"a statement '{SID}' that is not this grant's"):
        plan_of(grant, sessions)

    grant, sessions = trusting(world, adopt=True)
    journal = applied(grant, sessions)
    assert json.loads(text_of(world))["Statement"][1] == ours_of(grant)
    rollback(journal, sessions, patience=1)
    assert json.loads(text_of(world)) == json.loads(there)


def test_a_policy_that_would_be_too_long_is_refused_with_the_quota_of_the_account(world: World) -> None:
    many = [statement(world.destination, f"S{number}{'x' * 72}") for number in range(11)]
    made_by_others(world, others(world, *many))
    grant, sessions = trusting(world)

    with pytest.raises(OverQuota, match=r"would have 2,\d{3} characters") as refused:
        plan_of(grant, sessions)
    assert "AWS accepts 2,048 in this account" in refused.value.why


def test_a_policy_that_names_a_deleted_principal_is_refused(world: World) -> None:
    root_iam(world, world.source).create_user(UserName="gone")
    made_by_others(world, others(world, principal=f"arn:aws:iam::{world.source}:user/gone"))
    root_iam(world, world.source).delete_user(UserName="gone")
    grant, sessions = trusting(world)

    with pytest.raises(NotOwned, match="AWS refuses to write the trust policy") as refused:
        plan_of(grant, sessions)
    assert "AIDA" in refused.value.why


# --- the other owner acts


def drifts(world: World, what: str) -> None:
    """Let the other owner change something of the role."""
    iam = root_iam(world, world.destination)
    if what == "trust":
        rewrite(world, others(world, statement(world.source)))
    elif what == "permissions":
        iam.attach_role_policy(RoleName="reports-reader", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    else:
        iam.delete_role_policy(RoleName="reports-reader", PolicyName="theirs")
        iam.delete_role(RoleName="reports-reader")


@pytest.mark.parametrize("what", ["trust", "permissions", "role"])
def test_what_the_owner_changes_between_plan_and_apply_makes_the_plan_stale(world: World, what: str) -> None:
    made_by_others(world)
    grant, sessions = trusting(world)
    plan = plan_of(grant, sessions)
    drifts(world, what)
    with pytest.raises(StalePlan):
        apply(plan, sessions, approved=plan.digest, patience=1)

    assert SID not in (text_of(world) if what != "role" else "")


def test_the_plan_names_whom_others_let_in_and_what_the_role_can_do(world: World) -> None:
    made_by_others(world)
    text = " ".join(str(plan_of(*trusting(world))).split())

    assert f"also trusts, by statements of others: arn:aws:iam::{world.destination}:root" in text
    assert "can already do, by the inline policy theirs: s3:GetObject" in text
    assert "of its trust policy only xacctXreports changes" in text
    assert "The permissions are not written" in text


def test_a_statement_that_the_owner_adds_while_the_plan_is_applied_is_kept(world: World) -> None:
    made_by_others(world)
    grant, sessions = trusting(world)
    plan, late = plan_of(grant, sessions), others(world, statement(world.source, "Late"))
    owner = SecondWriter(lambda: rewrite(world, late), before="UpdateAssumeRolePolicy")
    apply(plan, sessions, approved=plan.digest, patience=1, journal=owner)

    assert text_of(world) == with_ours(late, ours_of(grant))


def test_each_try_of_a_throttled_call_writes_what_the_owner_has_by_then(
    sandbox: Sandbox, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_by_others(world)
    grant, sessions = trusting(world)
    plan, late = plan_of(grant, sessions), others(world, statement(world.source, "Late"))
    monkeypatch.setattr("xacct_nb.aws.polling.time.sleep", lambda _: rewrite(world, late))
    throttling = Fault("throttling", ("UpdateAssumeRolePolicy",), count=1)
    with misbehaving(sandbox, throttling):
        journal = apply(plan, sessions, approved=plan.digest, patience=5)

    assert text_of(world) == with_ours(late, ours_of(grant))
    assert journal.entries[0].tries == 2


def test_a_rollback_keeps_what_others_changed_since(world: World) -> None:
    made_by_others(world)
    grant, sessions = trusting(world)
    journal = applied(grant, sessions)
    text = text_of(world).replace('"Sid":"Owner"', '"Sid" : "Renamed"')
    rewrite(world, text)
    rollback(journal, sessions, patience=1)

    assert text_of(world) == others(world).replace('"Sid":"Owner"', '"Sid" : "Renamed"')


def test_a_rollback_refuses_where_the_grants_own_statement_was_changed(world: World) -> None:
    made_by_others(world)
    grant, sessions = trusting(world)
    journal = applied(grant, sessions)
    changed = text_of(world).replace(json.dumps(alice(world)), json.dumps(world.source))
    rewrite(world, changed)

    with pytest.raises(RollbackFailed, match=f"trust-statement {SID} on role/reports-reader was changed"):
        rollback(journal, sessions, patience=1)
    assert text_of(world) == changed


def test_a_rollback_has_nothing_to_undo_where_the_owner_removed_the_statement(world: World) -> None:
    made_by_others(world)
    grant, sessions = trusting(world)
    journal = applied(grant, sessions)
    rewrite(world, others(world))
    back = rollback(journal, sessions, patience=1)

    assert "UpdateAssumeRolePolicy" not in calls(back)
    assert text_of(world) == others(world)


def test_the_last_statement_of_a_policy_is_not_taken_out(world: World) -> None:
    made_by_others(world)
    grant, sessions = trusting(world)
    journal = applied(grant, sessions)
    rewrite(world, json.dumps({"Version": "2012-10-17", "Statement": [ours_of(grant)]}))

    with pytest.raises(RollbackFailed) as failed:
        rollback(journal, sessions, patience=1)
    assert "a policy needs a statement" in failed.value.why


def test_after_a_failure_only_the_grants_statement_is_taken_back(world: World) -> None:
    made_by_others(world)
    admin = restricted_admin(world, "iam:ListRoles")
    grant = grant_in(world, manage="trust", caller_policy="inline")
    source = root_iam(world, world.source)
    denied = {"Effect": "Deny", "Action": "iam:PutUserPolicy", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    source.put_user_policy(UserName="admin", PolicyName="denied", PolicyDocument=document)
    sessions = sessions_in(world, grant, destination_admin=admin)

    with pytest.raises(RolledBack):
        applied(grant, sessions)
    assert text_of(world) == others(world)


def test_a_lost_response_is_no_failure(sandbox: Sandbox, world: World) -> None:
    made_by_others(world)
    grant, sessions = trusting(world)
    with misbehaving(sandbox, Fault("cut-after", ("UpdateAssumeRolePolicy",), count=1)):
        applied(grant, sessions)

    assert text_of(world) == with_ours(others(world), ours_of(grant))


# --- the state and the proof


def test_the_state_holds_the_grants_statement_and_beside_it_what_others_own(world: World) -> None:
    made_by_others(world)
    grant, sessions = trusting(world)
    applied(grant, sessions)
    state = read_resources(build(grant), sessions)

    assert {key.kind for key in state.resources} == {"trust-statement", "managed-policy", "attachment"}
    assert {key.kind for key in state.of_others} == {"role", "inline-policy"}
    assert state.role(grant.destinations[0])["path"] == "/"


def test_nobody_else_is_asked_about_a_role_that_others_may_let_others_assume() -> None:
    probes = {each.kind: each.unaskable for each in expected_probes(a_grant(manage="trust"))}

    reason = "The role belongs to others, who may let more principals in, and allow it more."
    assert probes["stranger"] == probes["beside"] == reason
    assert not probes["allowed"]


def test_the_owner_can_add_a_statement_at_any_time_without_a_difference(world: World) -> None:
    made_by_others(world)
    grant, sessions = trusting(world)
    applied(grant, sessions)
    rewrite(world, text_of(world).replace('"Sid":"Owner"', '"Sid":"Other"'))

    assert plan_of(grant, sessions).changes == ()
    assert state_of(grant, sessions).resources


# --- a whole run


def test_a_run_is_recorded_and_its_rollback_keeps_what_the_owner_changed_since(desk: Desk) -> None:
    world, here = desk.world, replace(desk, in_process=True)
    made_by_others(world)
    fields = {"manage": "trust", "source_profiles": ["source-admin"], "caller_profiles": ["alice"]}
    applied_run = here.applied(**fields)
    late = text_of(world).replace('"Sid":"Owner"', '"Sid":"Renamed"')
    rewrite(world, late)
    planned = here.run("roll_back", revoke_sessions=True)
    undone = here.run("roll_back", revoke_sessions=True, approve=planned.to_json()["digest"])

    assert (applied_run.record.status, undone.record.status) == ("succeeded", "succeeded")
    assert text_of(world) == others(world).replace('"Sid":"Owner"', '"Sid":"Renamed"')
    assert "Only its owner can end them" in str(planned.record.plan)
    names = root_iam(world, world.destination).list_role_policies(RoleName="reports-reader")["PolicyNames"]
    assert names == ["theirs"]
    assert here.is_whole()
