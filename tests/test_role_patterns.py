"""A pattern of roles as a source: a permission set, or every role whose ARN matches."""

import json
from dataclasses import replace
from typing import Any

import pytest

import xacct_nb as xa
from support.adopted_role import trusting
from support.examples import (
    ALICE,
    ROLE,
    a_grant,
    applied,
    endpoint_of,
    grant_in,
    plan_of,
    root_iam,
    sessions_in,
)
from support.fleet_world import a_fleet_world
from support.in_process_sandbox import in_process_sandbox
from support.limited_admins import recording
from support.role_patterns import SSO_PATH, SUFFIX, a_caller, set_role
from xacct_nb.aws.probes import prove
from xacct_nb.aws.sessions import open_sessions
from xacct_nb.aws.writer import rollback
from xacct_nb.changes.entitlements import losses
from xacct_nb.changes.newly_allowed import newly_allowed
from xacct_nb.changes.planner import diff
from xacct_nb.changes.proof import ALLOWED, DENIED, NOT_ASKED, Proof
from xacct_nb.changes.rights import Right
from xacct_nb.errors import InvalidGrant, InvalidHandoff
from xacct_nb.fleets.expansion import expand
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.fleets.rights import needed_rights
from xacct_nb.grants.access_path import hops_of
from xacct_nb.grants.console_link import console_access
from xacct_nb.grants.documents import Documents, build
from xacct_nb.grants.pattern_trust import patterns_in, without_patterns
from xacct_nb.grants.sentences import access_sentences
from xacct_nb.grants.sources import covers_source, includes, is_likely, permission_set_of
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.handoff.forms.half import half_of
from xacct_nb.handoff.request import request_for
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.linting.findings import lint
from xacct_nb.linting.headroom import headroom
from xacct_nb.runs.fleet.fleet_work import apply_fleet, plan_fleet
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox

HOME = "111111111111"
CI = f"arn:aws:iam::{HOME}:role/ci-*"
READ_ONLY = {"permission_set": "ReadOnly", "account": HOME}
OWN = {"conditions": {"organization_id": "o-a1b2c3d4e5"}}


def pattern_of(name: str, account: str = HOME) -> str:
    return a_grant(sources=[{"permission_set": name, "account": account}]).sources[0]


def trust_of(documents: Documents) -> list[dict[str, Any]]:
    (trust,) = documents.trust_policies.values()
    statements: list[dict[str, Any]] = trust["Statement"]
    return statements


def codes(**fields: Any) -> list[str]:
    return [each.code for each in lint(build(a_grant(**fields))).found]


# --- what is a source


@pytest.mark.parametrize("region", ["", "eu-west-1/"])
def test_a_permission_set_is_the_pattern_of_its_roles_with_and_without_a_region(region: str) -> None:
    pattern = pattern_of("ReadOnly")

    assert permission_set_of(pattern) == "ReadOnly"
    assert includes(pattern, f"arn:aws:iam::{HOME}:role{SSO_PATH}{region}AWSReservedSSO_ReadOnly_{SUFFIX}")


@pytest.mark.parametrize(
    "caller",
    [
        f"arn:aws:iam::{HOME}:role{SSO_PATH}AWSReservedSSO_ReadOnly_Admin_{SUFFIX}",
        f"arn:aws:iam::{HOME}:role{SSO_PATH}AWSReservedSSO_ReadOnlyAdmin_{SUFFIX}",
        f"arn:aws:iam::222222222222:role{SSO_PATH}AWSReservedSSO_ReadOnly_{SUFFIX}",
        f"arn:aws:iam::{HOME}:role/AWSReservedSSO_ReadOnly_{SUFFIX}",
        f"arn:aws:iam::{HOME}:user/AWSReservedSSO_ReadOnly_{SUFFIX}",
        f"arn:aws:sts::{HOME}:assumed-role/AWSReservedSSO_ReadOnly_Admin_{SUFFIX}/anna",
        f"arn:aws:iam::{HOME}:root",
        "ec2.amazonaws.com",
        HOME,
    ],
)
def test_another_permission_set_account_or_kind_is_none_of_its_roles(caller: str) -> None:
    assert includes(pattern_of("ReadOnly"), caller) is False


