"""A grant that has ended requires nothing: what was made for it is removed, and what others made stays."""

from dataclasses import replace
from typing import Any

import pytest

from support.examples import ALICE, READ, ROLE, SOME_POLICY, a_grant
from xacct_nb.changes.entitlements import losses
from xacct_nb.changes.plan import Change, Plan
from xacct_nb.changes.planner import desired_resources, diff
from xacct_nb.changes.revocation import REVOKED, revocation
from xacct_nb.errors import NotOwned
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.own_statement import TRUST_STATEMENT
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam.quotas import ROLE_SESSION_SECONDS
from xacct_nb.linting.findings import lint

BEFORE, AFTER = "2026-12-30T23:59:59Z", "2026-12-31T00:00:00Z"
POLICY = "arn:aws:iam::111111111111:policy/xacct-reports"
OTHER = "arn:aws:iam::333333333333:role/reports-reader"
GROUP = "arn:aws:iam::111111111111:group/readers"
PATTERN = "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ops_*"
TRUST_ROOT = {"Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "sts:AssumeRole"}


def ending(**fields: Any) -> Grant:
    return a_grant(**{"expires": "2026-12-31", **fields})


def made(grant: Grant, read_at: str = AFTER) -> State:
    """The state after the grant was applied."""
    return State(desired_resources(build(grant), State({})), read_at=read_at)


def removed(plan: Plan) -> list[str]:
    return [f"{each.sign} {each.title}" for each in plan.changes]


def changed(state: State, key: ResourceKey, **values: Any) -> State:
    return replace(state, resources={**state.resources, key: {**state.resources[key], **values}})


def role_of_others(*statements: Any) -> dict[str, Any]:
    return {
        "path": "/",
        "description": "",
        "boundary": "",
        "session_seconds": ROLE_SESSION_SECONDS[0],
        "tags": {},
        "trust": {"Version": "2012-10-17", "Statement": list(statements)},
    }


def test_before_its_end_a_grant_is_planned_as_it_is() -> None:
    assert diff(build(ending()), made(ending(), BEFORE)).changes == ()


def test_after_its_end_all_that_was_made_is_removed_callers_first_and_the_role_last() -> None:
    plan = diff(build(ending()), made(ending()))

    assert removed(plan) == [
        "- attachment xacct-reports on user/alice",
        "- managed-policy policy/xacct-reports",
        "- inline-policy xacct-reports on role/reports-reader",
        "- role role/reports-reader",
    ]
    assert plan.end_sentence == "The grant 'reports' ended at 2026-12-31 00:00 UTC."


def test_the_digest_does_not_depend_on_the_moment_alone() -> None:
    first, later = made(ending()), made(ending(), "2031-01-01T00:00:00Z")

    assert diff(build(ending()), first).digest == diff(build(ending()), later).digest


def test_where_nothing_is_there_the_plan_says_that_the_date_is_past() -> None:
    plan = diff(build(ending()), State({}, read_at=AFTER))

    assert plan.summary == (
        "No changes. The grant 'reports' ended at 2026-12-31 00:00 UTC. "
        "Nothing of it is there, and nothing is made."
    )


def test_the_plan_of_an_ended_grant_goes_to_json_and_back() -> None:
    plan = diff(build(ending()), made(ending()))

    assert Plan.from_json({name: plan.to_json()[name] for name in ("grant", "changes", "ended")}) == Plan(
        plan.grant, plan.changes, ended=AFTER
    )


@pytest.mark.parametrize(
    ("fields", "first"),
    [
        ({"caller_policy": "inline"}, ["- inline-policy xacct-reports on user/alice"]),
        (
            {"attach_to": GROUP},
            ["- attachment xacct-reports on group/readers", "- managed-policy policy/xacct-reports"],
        ),
        ({"sources": ["111111111111"], "accept": ["whole-account-trust"]}, []),
        (
            {
                "sources": [
                    "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ops_*"
                ]
            },
            [],
        ),
    ],
)
def test_each_kind_of_caller_is_removed(fields: dict[str, Any], first: list[str]) -> None:
    plan = diff(build(ending(**fields)), made(ending(**fields)))

    assert removed(plan)[: len(first)] == first
    assert removed(plan)[len(first) :] == [
        "- inline-policy xacct-reports on role/reports-reader",
        "- role role/reports-reader",
    ]
    assert plan.unaccepted == ()


def test_the_roles_of_all_destinations_are_removed() -> None:
    grant = ending(destinations=[ROLE, OTHER])
    gone = [each.target for each in diff(build(grant), made(grant)).changes if each.kind == "role"]

    assert gone == [ROLE, OTHER]


def test_a_policy_that_revoked_older_sessions_goes_with_the_role() -> None:
    state = made(ending())
    key = ResourceKey("inline-policy", ROLE, REVOKED)
    plan = diff(build(ending()), replace(state, resources={**state.resources, key: revocation(BEFORE)}))

    assert Change("inline-policy", ROLE, REVOKED, revocation(BEFORE), None) in plan.changes


def test_an_adopted_role_stays_without_the_tags_and_the_permissions_policy_of_the_grant() -> None:
    grant = ending(adopt=True)
    tags = {"team": "data", "xacct-nb:grant": "reports", "xacct-nb:adopted": "true"}
    state = changed(made(grant), ResourceKey("role", ROLE), tags=tags)
    theirs = {ResourceKey("inline-policy", ROLE, "own"): SOME_POLICY}
    plan = diff(build(grant), replace(state, resources={**state.resources, **theirs}))

    assert removed(plan) == [
        "- attachment xacct-reports on user/alice",
        "- managed-policy policy/xacct-reports",
        "- inline-policy xacct-reports on role/reports-reader",
        "~ tags role/reports-reader",
    ]
    assert plan.changes[-1].after == {"team": "data"}
    assert [each.name for each in plan.access] == ["own"]
    assert "it stays, with the trust policy, settings and attached policies" in plan.notes[0]


def test_an_adopted_role_gets_the_end_into_the_trust_policy_that_the_grant_wrote_without_one() -> None:
    grant, lasting = ending(adopt=True), a_grant(adopt=True)
    tags = {"xacct-nb:grant": "reports", "xacct-nb:adopted": "true"}
    plan = diff(build(grant), changed(made(lasting), ResourceKey("role", ROLE), tags=tags))

    assert "~ trust role/reports-reader" in removed(plan)


def test_a_trust_policy_of_an_adopted_role_that_others_changed_stays() -> None:
    tags = {"xacct-nb:grant": "reports", "xacct-nb:adopted": "true"}
    trust = {"Version": "2012-10-17", "Statement": [TRUST_ROOT]}
    state = changed(made(ending(adopt=True)), ResourceKey("role", ROLE), tags=tags, trust=trust)
    plan = diff(build(ending(adopt=True)), state)

    assert "trust" not in [each.kind for each in plan.changes]
    assert f"The trust policy of {ROLE} is not the grant's, so it stays: it may let callers in." in plan.notes


@pytest.mark.parametrize("adopt", [False, True])
def test_what_others_made_under_these_names_stays(adopt: bool) -> None:
    grant = ending(adopt=adopt)
    state = changed(made(grant), ResourceKey("role", ROLE), tags={})
    plan = diff(build(grant), changed(state, ResourceKey("managed-policy", POLICY), tags={"team": "data"}))

    assert plan.changes == ()
    assert plan.notes == (
        f"{POLICY} was not made for this grant, so it stays as it is.",
        f"{ROLE} was not made for this grant, so it stays as it is.",
    )
    assert plan.summary.endswith("What stays, and why, is in the notes.")


def test_an_inline_policy_of_a_caller_that_no_grant_wrote_stays() -> None:
    grant = ending(caller_policy="inline")
    key = ResourceKey("inline-policy", ALICE, "xacct-reports")
    plan = diff(build(grant), State({key: SOME_POLICY}, read_at=AFTER))

    assert plan.changes == ()
    assert "no grant wrote what is in it" in plan.notes[0]


@pytest.mark.parametrize("caller_policy", ["managed", "inline"])
def test_the_caller_policy_of_another_grant_of_this_name_stays(caller_policy: str) -> None:
    of_others = made(ending(caller_policy=caller_policy, destinations=[OTHER]))
    callers = {key: value for key, value in of_others.resources.items() if key.target != OTHER}
    plan = diff(build(ending(caller_policy=caller_policy)), State(callers, read_at=AFTER))

    assert plan.changes == ()
    assert "names no role of this grant, so it stays: another grant of this name may own it." in plan.notes[0]


def test_a_caller_policy_for_a_role_of_that_name_in_any_account_goes() -> None:
    wide = {"caller_reach": "role-name", "conditions": {"organization_id": "o-a1b2c3d4e5"}}
    plan = diff(build(ending()), made(ending(**wide)))

    assert "- managed-policy policy/xacct-reports" in removed(plan)


def test_a_role_with_a_copy_of_the_tags_is_told_by_whom_it_lets_in() -> None:
    service = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [service]}
    plan = diff(build(ending()), changed(made(ending()), ResourceKey("role", ROLE), trust=trust))

    assert "- role role/reports-reader" in removed(plan)
    assert (
        f"The trust policy of {ROLE} names no account of this grant's callers: see who uses the role."
        in plan.notes
    )


