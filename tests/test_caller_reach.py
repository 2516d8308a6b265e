"""Wider forms for what does not fit: a caller policy of role names, and what an error proposes."""

import json
from typing import Any

import pytest

from support.examples import a_grant, an_account, applied, grant_in, plan_of, root_iam, sessions_in
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws.answers import call_aws
from xacct_nb.aws.probes import prove
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.newly_allowed import newly_allowed
from xacct_nb.changes.planner import diff
from xacct_nb.changes.proof import assume_parameters, expected_probes
from xacct_nb.errors import InvalidGrant, OverQuota
from xacct_nb.fleets.expansion import expand
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.fleets.plan import FleetPlan, Unplanned
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.live_principal import LivePrincipal
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.linting.access_after_plan import access_after_plan
from xacct_nb.linting.findings import lint
from xacct_nb.sandbox.rules.organizations import set_organization
from xacct_nb.sandbox.server.accounts import World

sandbox = in_process_sandbox
HOME, ORGANIZATION = "111111111111", "o-a1b2c3d4e5"
INSIDE = {"conditions": {"organization_id": ORGANIZATION}}
BY_NAME = {**INSIDE, "caller_reach": "role-name"}


def roles(count: int, name: str = "reader") -> list[str]:
    return [f"arn:aws:iam::{222222222222 + number}:role/{name}" for number in range(count)]


def caller_policy(**fields: Any) -> dict[str, Any]:
    ((policy,),) = build(a_grant(**fields)).caller_policies.values()
    return policy


# --- the caller policy


def test_the_caller_policy_names_the_role_in_any_account_of_the_organization() -> None:
    (statement,) = caller_policy(**BY_NAME, destinations=roles(3))["Statement"]

    assert statement["Resource"] == ["arn:aws:iam::*:role/reader"]
    assert statement["Condition"] == {"StringEquals": {"aws:ResourceOrgID": ORGANIZATION}}


def test_each_name_and_path_stands_once_and_the_end_stays() -> None:
    named = [*roles(2), *roles(2, "team/writer")]
    (statement,) = caller_policy(**BY_NAME, destinations=named, expires="2027-01-31")["Statement"]

    assert statement["Resource"] == ["arn:aws:iam::*:role/reader", "arn:aws:iam::*:role/team/writer"]
    assert sorted(statement["Condition"]) == ["DateLessThan", "StringEquals"]


def test_the_trust_policies_are_as_without_it() -> None:
    one, other = (build(a_grant(**fields)).trust_policies for fields in (BY_NAME, INSIDE))

    assert one == other


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"outside_roles": ["arn:aws:iam::999999999999:role/reports-reader"]}, "with caller_reach: roles"),
        ({**BY_NAME, "outside_roles": ["arn:aws:iam::999999999999:role/other"]}, "is not such a role"),
        (
            {**BY_NAME, "outside_roles": ["arn:aws:iam::222222222222:role/reports-reader"]},
            "is not such a role",
        ),
        ({**BY_NAME, "outside_roles": ["reports-reader"]}, "outside_roles"),
        ({"caller_reach": "role-name"}, "needs conditions.organization_id"),
        ({**BY_NAME, "caller_policy": "none"}, "there is no caller policy"),
        ({**INSIDE, "caller_reach": "all"}, "caller_reach"),
    ],
)
def test_it_needs_an_organization_and_a_caller_policy(fields: dict[str, Any], what: str) -> None:
    with pytest.raises(InvalidGrant, match=what):
        a_grant(**fields)


def test_it_has_to_be_accepted_and_the_finding_says_what_it_reaches() -> None:
    findings = lint(build(a_grant(**BY_NAME)))
    (found,) = [each for each in findings.found if each.code == "role-name-reach"]

    assert findings.unaccepted == ("role-name-reach",)
    assert (found.severity, found.where) == ("widens", "caller_reach")
    assert "role/reports-reader in every account of the organization" in found.why
    assert "was not tried on AWS here: a proof with outside_roles does" in found.why
    assert lint(build(a_grant(**BY_NAME, accept=["role-name-reach"]))).unaccepted == ()
    assert "role-name-reach" not in [each.code for each in lint(build(a_grant(**INSIDE))).found]


def test_the_check_of_a_pipeline_says_that_it_is_wider() -> None:
    narrow, wide = a_grant(**INSIDE), a_grant(**BY_NAME)

    assert [each.code for each in newly_allowed([narrow], [wide])] == ["wider-reach"]
    assert newly_allowed([wide], [narrow]) == ()


def test_a_plan_from_names_to_roles_changes_the_caller_policy_alone() -> None:
    before = diff(build(a_grant(**BY_NAME)), State({}))
    live = State({each.key: each.after for each in before.changes})

    assert diff(build(a_grant(**BY_NAME)), live).changes == ()
    assert [each.kind for each in diff(build(a_grant(**INSIDE)), live).changes] == ["managed-policy"]