def test_whether_a_session_is_one_of_them_is_open_where_its_path_decides() -> None:
    build_session, other = (f"arn:aws:sts::{HOME}:assumed-role/{name}/1" for name in ("ci-build", "other"))

    assert includes(f"arn:aws:iam::{HOME}:role/*", build_session) is True
    assert includes(f"arn:aws:iam::{HOME}:role/*ci-build", build_session) is True
    assert includes(f"arn:aws:iam::{HOME}:role/*ci-build", other) is False
    assert includes(CI, build_session) is None
    assert includes(CI, other) is None  # for it may have the path /ci-team/, and a * matches / too
    assert (is_likely(CI, build_session), is_likely(CI, other)) == (True, False)


REFUSED = [
    ("*", "sources: '*' has a wildcard."),
    ("arn:aws:iam::*:role/ci-*", "has a wildcard before the role."),
    ("arn:aws:iam::11111111111?:role/ci", "has a wildcard before the role."),
    ("arn:*:iam::111111111111:role/ci", "has a wildcard before the role."),
    (f"arn:aws:iam::{HOME}:user/ci-*", "is no pattern of roles."),
    (f"arn:aws:iam::{HOME}:*", "is no pattern of roles."),
    (f"arn:aws:iam::{HOME}:r*/ci", "is no pattern of roles."),
    (f"arn:aws:iam:eu-west-1:{HOME}:role/ci-*", "is no pattern of roles."),
    (f"arn:aws:sts::{HOME}:assumed-role/ci-*/x", "is a role session."),
    (f"arn:aws:iam::{HOME}:role/ci-*-${{aws:username}}", "has a character that no role's path or name has."),
    (f"arn:aws:iam::{HOME}:role/ci *", "has a character that no role's path or name has."),
    ({"permission_set": "ReadOnly"}, "is no permission set."),
    ({"permission_set": "ReadOnly", "account": HOME, "path": "/"}, "is no permission set."),
    ({"permission_set": "Read*", "account": HOME}, "'Read*' is not the name of a permission set."),
    ({"permission_set": "", "account": HOME}, "'' is not the name of a permission set."),
    ({"permission_set": "ReadOnly", "account": 111111111111}, "is not an account id."),
]


@pytest.mark.parametrize(("source", "what"), REFUSED)
def test_what_is_no_pattern_of_one_accounts_roles_is_refused(source: Any, what: str) -> None:
    with pytest.raises(InvalidGrant) as refusal:
        a_grant(sources=[source])

    assert what in refusal.value.what
    assert refusal.value.hint


def test_the_pattern_is_in_the_partition_of_the_roles() -> None:
    role = "arn:aws-cn:iam::222222222222:role/reader"
    grant = a_grant(sources=[READ_ONLY], destinations=[role], permissions=[])

    assert grant.partition == "aws-cn"
    assert grant.sources[0].startswith(f"arn:aws-cn:iam::{HOME}:role/aws-reserved/")


def test_a_pattern_is_neither_a_principal_nor_a_whole_account() -> None:
    grant = a_grant(sources=[ALICE, CI, "333333333333"])

    assert grant.principals == (ALICE,)
    assert grant.role_patterns == (CI,)
    assert grant.whole_accounts == ("333333333333",)
    assert grant.source_accounts == (HOME, "333333333333")


def test_a_group_carries_no_policy_for_roles_that_match() -> None:
    with pytest.raises(InvalidGrant, match="does not reach"):
        a_grant(sources=[CI], attach_to=f"arn:aws:iam::{HOME}:group/team")


def test_the_grant_goes_to_json_and_back_as_the_pattern() -> None:
    grant = a_grant(sources=[READ_ONLY, CI])

    assert xa.Grant(**grant.to_json()) == grant


def test_an_editor_knows_both_forms() -> None:
    forms = xa.Grant.model_json_schema()["properties"]["sources"]["items"]["anyOf"]

    assert [each["type"] for each in forms] == ["string", "object"]
    assert forms[1]["required"] == ["permission_set", "account"]


# --- the documents