def test_of_a_role_of_others_only_the_statement_goes() -> None:
    grant = ending(manage="trust", permissions=[READ])
    state = made(grant)
    own = next(value for key, value in state.resources.items() if key.kind == TRUST_STATEMENT)
    role = {ResourceKey("role", ROLE): role_of_others(TRUST_ROOT, own)}
    plan = diff(build(grant), replace(state, details=role))

    assert removed(plan) == [
        "- attachment xacct-reports on user/alice",
        "- managed-policy policy/xacct-reports",
        "- trust-statement xacctXreports on role/reports-reader",
    ]
    assert losses(replace(state, details=role), plan.changes) == (
        "user/alice of 111111111111 will no longer be able to assume role/reports-reader of 222222222222.",
    )


def test_the_only_statement_of_a_trust_policy_stays_as_aws_accepts_none_without() -> None:
    grant = ending(manage="trust", caller_policy="none")
    state = made(grant)
    own = next(value for key, value in state.resources.items() if key.kind == TRUST_STATEMENT)
    plan = diff(build(grant), replace(state, details={ResourceKey("role", ROLE): role_of_others(own)}))

    assert plan.changes == ()
    assert "its trust policy has no other" in plan.notes[0]


def test_a_statement_of_the_grants_name_that_lets_others_in_stays() -> None:
    grant = ending(manage="trust", caller_policy="none")
    theirs = {**TRUST_ROOT, "Sid": "xacctXreports", "Principal": {"AWS": "444444444444"}}
    found = {ResourceKey(TRUST_STATEMENT, ROLE, "xacctXreports"): theirs}
    role = {ResourceKey("role", ROLE): role_of_others(TRUST_ROOT, theirs)}
    plan = diff(build(grant), State(found, role, AFTER))

    assert plan.changes == ()
    assert "It lets in 444444444444: another grant of this name may own it." in plan.notes[0]


def test_a_trust_policy_that_aws_would_refuse_is_said() -> None:
    grant = ending(manage="trust", caller_policy="none")
    state = made(grant)
    own = next(value for key, value in state.resources.items() if key.kind == TRUST_STATEMENT)
    gone = {**TRUST_ROOT, "Principal": {"AWS": "AIDAIOSFODNN7EXAMPLE1"}}
    role = {ResourceKey("role", ROLE): role_of_others(gone, own)}

    with pytest.raises(NotOwned, match="AWS refuses to write the trust policy"):
        diff(build(grant), replace(state, details=role))


def test_who_loses_the_access_is_said() -> None:
    state = made(ending())

    assert losses(state, diff(build(ending()), state).changes) == (
        "user/alice of 111111111111 will no longer be able to assume role/reports-reader of 222222222222.",
        "role/reports-reader of 222222222222 will be deleted, with its permissions.",
    )


def test_an_ended_grant_has_no_findings_that_it_would_have_to_accept() -> None:
    grant = ending(sources=["111111111111"])

    assert lint(build(grant), State({}, read_at=AFTER)).unaccepted == ()
    assert lint(build(grant), State({}, read_at=BEFORE)).unaccepted == ("whole-account-trust",)
