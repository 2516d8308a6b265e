"""The organization of a sheet: its control policies are tried and put back, and it ends with the sheet."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from support import in_process_sandbox
from support.workshop import checked, opened
from xacct_nb.aws.answers import call_aws
from xacct_nb.errors import InvalidInput, InvalidPolicy
from xacct_nb.iam.grammar import RESOURCE_CONTROL, SERVICE_CONTROL
from xacct_nb.sandbox.server.connection import send
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.workshop.cleaning import clean
from xacct_nb.workshop.grading.graded_world import GradedWorld
from xacct_nb.workshop.opened_sheet import OpenSheet
from xacct_nb.workshop.organization import (
    FULL_ACCESS,
    ROOT,
    OrganizationTree,
    control_policy,
    organized,
    put_organization,
)
from xacct_nb.workshop.sheets import sheet_named
from xacct_nb.workshop.verdict import NOT_YET

SHEET = sheet_named("control_policies")
DENY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}

ID, ANY = "sheet.organization", '"o-*"'
NOT, NOT_ANY = "StringNotEquals", "StringNotLike"
SOLUTION = SHEET.exercise("stay_inside").solution
ONE_ROLE = """
allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
deny = {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/vendor-inbox"}
answer = {"Version": "2012-10-17", "Statement": [allow, deny]}
"""
LISTED_SERVICES = SOLUTION.replace('"Allow", "Action": "*"', '"Allow", "Action": ["s3:*", "iam:*", "sts:*"]')


@pytest.fixture
def sheet(tmp_path: Path) -> OpenSheet:
    return opened(SHEET, tmp_path)


def organizations(sandbox: Sandbox) -> dict[str, str]:
    """Return the accounts of the sandbox that are in any organization, with their paths."""
    found: dict[str, str] = send(sandbox.endpoint, sandbox.token, "/_xacct/organization")["accounts"]
    return found


def members(sheet: OpenSheet) -> dict[str, str]:
    """Return the accounts that are in the sheet's organization, and where."""
    found = organizations(sheet.sandbox)
    return {account: path for account, path in found.items() if path.startswith(f"{sheet.organization}/")}


def answered(sheet: OpenSheet, role: str = "reports-reader") -> str:
    """Return AWS's answer to Alice's AssumeRole."""
    sts = sheet.client("alice", "sts")
    answer = call_aws(lambda: sts.assume_role(RoleArn=sheet.role_arn(role), RoleSessionName="alice"))
    return answer.message or "allowed"


def test_a_sheet_begins_with_both_accounts_in_an_organization_that_stops_alice(sheet: OpenSheet) -> None:
    assert set(members(sheet)) == {sheet.source, sheet.destination}
    assert "no service control policy allows" in answered(sheet)


@pytest.mark.parametrize("answer", ["root", "teams", FULL_ACCESS, DENY, "{", None])
@pytest.mark.parametrize("exercise", list(SHEET.by_name))
def test_a_check_puts_back_what_was_there(sheet: OpenSheet, exercise: str, answer: object) -> None:
    before = members(sheet)
    sheet.check(exercise, answer)

    assert members(sheet) == before
    assert "no service control policy allows" in answered(sheet)
    assert call_aws(sheet.client("source-admin", "iam").list_users).value


@pytest.mark.parametrize(
    ("exercise", "code"),
    [
        ("stay_inside", SHEET.exercise("stay_inside").solution.replace(NOT, NOT_ANY).replace(ID, ANY)),
        (
            "keep_outsiders_out",
            SHEET.exercise("keep_outsiders_out").solution.replace(NOT, NOT_ANY).replace(ID, ANY),
        ),
        (
            "trust_the_organization",
            SHEET.exercise("trust_the_organization")
            .solution.replace("StringEquals", "StringLike")
            .replace(ID, ANY),
        ),
        ("stay_inside", ONE_ROLE),
        ("stay_inside", LISTED_SERVICES),
    ],
)
def test_any_organization_one_role_and_a_list_of_services_are_not_what_was_asked_for(
    sheet: OpenSheet, exercise: str, code: str
) -> None:
    verdict = checked(sheet, sheet.sheet.exercise(exercise), code)

    assert verdict.outcome == NOT_YET, str(verdict)


def test_what_was_there_is_put_back_after_an_error_too(sheet: OpenSheet) -> None:
    tried = OrganizationTree({sheet.source: "teams"})
    usual = tried.with_service(ROOT, DENY)
    with pytest.raises(KeyboardInterrupt), organized(sheet.world, tried, usual):
        raise KeyboardInterrupt

    assert "explicit deny in a service control policy" in answered(sheet)


def test_each_level_has_its_own_policies_and_the_others_full_access(sheet: OpenSheet) -> None:
    answers = []
    for level in (ROOT, "teams", sheet.source, "data"):
        put_organization(sheet.world, OrganizationTree({sheet.source: "teams"}).with_service(level, DENY))
        answers.append("explicit deny" in answered(sheet))

    assert answers == [True, True, True, False]


def test_the_organization_of_another_participant_stays_as_it_is(sheet: OpenSheet, tmp_path: Path) -> None:
    ben = opened(SHEET, tmp_path, "ben")
    before = members(ben)
    sheet.check("trust_the_organization", "done")
    during = answered(ben)
    sheet.reset()
    sheet.clean_up()

    assert sheet.organization != ben.organization
    assert "no service control policy allows" in during
    assert members(ben) == before
    assert "no service control policy allows" in answered(ben)


def test_a_clean_up_ends_the_organization_and_removes_what_its_policies_protected(sheet: OpenSheet) -> None:
    put_organization(sheet.world, OrganizationTree({sheet.source: "teams"}).with_service(ROOT, DENY))
    cleaned = sheet.clean_up()

    assert cleaned.is_clean, str(cleaned)
    assert set(sheet.world.owned) & set(organizations(sheet.sandbox)) == set()


def test_a_reset_ends_the_organization_and_makes_another_one(sheet: OpenSheet) -> None:
    first, old, outside = sheet.organization, sheet.world.accounts, sheet.world.outside
    sheet.reset()

    assert sheet.organization != first
    assert set(members(sheet)) == {sheet.source, sheet.destination}
    assert {old.source, old.destination, outside} & set(organizations(sheet.sandbox)) == set()


def test_after_a_sandbox_was_started_again_the_organization_is_there_again(
    sheet: OpenSheet, tmp_path: Path
) -> None:
    clean(sheet.world)
    another = replace(sheet.sandbox, instance="another")
    again = OpenSheet(SHEET, "ann", tmp_path / "ann" / SHEET.name, another)

    assert again.organization == sheet.organization
    assert set(members(again)) == {sheet.source, sheet.destination}


def test_without_the_sandbox_no_organization_is_changed(sheet: OpenSheet) -> None:
    sheet.world.sandbox = None

    with pytest.raises(InvalidInput, match="changes no organization"):
        put_organization(sheet.world, OrganizationTree({sheet.source: "teams"}))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (7, "it is a dict, or a policy's JSON as text"),
        ("{", "The answer is no JSON"),
        ({"Statement": DENY["Statement"]}, "Version: it is missing, not 2012-10-17"),
        ({**DENY, "Statement": []}, "Statement: it is empty"),
    ],
)
def test_an_answer_that_is_no_policy_is_refused_with_the_reason(answer: object, reason: str) -> None:
    with pytest.raises(InvalidPolicy, match=reason):
        control_policy(answer, SERVICE_CONTROL)


def test_a_service_control_policy_is_no_resource_control_policy() -> None:
    assert control_policy(FULL_ACCESS, SERVICE_CONTROL) == FULL_ACCESS
    with pytest.raises(InvalidPolicy, match="Principal: it is missing"):
        control_policy(DENY, RESOURCE_CONTROL)


def test_a_reset_while_it_is_graded_ends_the_organization_too(tmp_path: Path) -> None:
    sandbox = in_process_sandbox.start()
    graded = GradedWorld(
        SHEET, "ann", tmp_path, sandbox, report=lambda kind, value: None, stopped=nullcontext
    )
    graded.serve({"do": "open", "sheet": SHEET.name, "participant": "", "seed": 0})
    before = organizations(sandbox)
    graded.serve({"do": "reset", "seed": 0})
    after = organizations(sandbox)

    assert len(after) == len(before)
    assert len(set(before) - set(after)) == 3
