"""The findings on a role of others, of whose trust policy the grant owns one statement."""

from typing import Any

import pytest

from support.examples import ALICE, READ, ROLE, SOME_POLICY, a_grant
from xacct_nb.changes.entitlements import losses
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.plan_graph import plan_graph
from xacct_nb.changes.planner import diff
from xacct_nb.changes.revocation import session_notes
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.sentences import access_sentences
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.linting.findings import lint
from xacct_nb.linting.headroom import headroom
from xacct_nb.linting.rules.others_roles import OTHERS_RULES

OWNER = {"AWS": "arn:aws:iam::222222222222:user/owner"}
ALLOWED = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": READ["actions"], "Resource": READ["resources"]}],
}
WITH_ID = {"external_id": "partner-7"}


def allow(who: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"AWS": who}, "Action": "sts:AssumeRole", **more}


def role(
    *statements: dict[str, Any], inline: Any = ALLOWED, version: str = "2012-10-17", **more: Any
) -> State:
    """A role of others with these statements in its trust policy, and what the grant names allowed."""
    trust = {"Version": version, "Statement": [*statements] or [allow(OWNER["AWS"])]}
    usual = {"path": "/", "description": "", "boundary": "", "session_seconds": 3600, "tags": {}}
    details: dict[ResourceKey, Any] = {ResourceKey("role", ROLE): {**usual, "trust": trust, **more}}
    return State({}, details | ({ResourceKey("inline-policy", ROLE, "theirs"): inline} if inline else {}))


def trust_only(**fields: Any) -> Grant:
    return a_grant(manage="trust", **fields)


def found(state: State, **fields: Any) -> list[tuple[str, str]]:
    return [(each.code, each.severity) for each in lint(build(trust_only(**fields)), state).found]


ID_ONLY = {"StringEquals": {"sts:ExternalId": "partner-7"}}
CASES: list[tuple[str, str, dict[str, Any], State, State]] = [
    (
        "condition-bypassed", "warning", {"conditions": WITH_ID},
        role(allow(ALICE)), role(allow(ALICE, Condition=ID_ONLY)),
    ),
    (
        "condition-bypassed", "warning", {"conditions": {"source_ips": ["203.0.113.0/24"]}},
        role(allow("111111111111")),
        role(allow(ALICE, Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})),
    ),
    (
        "condition-bypassed", "warning", {"conditions": {"session_tags": {"team": "data"}}},
        role(allow(ALICE)), role(allow(ALICE, Condition={"StringEquals": {"aws:RequestTag/team": "data"}})),
    ),
    (
        "denied-by-owner", "warning", {},
        role(allow(OWNER["AWS"]), {**allow("111111111111"), "Effect": "Deny"}),
        role(allow(OWNER["AWS"]), {**allow("333333333333"), "Effect": "Deny"}),
    ),
    (
        "trust-managed-elsewhere", "warning", {},
        role(tags={"managed-by": "terraform"}), role(tags={"team": "data"}),
    ),
    ("not-allowed-by-owner", "warning", {}, role(inline=SOME_POLICY), role()),
    ("not-allowed-by-owner", "warning", {}, role(inline=None), role()),
    ("shorter-session", "warning", {"session_minutes": 120}, role(), role(session_seconds=7200)),
    (
        "variable-in-old-policy", "warning", {"conditions": {"role_session_name": "${aws:username}"}},
        role(version="2008-10-17"), role(),
    ),
    ("already-trusted", "note", {}, role(allow(ALICE)), role(allow(f"{ALICE}2"))),
]  # fmt: skip


@pytest.mark.parametrize(("code", "severity", "fields", "bad", "good"), CASES)
def test_a_role_of_others_has_the_finding_or_not(
    code: str, severity: str, fields: dict[str, Any], bad: State, good: State
) -> None:
    assert (code, severity) in found(bad, **fields)
    assert code not in [each for each, _ in found(good, **fields)]