# --- what an error proposes


def test_where_the_roles_do_not_fit_the_names_are_proposed_and_never_taken() -> None:
    many = {"destinations": roles(4_000), "permissions": []}
    with pytest.raises(OverQuota) as refusal:
        build(a_grant(**many))

    assert "caller_reach: role-name, conditions: {organization_id: o-...}" in refusal.value.hint
    assert "accept: [role-name-reach] lets the callers besides call for role/reader" in refusal.value.hint
    assert build(a_grant(**many, **BY_NAME)).caller_policies


def test_what_would_not_fit_either_is_not_proposed() -> None:
    with pytest.raises(OverQuota) as refusal:
        build(a_grant(destinations=[each + each[13:25] for each in roles(4_000)], permissions=[]))

    assert "caller_reach" not in refusal.value.hint


def test_an_inline_policy_is_proposed_as_a_managed_one_first() -> None:
    with pytest.raises(OverQuota) as refusal:
        build(a_grant(destinations=roles(60), permissions=[], caller_policy="inline"))

    assert "caller_policy: managed lets in nobody besides." in refusal.value.hint


def test_where_the_callers_do_not_fit_patterns_and_accounts_are_proposed() -> None:
    callers = [f"arn:aws:iam::{HOME}:role/build/runner-{number:04}" for number in range(300)]
    with pytest.raises(OverQuota) as refusal:
        build(a_grant(sources=callers), "destination")

    hint = refusal.value.hint
    assert f"sources: [arn:aws:iam::{HOME}:role/build/runner-0*]" in hint
    assert "lets in besides every role that matches, also one made later" in hint
    assert f'sources: ["{HOME}"]' in hint
    assert f"everyone whom {HOME} allows it (accept: [whole-account-trust])" in hint


@pytest.mark.parametrize(
    ("count", "quota", "proposed"), [(38, 2_048, False), (39, 2_048, True), (39, 2_094, False)]
)
def test_what_needs_a_raised_quota_has_the_forms_that_do_not(count: int, quota: int, proposed: bool) -> None:
    callers = [f"arn:aws:iam::{HOME}:role/build/runner-{number:04}" for number in range(count)]
    root = ResourceKey("quotas", "arn:aws:iam::222222222222:root")
    state = State({}, details={root: {"AssumeRolePolicySizeQuota": quota}})
    found = lint(build(a_grant(sources=callers)), state).found

    forms = [each.why for each in found if each.code == "long-trust-policy"]
    assert bool(forms) is proposed
    assert all(f"sources: [arn:aws:iam::{HOME}:role/build/runner-00*]" in each for each in forms)


@pytest.mark.parametrize(
    ("count", "others", "proposed"), [(1_250, 0, False), (1_251, 0, True), (1_250, 1, True)]
)
def test_more_policies_than_a_user_may_have_unless_it_is_raised_have_a_form_that_fits(
    count: int, others: int, proposed: bool
) -> None:
    grant = a_grant(destinations=roles(count, "reports-reader"), permissions=[])
    alice = ResourceKey("principal", grant.sources[0])
    live = LivePrincipal(
        grant.sources[0], attached=tuple(f"arn:aws:iam::{HOME}:policy/{n}" for n in range(others))
    )
    found = lint(build(grant), State({}, details={alice: live})).found

    whys = [each.why for each in found if each.code == "many-attachments"]
    assert bool(whys) is proposed
    assert all("Wider forms that fit" in each and "caller_reach: role-name" in each for each in whys)


def test_users_have_no_pattern() -> None:
    callers = [f"arn:aws:iam::{HOME}:user/team/caller-{number:04}" for number in range(300)]
    with pytest.raises(OverQuota) as refusal:
        build(a_grant(sources=callers), "destination")

    assert "caller-0" not in refusal.value.hint
    assert f'sources: ["{HOME}"]' in refusal.value.hint


def test_the_plan_of_a_fleet_shows_the_proposal_of_an_account_that_does_not_fit() -> None:
    accounts = [f"{number:012d}" for number in range(4_000)]
    entry = {"name": "readers", "accounts": accounts, "role": "reader"}
    fleet = Fleet(name="all", grants=[{**entry, "sources": [f"arn:aws:iam::{HOME}:user/alice"]}])
    part = next(each for each in expand(fleet).slices if each.side == "source")
    with pytest.raises(OverQuota) as refusal:
        build(part.grant, part.side)
    problem = refusal.value
    left = Unplanned(part.grant.name, part.side, part.account, problem.code, problem.what, problem.hint)

    assert "role-name-reach" in str(FleetPlan("all", (), (left,))).replace("\n", "")


# --- in the sandbox


def in_organization(*accounts: str) -> None:
    set_organization({"id": ORGANIZATION, "accounts": dict.fromkeys(accounts, f"{ORGANIZATION}/r-ab12/")})