def test_what_matches_has_a_statement_of_its_own_under_the_same_conditions() -> None:
    conditions = {"external_id": "agreed", "source_ips": ["203.0.113.0/24"]}
    named, matched = trust_of(
        build(a_grant(sources=[ALICE, CI], conditions=conditions, expires="2027-01-31"))
    )

    assert named["Principal"] == {"AWS": ALICE}
    assert matched["Principal"] == {"AWS": f"arn:aws:iam::{HOME}:root"}
    assert matched["Condition"] == {"ArnLike": {"aws:PrincipalArn": CI}, **named["Condition"]}
    assert matched["Action"] == named["Action"]


def test_patterns_of_several_accounts_share_one_statement() -> None:
    other = "arn:aws:iam::333333333333:role/deploy/*"
    (statement,) = trust_of(build(a_grant(sources=[CI, other])))

    assert statement["Principal"] == {"AWS": [f"arn:aws:iam::{HOME}:root", "arn:aws:iam::333333333333:root"]}
    assert statement["Condition"] == {"ArnLike": {"aws:PrincipalArn": [CI, other]}}


def test_no_caller_policy_is_made_and_a_note_has_the_statement() -> None:
    documents = build(a_grant(sources=[READ_ONLY]))
    needed = '{"Effect":"Allow","Action":["sts:AssumeRole"],"Resource":["' + ROLE + '"]}'

    assert documents.caller_policies == {}
    assert f"into the permission set: {needed}" in str(documents).replace("\n", " ")
    assert "UnmodifiableEntity" in str(documents)
    assert "UnmodifiableEntity" not in str(documents.of_side("destination"))


def test_the_plan_says_once_who_needs_a_policy_of_their_own() -> None:
    documents = build(a_grant(sources=[READ_ONLY, ALICE]))

    assert len([each for each in diff(documents, State({})).notes if "UnmodifiableEntity" in each]) == 1
    assert diff(documents.of_side("destination"), State({})).notes == ()
    assert diff(build(a_grant()), State({})).notes == ()


@pytest.mark.parametrize(
    ("who", "result"),
    [
        (f"arn:aws:iam::{HOME}:role/ci-build", "Allowed"),
        (f"arn:aws:iam::{HOME}:role/x/ci-build", "ImplicitlyDenied"),
        (f"arn:aws:iam::{HOME}:role/build", "ImplicitlyDenied"),
        (f"arn:aws:iam::{HOME}:user/ci-build", "ImplicitlyDenied"),
        ("arn:aws:iam::333333333333:role/ci-build", "ImplicitlyDenied"),
    ],
)
def test_the_evaluation_lets_in_what_matches_and_nobody_else(who: str, result: str) -> None:
    documents = build(a_grant(sources=[CI]))
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    decision = evaluate(who, "sts:AssumeRole", ROLE, {}, [allow], documents.trust_policies[ROLE])

    assert decision.result == result


ROOT = f"arn:aws:iam::{HOME}:root"
USERS = f"arn:aws:iam::{HOME}:user/*"
STATEMENTS: list[tuple[Any, dict[str, Any], tuple[str, ...]]] = [
    ({"AWS": HOME}, {"ArnLike": {"aws:principalarn": [CI]}}, (CI,)),
    ({"AWS": ROOT}, {"ArnEquals": {"aws:PrincipalArn": CI}}, (CI,)),
    ({"AWS": ALICE}, {"ArnLike": {"aws:PrincipalArn": CI}}, ()),
    ("*", {"ArnLike": {"aws:PrincipalArn": CI}}, ()),
    ({"AWS": HOME, "Service": "ec2.amazonaws.com"}, {"ArnLike": {"aws:PrincipalArn": CI}}, ()),
    ({"AWS": "333333333333"}, {"ArnLike": {"aws:PrincipalArn": CI}}, ()),
    ({"AWS": HOME}, {"ArnLike": {"aws:PrincipalArn": USERS}}, ()),
    ({"AWS": HOME}, {"ArnNotLike": {"aws:PrincipalArn": CI}}, ()),
    ({"AWS": HOME}, {"ArnLikeIfExists": {"aws:PrincipalArn": CI}}, ()),
    ({"AWS": HOME}, {"ArnLike": {"aws:PrincipalArn": CI}, "ArnEquals": {"aws:PrincipalArn": CI}}, ()),
    ({"AWS": HOME}, {}, ()),
    (None, {}, ()),
]