def test_every_rule_has_a_case() -> None:
    assert {rule.code for rule in OTHERS_RULES} == {code for code, *_ in CASES}


def test_a_role_of_others_that_needs_nothing_more_has_no_warning() -> None:
    assert found(role()) == [("kept-permissions", "note")]


def test_the_finding_names_who_is_let_in_and_what_they_need_not_meet() -> None:
    conditions = {**WITH_ID, "require_mfa": True}
    findings = lint(build(trust_only(conditions=conditions)), role(allow(ALICE))).found
    whys = [each.why for each in findings if each.code == "condition-bypassed"]

    assert [why.partition(":")[0] for why in whys] != []
    assert any(f"lets {ALICE} in without the external ID" in why for why in whys)
    assert any(f"lets {ALICE} in without MFA" in why for why in whys)


def test_a_statement_whose_keys_only_aws_knows_is_no_finding() -> None:
    sealed = allow(ALICE, Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})

    assert (
        not {"condition-bypassed", "already-trusted"} & dict(found(role(sealed), conditions=WITH_ID)).keys()
    )


def test_whole_accounts_and_roles_are_asked_about_too() -> None:
    hub = "arn:aws:iam::111111111111:role/teams/hub"
    codes = [
        [code for code, _ in found(role(allow(principal)), sources=[source], conditions=WITH_ID)]
        for source, principal in ((hub, hub), ("111111111111", "111111111111"), ("111111111111", ALICE))
    ]

    assert ["condition-bypassed" in each for each in codes] == [True, True, False]


def test_the_permissions_of_the_grant_are_not_linted_as_its_own() -> None:
    codes = [each.code for each in lint(build(trust_only(permissions=[]))).found]

    assert codes == []


def test_the_headroom_counts_the_statements_of_others() -> None:
    documents, state = build(trust_only()), role(*[allow(f"{ALICE}{number}") for number in range(9)])
    used = [next(iter(headroom(documents, it).quotas[-1:])).used for it in (State({}), state)]

    assert headroom(documents, state).quotas[-1].what == "trust policy"
    assert used[1] > used[0] + 900


@pytest.mark.parametrize(
    ("permissions", "what"),
    [
        ([READ], "do what the role's owner allows (to be proven: s3:GetObject on reports/*)"),
        ([], "do what the role's owner allows"),
    ],
)
def test_the_sentence_says_whose_the_permissions_are(permissions: list[Any], what: str) -> None:
    (sentence,) = access_sentences(trust_only(permissions=permissions))

    assert f"will be able to {what} through role/reports-reader of 222222222222" in sentence


def test_a_rollback_says_that_only_the_owner_can_end_open_sessions() -> None:
    for revoked in (False, True):
        (note,) = session_notes([ROLE], role(session_seconds=7200), [], revoked=revoked)

        assert "belongs to others and stays, and its open sessions stay valid for up to 2 h" in note


# --- what is shown of a plan


def planned(state: State, **fields: Any) -> Plan:
    return diff(build(trust_only(**fields)), state)


def test_who_is_let_in_by_others_loses_nothing_and_a_source_that_is_left_out_does() -> None:
    both = build(trust_only(sources=[ALICE, f"{ALICE}2"])).trust_policies[ROLE]["Statement"][0]
    state = role(allow(OWNER["AWS"]), both)
    state = State({ResourceKey("trust-statement", ROLE, both["Sid"]): both}, state.details)
    told = losses(state, planned(state).changes)

    assert told == (
        "user/alice2 of 111111111111 will no longer be able to assume role/reports-reader of 222222222222.",
    )
    assert losses(role(), planned(role()).changes) == ()


def test_the_picture_of_a_plan_has_whom_others_let_in_beside_whom_it_adds() -> None:
    graph = plan_graph(trust_only(), planned(role()))
    marks = {edge.source: edge.mark for edge in graph.edges if edge.target == ROLE}

    assert marks == {ALICE: "+", OWNER["AWS"]: ""}
