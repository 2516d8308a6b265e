"""Which probes a grant has, and what their results prove."""

import json
from typing import Any

import pytest

from support.examples import ALICE, READ, ROLE, a_grant
from xacct_nb.changes.plan import missing_sides
from xacct_nb.changes.planner import desired_resources, diff
from xacct_nb.changes.proof import (
    ALLOWED,
    DENIED,
    ERROR,
    NOT_ASKED,
    Outcome,
    Proof,
    assume_parameters,
    expected_probes,
)
from xacct_nb.grants.documents import build
from xacct_nb.grants.state import ResourceKey, State

ACCOUNT = "111111111111"
RIGHT = Proof(tuple(Outcome(probe, probe.expected, ALICE) for probe in expected_probes(a_grant())))


def questions(**fields: Any) -> list[tuple[str, str, str]]:
    """Return what is probed and expected: a star where no call can be made."""
    probes = expected_probes(a_grant(**fields))
    return [(each.kind, each.question, "*" if each.unaskable else each.expected) for each in probes]


def kinds(**fields: Any) -> list[str]:
    return [probe.kind for probe in expected_probes(a_grant(**fields))]


def parameters(variation: str = "", username: str = "", **conditions: Any) -> dict[str, Any]:
    return assume_parameters(a_grant(conditions=conditions), ROLE, variation, username)


def with_answer(kind: str, answer: str) -> Proof:
    return Proof(
        tuple(
            Outcome(each.probe, answer if each.probe.kind == kind else each.answer) for each in RIGHT.outcomes
        )
    )


def test_the_articles_case_has_six_questions() -> None:
    assert questions() == [
        ("assume", "assume reports-reader", ALLOWED),
        ("stranger", "assume reports-reader", DENIED),
        ("identity", "GetCallerIdentity names the role", ALLOWED),
        ("allowed", "s3:GetObject reports/*", ALLOWED),
        ("beside", "s3:ListBucket reports", DENIED),
        ("direct", "s3:GetObject reports/*, without the role", DENIED),
    ]


def test_every_source_is_probed_with_every_destination() -> None:
    writer = "arn:aws:iam::222222222222:role/writer"
    probes = expected_probes(a_grant(sources=[ALICE, ACCOUNT], destinations=[ROLE, writer]))

    assert [(each.source, each.role) for each in probes if each.kind == "assume"] == [
        (ALICE, ROLE),
        (ALICE, writer),
        (ACCOUNT, ROLE),
        (ACCOUNT, writer),
    ]


@pytest.mark.parametrize(
    ("conditions", "negatives"),
    [
        ({"external_id": "partner-7"}, ["without-external-id", "wrong-external-id"]),
        ({"role_session_name": "audit"}, ["another-session-name"]),
        ({"source_identity": "alice"}, ["without-source-identity"]),
        ({"session_tags": {"team": "data"}}, ["without-session-tags"]),
        ({"require_mfa": True}, ["without-mfa"]),
        ({"source_ips": ["10.0.0.0/8"]}, []),
        ({"organization_id": "o-a1b2c3d4e5"}, []),
    ],
)
def test_each_condition_has_a_probe_that_does_not_meet_it(
    conditions: dict[str, Any], negatives: list[str]
) -> None:
    assert kinds(conditions=conditions)[1:-5] == negatives


def test_no_principal_of_a_whole_account_is_a_stranger() -> None:
    assert ("stranger", "assume reports-reader", "*") in questions(sources=[ACCOUNT])
    assert ("stranger", "assume reports-reader", "*") in questions(sources=[ALICE, ACCOUNT])


def test_with_mfa_the_assume_itself_cannot_be_probed() -> None:
    assert questions(conditions={"require_mfa": True})[:2] == [
        ("assume", "assume reports-reader", "*"),
        ("without-mfa", "assume it without MFA", DENIED),
    ]


def test_an_action_that_changes_something_is_not_probed() -> None:
    put = [{**READ, "actions": ["s3:PutObject"]}]

    assert ("allowed", "s3:PutObject", "*") in questions(permissions=put)
    assert ("direct", "the same, without the role", "*") in questions(permissions=put)


def test_with_a_managed_policy_no_denied_call_is_known() -> None:
    managed = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]

    assert ("beside", "another call", "*") in questions(managed_policies=managed)


def test_a_pattern_of_session_names_may_allow_the_other_name_too() -> None:
    asked = questions(conditions={"role_session_name": "xacct-*"})

    assert ("another-session-name", "assume it under another session name", "*") in asked


def test_the_parameters_of_assume_role_are_those_of_the_article() -> None:
    assert parameters() == {"RoleArn": ROLE, "RoleSessionName": "xacct-nb-proof", "DurationSeconds": 3600}


def test_the_conditions_are_met() -> None:
    asked = parameters(external_id="partner-7", source_identity="alice", session_tags={"team": "data"})

    assert (asked["ExternalId"], asked["SourceIdentity"], asked["Tags"]) == (
        *("partner-7", "alice"),
        [{"Key": "team", "Value": "data"}],
    )


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("audit", "audit"), ("audit-*", "audit-x"), ("audit-??", "audit-xx"), ("${aws:username}", "alice")],
)
def test_the_session_has_a_name_that_fits(wanted: str, expected: str) -> None:
    assert parameters(username="alice", role_session_name=wanted)["RoleSessionName"] == expected


@pytest.mark.parametrize(("minutes", "seconds"), [(15, 900), (45, 2700), (60, 3600), (720, 3600)])
def test_the_session_lasts_an_hour_at_most(minutes: int, seconds: int) -> None:
    assert assume_parameters(a_grant(session_minutes=minutes), ROLE)["DurationSeconds"] == seconds