@pytest.mark.parametrize(("principal", "condition", "found"), STATEMENTS)
def test_the_patterns_of_a_statement_are_read_where_it_is_about_nothing_else(
    principal: Any, condition: dict[str, Any], found: tuple[str, ...]
) -> None:
    assert patterns_in({"Principal": principal, "Condition": condition}) == found


def test_the_condition_without_the_patterns_keeps_the_rest() -> None:
    written = {
        "ArnLike": {"aws:PrincipalArn": CI, "aws:SourceArn": "x"},
        "Bool": {"aws:SecureTransport": "true"},
    }

    assert without_patterns(written) == {
        "ArnLike": {"aws:SourceArn": "x"},
        "Bool": {"aws:SecureTransport": "true"},
    }


@pytest.mark.parametrize(
    ("source", "other", "covers"),
    [
        (CI, f"arn:aws:iam::{HOME}:role/ci-x-*", True),
        (CI, CI, True),
        (CI, f"arn:aws:iam::{HOME}:role/ci-x", True),
        (HOME, CI, True),
        (f"arn:aws:iam::{HOME}:role/ci-?", CI, False),
        (CI, f"arn:aws:iam::{HOME}:role/*", False),
        ("333333333333", CI, False),
        (f"arn:aws:iam::{HOME}:role/ci-x", CI, False),
        (CI, HOME, False),
    ],
)
def test_one_source_covers_another(source: str, other: str, covers: bool) -> None:
    assert covers_source(source, other) is covers


# --- findings


@pytest.mark.parametrize("every", ["role/*", "role/**", "role/?*"])
def test_a_pattern_of_every_role_is_whole_account_trust(every: str) -> None:
    source = f"arn:aws:iam::{HOME}:{every}"

    assert codes(sources=[source], **OWN) == ["whole-account-trust", "role-pattern"]
    assert lint(build(a_grant(sources=[source]))).unaccepted == ("whole-account-trust",)
    assert lint(build(a_grant(sources=[source], accept=["whole-account-trust"]))).unaccepted == ()


def test_a_narrower_pattern_is_noted_and_a_permission_set_is_not() -> None:
    assert codes(sources=[CI], **OWN) == ["role-pattern"]
    assert codes(sources=[READ_ONLY], **OWN) == []


def test_a_pattern_that_ends_with_any_suffix_matches_other_permission_sets() -> None:
    source = f"arn:aws:iam::{HOME}:role{SSO_PATH}*/AWSReservedSSO_ReadOnly_*"

    assert permission_set_of(source) == "ReadOnly"
    assert codes(sources=[source], **OWN) == ["permission-set-prefix"]


def test_a_whole_account_beside_a_pattern_is_still_one() -> None:
    assert "whole-account-trust" in codes(sources=[HOME, CI], **OWN)


def test_roles_that_match_have_no_mfa_and_chain() -> None:
    assert "mfa-in-chain" in codes(sources=[CI], conditions={"require_mfa": True})
    assert "long-chained-session" in codes(sources=[READ_ONLY], session_minutes=120)


def test_a_role_that_matches_its_own_pattern_needs_no_self_assume() -> None:
    hub = f"arn:aws:iam::{HOME}:role/ci-hub"
    again = {"permissions": [{"actions": ["sts:AssumeRole"], "resources": [hub]}], "destinations": [hub]}

    assert "self-trust-missing" not in codes(sources=[CI], **again)
    assert "self-trust-missing" in codes(sources=[f"arn:aws:iam::{HOME}:role/deploy-*"], **again)


def live(*principals: str, **more: Any) -> State:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": list(principals)},
        "Action": "sts:AssumeRole",
        **more,
    }
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    usual = {"path": "/", "description": "", "boundary": "", "session_seconds": 3600, "tags": {}}
    return State({ResourceKey("role", ROLE): {**usual, "trust": trust}})


