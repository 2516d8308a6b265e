"""AWS's answer now comes before the error text, the text before what was given; a conflict is shown."""

import json

import pytest

from xacct_nb.diagnosis.attempt import Attempt, AttemptResult, attempt_from_denial
from xacct_nb.diagnosis.catalogue import CATALOGUE
from xacct_nb.diagnosis.conflicts import GIVEN, NOW, TEXT, Conflict
from xacct_nb.diagnosis.denial import read_denial
from xacct_nb.diagnosis.diagnosis import Diagnosis, diagnose
from xacct_nb.diagnosis.snapshot import CallerIdentity, Destination, Principal, Snapshot

DEV, BOB = "arn:aws:iam::111111111111:user/dev", "arn:aws:iam::111111111111:user/bob"
TARGET, READER = "arn:aws:iam::222222222222:role/target", "arn:aws:iam::222222222222:role/reader"
SESSION = "arn:aws:sts::222222222222:assumed-role/reader/desk"
DENIED = f"User: {DEV} is not authorized to perform: sts:AssumeRole on resource: {TARGET}"
READ = f"User: {SESSION} is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::reports/a"


def conflicts(text: str, **known: str) -> dict[str, tuple[str, str]]:
    found = diagnose(attempt=Attempt(**known), denial=read_denial(text)).conflicts
    return {each.what: (each.used, each.other) for each in found}


def test_the_text_comes_before_what_was_given_and_the_conflict_is_shown() -> None:
    found = diagnose(attempt=Attempt(caller=BOB, role=READER), denial=read_denial(DENIED))
    shown = f"{found}{found._repr_html_()}{json.dumps(found.to_json())}"

    assert (found.attempt["caller"], found.attempt["role"]) == (DEV, TARGET)
    assert found.conflicts == (
        Conflict("caller", DEV, TEXT, BOB, GIVEN),
        Conflict("role", TARGET, TEXT, READER, GIVEN),
    )
    assert shown.count(BOB) >= 3
    assert Diagnosis.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"caller": DEV},
        {"role": TARGET},
        {"caller": DEV, "role": TARGET, "action": "STS:assumerole"},
    ],
)
def test_without_a_contradiction_no_conflict_is_shown(known: dict[str, str]) -> None:
    assert conflicts(DENIED, **known) == {}


def test_action_and_resource_are_those_of_the_text() -> None:
    known = {"role": READER, "action": "s3:PutObject", "resource": "arn:aws:s3:::others/*"}
    found = attempt_from_denial(read_denial(READ), Attempt(**known))

    assert (found.action, found.resource) == ("s3:GetObject", "arn:aws:s3:::reports/a")
    assert conflicts(READ, **known) == {
        "action": ("s3:GetObject", "s3:PutObject"),
        "resource": ("arn:aws:s3:::reports/a", "arn:aws:s3:::others/*"),
    }


def test_the_resource_of_another_action_is_not_used() -> None:
    known = Attempt(role=READER, action="s3:PutObject", resource="arn:aws:s3:::others/*")

    assert attempt_from_denial(read_denial(READ.partition(" on ")[0]), known).resource == ""


def test_a_role_that_was_given_with_its_path_is_the_role_of_the_session() -> None:
    with_path = READER.replace("role/", "role/teams/")

    assert attempt_from_denial(read_denial(READ), Attempt(role=with_path)).role == with_path
    assert conflicts(READ, role=with_path) == {}


def test_another_role_than_the_one_of_the_session_is_a_conflict() -> None:
    assert conflicts(READ, role=TARGET) == {"role": (READER, TARGET)}


def test_the_identity_of_the_session_comes_before_the_caller_that_was_given() -> None:
    seen = Snapshot(caller=CallerIdentity(arn=BOB))
    found = diagnose(seen, attempt=Attempt(caller=DEV, role=TARGET))

    assert found.conflicts == (Conflict("caller", BOB, NOW, DEV, GIVEN),)
    assert (found.causes[0].code, found.causes[0].confidence) == ("another-caller", "certain")


def test_from_a_text_alone_another_caller_is_possible_at_most() -> None:
    found = diagnose(attempt=Attempt(caller=BOB, role=TARGET), denial=read_denial(DENIED))
    others = [each for each in found.causes if each.code == "another-caller"]

    assert [each.confidence for each in others] == ["possible"]


def test_a_masked_account_is_no_contradiction_and_the_arn_that_was_given_counts() -> None:
    masked = DENIED.replace("111111111111", "***").replace("222222222222", "XXXXXXXXXXXX")
    found = diagnose(attempt=Attempt(caller=DEV, role=TARGET), denial=read_denial(masked))

    assert (found.attempt["caller"], found.attempt["role"]) == (DEV, TARGET)
    assert found.conflicts == ()


def test_the_policies_of_another_role_say_nothing_of_the_session_in_the_text() -> None:
    trust = {"Version": "2012-10-17", "Statement": []}
    seen = Snapshot(destination=Destination(role=Principal(arn=TARGET, trust=trust)))
    found = diagnose(seen, denial=read_denial(READ))

    assert {each.confidence for each in found.causes} == {"possible"}


def test_what_aws_names_now_is_shown_beside_what_the_text_names() -> None:
    text = read_denial(f"{DENIED} because no identity-based policy allows the sts:AssumeRole action")
    now = read_denial(f"{DENIED} with an explicit deny in a service control policy")
    found = diagnose(denial=text, result=AttemptResult(False, denial=now))

    assert [(each.what, each.used, each.used_from) for each in found.conflicts] == [
        ("policy type", "service control policy", NOW)
    ]


@pytest.mark.parametrize("action", ["sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"])
def test_an_unsigned_request_has_no_cause_in_a_callers_policies_or_mfa(action: str) -> None:
    found = diagnose(attempt=Attempt(role=TARGET), denial=read_denial(f"Not authorized to perform {action}"))
    listed = {each.code for each in found.causes} | set(found.indistinguishable_causes)

    assert found.attempt["action"] == action
    assert listed
    assert {code for code in listed if "mfa" in code or CATALOGUE[code].side == "source"} <= {
        "vpc-endpoint-policy"
    }
    assert not listed & {"service-control-policy", "external-id-missing", "other-principal-trusted"}