def test_a_variation_changes_one_parameter() -> None:
    conditions = {"external_id": "partner-7", "role_session_name": "audit", "source_identity": "alice"}
    usual = parameters(**conditions)

    assert parameters("without-external-id", **conditions) == {
        k: v for k, v in usual.items() if k != "ExternalId"
    }
    assert parameters("wrong-external-id", **conditions) == usual | {
        "ExternalId": "xacct-nb-not-the-external-id"
    }
    assert parameters("another-session-name", **conditions) == usual | {
        "RoleSessionName": "xacct-nb-another-name"
    }
    assert "SourceIdentity" not in parameters("without-source-identity", **conditions)


def test_a_proof_holds_when_all_results_are_as_expected() -> None:
    assert RIGHT.holds
    assert RIGHT.summary == (
        "Proof: 6 of 6 answered as expected, 0 not asked. The access is what the grant says."
    )


@pytest.mark.parametrize("kind", ["assume", "stranger", "identity", "allowed", "beside", "direct"])
def test_one_wrong_result_is_enough_for_it_not_to_hold(kind: str) -> None:
    wrong = ALLOWED if kind in ("stranger", "beside", "direct") else DENIED

    assert not with_answer(kind, wrong).holds
    assert "WRONG" in str(with_answer(kind, wrong))


@pytest.mark.parametrize("kind", ["assume", "stranger", "allowed", "direct"])
def test_an_error_is_neither_a_denial_nor_a_permission(kind: str) -> None:
    proof = with_answer(kind, ERROR)

    assert (proof.verdict, proof.to_json()["verdict"]) == ("not-proven", "not-proven")
    assert "AWS returned an error" in str(proof)
    assert "WRONG" not in str(proof)


def test_an_assume_that_was_not_probed_proves_nothing() -> None:
    proof = with_answer("assume", NOT_ASKED)

    assert not proof.holds
    assert proof.summary == "Proof: 5 of 5 answered as expected, 1 not asked. The access is not proven."


@pytest.mark.parametrize("kind", ["stranger", "identity", "beside", "direct"])
def test_another_question_may_stay_open(kind: str) -> None:
    assert with_answer(kind, NOT_ASKED).holds


def test_a_permission_without_a_positive_answer_is_not_proven_and_says_why() -> None:
    typo = a_grant(permissions=[{**READ, "actions": ["s3:GetObject", "s3:GetObjct"]}])
    answers = [
        Outcome(each, NOT_ASKED if each.unaskable else each.expected, ALICE, each.unaskable)
        for each in expected_probes(typo)
    ]
    proof = Proof(tuple(answers))

    assert proof.verdict == "not-proven"
    assert proof.open_reasons == (
        "s3:GetObjct, by user/alice through role/reports-reader. "
        "No read-only call for this action is known here.",
    )
    assert "Not proven: s3:GetObjct" in str(proof)
    assert proof.summary.endswith("The access is not proven.")


@pytest.mark.parametrize(
    ("action", "why"),
    [
        ("ec2:DescribeRegions", "No read-only call for this action is known here."),
        (
            "s3:ListBucket",
            "The read-only call that is known for this action cannot be made for this resource.",
        ),
    ],
)
def test_a_call_that_is_not_made_is_not_said_to_be_none(action: str, why: str) -> None:
    probes = expected_probes(a_grant(permissions=[{"actions": [action], "resources": ["*"]}]))

    assert {each.unaskable for each in probes if each.kind == "allowed"} == {why}


def test_a_denial_outweighs_what_is_open() -> None:
    outcomes = (*with_answer("assume", NOT_ASKED).outcomes, *with_answer("allowed", DENIED).outcomes)

    assert Proof(outcomes).verdict == "fails"


def test_a_proof_that_holds_is_green_and_one_that_is_open_is_not() -> None:
    assert 'class="xacct-text good"' in RIGHT._repr_html_()
    assert "good" not in with_answer("allowed", NOT_ASKED)._repr_html_().rpartition("</table>")[2]


def test_a_proof_without_results_does_not_hold() -> None:
    assert not Proof().holds
    assert str(Proof()) == "No call was made: nothing has been applied."


def test_a_proof_goes_to_json_and_back() -> None:
    again = Proof.from_json(json.loads(json.dumps(RIGHT.to_json())))

    assert again == RIGHT
    assert again.to_json() == RIGHT.to_json()


WANTED = State(desired_resources(build(a_grant()), State({})))


def missing(state: State) -> tuple[str, ...]:
    return missing_sides(a_grant(), diff(build(a_grant()), state))


def test_nothing_is_missing_where_all_resources_exist() -> None:
    assert missing(WANTED) == ()


def test_the_source_side_is_named_where_the_caller_policy_is_missing() -> None:
    resources = {key: value for key, value in WANTED.resources.items() if key.target != ALICE}

    assert missing(State(resources)) == (
        "source side, account 111111111111: attachment xacct-reports on user/alice is missing.",
    )


def test_the_destination_side_is_named_where_the_trust_is_another() -> None:
    key = ResourceKey("role", ROLE)
    other = {**WANTED.resources[key], "trust": {"Statement": []}}

    assert missing(State({**WANTED.resources, key: other})) == (
        "destination side, account 222222222222: trust role/reports-reader is not what the grant says.",
    )


def test_what_is_too_much_is_named_too() -> None:
    extra = ResourceKey("inline-policy", ROLE, "by-hand")

    assert missing(State({**WANTED.resources, extra: {"Statement": []}})) == (
        "destination side, account 222222222222: inline-policy by-hand on role/reports-reader is too much.",
    )