def test_who_of_an_adopted_role_is_shut_out_is_said() -> None:
    documents = build(a_grant(sources=[CI], adopt=True))
    shut_out = {
        who: "shut-out" in [each.code for each in lint(documents, live(who)).found]
        for who in (f"arn:aws:iam::{HOME}:role/ci-build", f"arn:aws:iam::{HOME}:role/other", HOME, ALICE)
    }

    assert list(shut_out.values()) == [False, True, True, True]


# --- the sentences, the picture, the console


def test_the_card_says_who_gets_in() -> None:
    by_set, by_pattern = (access_sentences(a_grant(sources=[each]))[0] for each in (READ_ONLY, CI))

    assert by_set.startswith(f"Everyone with the permission set ReadOnly of {HOME}, where its own policies")
    assert by_pattern.startswith(f"Every session of a role that matches role/ci-* of {HOME}, where its own")


def test_the_picture_has_a_node_for_the_roles_that_match() -> None:
    graph = xa.picture(a_grant(sources=[READ_ONLY, CI])).graph

    assert [(node.kind, node.name) for node in graph.nodes[:2]] == [
        ("permission set", "ReadOnly"),
        ("roles", "ci-*"),
    ]
    assert [edge.source for edge in graph.edges] == [pattern_of("ReadOnly"), CI]


def test_the_picture_of_the_plan_has_the_same_ways_as_that_of_the_grant() -> None:
    grant = a_grant(sources=[READ_ONLY, ALICE], conditions={"source_ips": ["203.0.113.0/24"]})
    edges = xa.picture(diff(build(grant), State({})), grant=grant).graph.edges

    assert {(each.source, each.target) for each in edges} == {(pattern_of("ReadOnly"), ROLE), (ALICE, ROLE)}
    assert all(each.lines == ("only from 203.0.113.0/24",) for each in edges)


def test_who_matches_a_new_pattern_loses_nothing_in_the_trust_policy() -> None:
    before = live(f"arn:aws:iam::{HOME}:role/hub", f"arn:aws:iam::{HOME}:role/ci-build")
    changes = diff(build(a_grant(sources=[CI], adopt=True)), before).changes

    assert losses(before, changes) == (
        f"Every session of role/hub of {HOME} will no longer be able to assume role/reports-reader of "
        "222222222222.",
    )


def test_the_console_is_for_who_signed_in_as_such_a_role() -> None:
    notes = console_access(a_grant(sources=[READ_ONLY]))

    assert f"signed in as the permission set ReadOnly of {HOME}" in str(notes)


def test_a_chain_goes_through_a_role_that_matches() -> None:
    first = a_grant(name="first", destinations=[f"arn:aws:iam::{HOME}:role/ci-hub"], permissions=[])
    second = a_grant(name="second", sources=[CI])
    hops = hops_of(second, through=[first])

    assert [hop.role for hop in hops] == [f"arn:aws:iam::{HOME}:role/ci-hub", ROLE]


# --- the other owner, fleets


def test_the_owner_of_the_permission_set_gets_the_policy_and_where_it_belongs() -> None:
    grant = a_grant(sources=[READ_ONLY])
    steps = json.loads(xa.hand_over(build(grant), "source", "json"))["steps"]
    (step,) = [each for each in steps if "policy" in each]

    assert step["policy"]["Statement"][0]["Resource"] == [ROLE]
    assert f"The roles trust the permission set ReadOnly of {HOME}" in step["step"]
    assert "inline policy in IAM Identity Center" in step["step"]
    assert half_of(grant, "source").is_empty


def test_a_request_to_the_owner_of_a_permission_set_is_refused_with_the_reason() -> None:
    with pytest.raises(InvalidHandoff) as refusal:
        request_for(build(a_grant(sources=[READ_ONLY])), "source", made="2026-11-24T10:00:00Z")

    assert "the owners of these accounts decide who gets in" in refusal.value.why


def test_the_headroom_counts_patterns_as_sources() -> None:
    (quota,) = [
        each for each in headroom(build(a_grant(sources=[CI])), State({})).quotas if each.items == "sources"
    ]

    assert 0 < quota.more < 100