def test_the_sandbox_lets_the_caller_in_and_not_out_of_the_organization(world: World) -> None:
    in_organization(world.source, world.destination)
    grant = grant_in(world, **BY_NAME, accept=["role-name-reach"])
    sessions = sessions_in(world, grant)
    applied(grant, sessions)

    assert prove(grant, sessions, patience=1).holds
    assert plan_of(grant, sessions).changes == ()
    assert " depends on " not in " ".join(access_after_plan(build(grant), State({})))

    trust_everybody(world, f"arn:aws:iam::{world.source}:user/alice")
    assert asked(sessions, world) == "Allowed"
    in_organization(world.source)
    assert asked(sessions, world) == "Denied"


def test_a_role_of_the_name_in_another_account_of_the_organization_is_reached(world: World) -> None:
    in_organization(world.source, world.destination)
    elsewhere = grant_in(
        world,
        **BY_NAME,
        destinations=["arn:aws:iam::999999999999:role/reports-reader"],
        accept=["role-name-reach"],
    )
    source = build(elsewhere, "source").caller_policies
    ((alice, (policy,)),) = source.items()
    root_iam(world, world.source).put_user_policy(
        UserName="alice", PolicyName="own", PolicyDocument=json.dumps(policy)
    )
    iam = root_iam(world, world.destination)
    for name in ("reports-reader", "other"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(world.source))
    sessions = sessions_in(world, grant_in(world))

    assert alice.endswith("user/alice")
    assert asked(sessions, world) == "Allowed"
    assert asked(sessions, world, "other") == "Denied"


def outside(world: World, **more: Any) -> tuple[Grant, Sessions]:
    """A grant by names, and a role of the name that trusts the caller, in an account of no organization."""
    account = an_account()
    iam = root_iam(world, account)
    iam.create_role(
        RoleName="reports-reader", AssumeRolePolicyDocument=trust(f"arn:aws:iam::{world.source}:user/alice")
    )
    in_organization(world.source, world.destination)
    role = f"arn:aws:iam::{account}:role/reports-reader"
    grant = grant_in(world, **BY_NAME, accept=["role-name-reach"], outside_roles=[role], **more)
    return grant, sessions_in(world, grant)


def test_the_proof_asks_for_a_role_of_the_name_outside_of_the_organization(world: World) -> None:
    grant, sessions = outside(world)
    applied(grant, sessions)
    proof = prove(grant, sessions, patience=1)
    (asked_outside,) = [each for each in proof.outcomes if each.probe.kind == "outside"]

    assert proof.holds
    assert asked_outside.answer == "Denied"
    assert asked_outside.request_id
    assert "outside of the organization" in asked_outside.probe.question


def test_the_proof_fails_where_the_callers_policies_let_it_into_the_role_outside(world: World) -> None:
    grant, sessions = outside(world)
    applied(grant, sessions)
    allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/reports-reader"}
    root_iam(world, world.source).put_user_policy(
        UserName="alice",
        PolicyName="without-the-condition",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}),
    )
    proof = prove(grant, sessions, patience=0)

    assert proof.verdict == "fails"
    assert [
        each.probe.kind for each in proof.outcomes if each.answer == "Allowed" != each.probe.expected
    ] == ["outside"]


def test_the_external_id_is_not_sent_to_an_account_outside() -> None:
    role = "arn:aws:iam::999999999999:role/reports-reader"
    when = {"organization_id": ORGANIZATION, "external_id": "the-agreed-id"}
    grant = a_grant(caller_reach="role-name", conditions=when, outside_roles=[role])
    (probe,) = [each for each in expected_probes(grant) if each.kind == "outside"]

    assert probe.role == role
    assert "ExternalId" not in assume_parameters(grant, probe.role, probe.variation)


def test_one_account_of_a_fleet_asks_for_the_roles_outside() -> None:
    fields = {"sources": [f"arn:aws:iam::{HOME}:user/alice"], "accounts": ["222222222222", "333333333333"]}
    role = "arn:aws:iam::999999999999:role/reader"
    entry = {"name": "readers", "role": "reader", **fields, **BY_NAME, "outside_roles": [role]}
    parts = [each for each in expand(Fleet(name="all", grants=[entry])).slices if each.side == "destination"]

    assert [each.grant.outside_roles for each in parts] == [(role,), ()]


def trust(principal: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust_everybody(world: World, principal: str) -> None:
    """Take the conditions out of the role's trust policy: then the caller's own policy decides."""
    root_iam(world, world.destination).update_assume_role_policy(
        RoleName="reports-reader", PolicyDocument=trust(principal)
    )


def asked(sessions: Any, world: World, name: str = "reports-reader") -> str:
    sts = sessions.client("alice", "sts")
    role = f"arn:aws:iam::{world.destination}:role/{name}"
    return call_aws(lambda: sts.assume_role(RoleArn=role, RoleSessionName="test")).verdict