def test_a_fleet_takes_both_forms_and_has_no_slice_for_them_on_the_source_side() -> None:
    entry = {"name": "reports", "accounts": ["222222222222", "333333333333"], "role": "reader"}
    fleet = Fleet(name="all", grants=[{**entry, "sources": [READ_ONLY, CI, ALICE]}])
    slices = expand(fleet).slices

    assert fleet.grants[0].template.role_patterns == (pattern_of("ReadOnly"), CI)
    assert [(each.side, each.account) for each in slices] == [
        ("source", HOME),
        ("destination", "222222222222"),
        ("destination", "333333333333"),
    ]
    assert slices[0].grant.sources == (ALICE,)


def test_a_fleet_says_what_to_put_into_the_permission_set_in_few_lines() -> None:
    entry = {"name": "reports", "role": "reader", "sources": [READ_ONLY]}
    few, many = (
        str(expand(Fleet(name="all", grants=[{**entry, "accounts": [f"{at:012d}" for at in range(count)]}])))
        for count in (2, 500)
    )

    assert '"Resource":["arn:aws:iam::000000000000:role/reader"' in few
    assert "UnmodifiableEntity" in few
    assert "with 480 more roles in its Resource" in many
    assert len(many) < len(few) + 2_000


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (CI, f"arn:aws:iam::{HOME}:role/ci-x-*", ""),
        (HOME, CI, ""),
        (CI, f"arn:aws:iam::{HOME}:role/*", "new-source"),
        (f"arn:aws:iam::{HOME}:role/ci-x", CI, "new-source"),
        (CI, f"arn:aws:iam::{HOME}:role/ci-x", "new-caller-policy"),
    ],
)
def test_what_a_pattern_newly_lets_in(before: str, after: str, code: str) -> None:
    found = newly_allowed([a_grant(sources=[before])], [a_grant(sources=[after])])

    assert [each.code for each in found] == ([code] if code else [])


# --- in the sandbox


def pairs(proof: Proof) -> list[tuple[str, str]]:
    return [(each.probe.kind, each.answer) for each in proof.outcomes]


def proven(world: World, callers: tuple[str, ...], **fields: Any) -> Proof:
    grant = grant_in(world, **fields)
    sessions = sessions_in(world, grant, callers)
    applied(grant, sessions)
    return prove(grant, sessions, patience=1)


@pytest.mark.parametrize("region", ["", "eu-west-1"])
def test_a_session_of_a_permission_set_is_the_caller_and_another_a_stranger(
    world: World, region: str
) -> None:
    people = a_caller(world, *set_role("ReadOnly", region))
    others = a_caller(world, *set_role("ReadOnly_Admin", region))
    proof = proven(world, (others, people), sources=[{"permission_set": "ReadOnly", "account": world.source}])

    assert pairs(proof)[:2] == [("assume", ALLOWED), ("stranger", DENIED)]
    assert proof.holds
    assert f"/{people}/" in proof.outcomes[0].who
    assert f"/{others}/" in proof.outcomes[1].who


def test_a_role_with_another_path_is_a_stranger(world: World) -> None:
    inside, outside = a_caller(world, "/ci/", "build"), a_caller(world, "/other/", "build-too")
    proof = proven(world, (outside, inside), sources=[f"arn:aws:iam::{world.source}:role/ci/*"])

    assert pairs(proof)[:2] == [("assume", ALLOWED), ("stranger", DENIED)]
    assert [each.who.split("/")[1] for each in proof.outcomes[:2]] == [inside, outside]


def test_a_caller_whose_path_nobody_can_read_is_one_by_its_name_or_not_asked(world: World) -> None:
    by_name, elsewhere = a_caller(world, "/", "ci-build"), a_caller(world, "/ci-team/", "runner")
    source = f"arn:aws:iam::{world.source}:role/ci-*"
    grant = grant_in(world, sources=[source])
    applied(grant, sessions_in(world, grant, ()))
    sessions = open_sessions(
        grant,
        destination_profiles=["destination-admin"],
        caller_profiles=[elsewhere, by_name],
        endpoint=endpoint_of(world),
    )

    assert [each.profile for each in sessions.callers(source)] == [by_name]
    assert sessions.stranger(source) is None
    assert pairs(prove(grant, sessions, patience=1))[:2] == [("assume", ALLOWED), ("stranger", NOT_ASKED)]


def test_a_pattern_without_a_callers_profile_is_not_proven(world: World) -> None:
    proof = proven(world, ("alice",), sources=[f"arn:aws:iam::{world.source}:role/ci-*"])

    assert pairs(proof)[:2] == [("assume", NOT_ASKED), ("stranger", DENIED)]
    assert "No profile of a role that matches was given." in str(proof)


def test_a_second_plan_changes_nothing(world: World) -> None:
    grant = grant_in(
        world, sources=[f"arn:aws:iam::{world.source}:role/ci-*", f"arn:aws:iam::{world.source}:user/alice"]
    )
    sessions = sessions_in(world, grant)
    applied(grant, sessions)

    assert plan_of(grant, sessions).changes == ()


def test_in_a_role_of_others_the_grant_owns_a_statement_for_names_and_one_for_patterns(world: World) -> None:
    iam, build_role = root_iam(world, world.destination), a_caller(world, "/", "ci-build")
    iam.create_role(RoleName="theirs", AssumeRolePolicyDocument=json.dumps(trusting(world.destination)))
    role = f"arn:aws:iam::{world.destination}:role/theirs"
    ci, alice = f"arn:aws:iam::{world.source}:role/ci-*", f"arn:aws:iam::{world.source}:user/alice"
    fields = {"destinations": [role], "manage": "trust", "permissions": []}
    both, one = (grant_in(world, sources=each, **fields) for each in ([alice, ci], [ci]))
    applied(both, sessions_in(world, both, (build_role, "alice")))

    assert sids(iam) == [None, "xacctXreports", "xacctXreportsByPattern"]
    assert plan_of(both, sessions_in(world, both)).changes == ()
    assert prove(both, sessions_in(world, both, (build_role, "alice")), patience=1).holds

    journal = applied(one, sessions_in(world, one))
    assert sids(iam) == [None, "xacctXreportsByPattern"]
    rollback(journal, sessions_in(world, both), patience=1)
    assert sids(iam) == [None, "xacctXreportsByPattern", "xacctXreports"]
    assert plan_of(both, sessions_in(world, both)).changes == ()


def sids(iam: Any) -> list[str | None]:
    trust = iam.get_role(RoleName="theirs")["Role"]["AssumeRolePolicyDocument"]
    return [each.get("Sid") for each in trust["Statement"]]


def test_a_statement_of_others_lets_matching_roles_in_without_the_condition() -> None:
    fields = {"sources": [CI], "manage": "trust", "permissions": [], "conditions": {"external_id": "agreed"}}
    documents = build(a_grant(**fields))
    theirs = {who: [each.code for each in lint(documents, live(who)).found] for who in (HOME, ALICE)}

    assert "condition-bypassed" in theirs[HOME]
    assert "condition-bypassed" not in theirs[ALICE]


def test_a_fleet_looks_the_path_of_a_callers_role_up_once_for_all_accounts(
    sandbox: Sandbox, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = a_fleet_world(sandbox, world, 3)
    caller = a_caller(world, "/build/", "runner")
    access = replace(members.access, caller_profiles=(caller,))
    fleet = members.fleet(sources=[f"arn:aws:iam::{world.source}:role/build/*"])
    plan = plan_fleet(fleet, access)
    with recording(monkeypatch) as seen:
        result = apply_fleet(fleet, plan, access, approved=plan.digest)
    looked_up = [each for each in seen.asked if each.resource.endswith(":role/build/runner")]

    assert result.holds
    assert [each.action for each in looked_up if each.action == "iam:GetRole"] == ["iam:GetRole"]


def test_the_rights_of_a_fleet_have_those_to_look_the_path_up() -> None:
    sources = [f"arn:aws:iam::{HOME}:role/x/*"]
    fleet = Fleet(
        name="all",
        grants=[{"name": "all", "accounts": ["222222222222"], "role": "reader", "sources": sources}],
    )
    needed = needed_rights(expand(fleet), side="source", steps=["plan", "prove"])
    by_step = needed.of("source", HOME).by_step

    assert Right("iam:GetRole", (f"arn:aws:iam::{HOME}:role/*",)) in by_step["prove"]
    assert by_step["plan"] == ()
