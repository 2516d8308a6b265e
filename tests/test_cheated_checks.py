"""A check is not correct because those who would show a mistake cannot call, or because nothing is there."""

import json
import os
import site
import subprocess
import sys
from pathlib import Path

import pytest

from support.submissions import EXERCISES, OPEN, SHEET, hand_in, of_cells
from support.workshop import opened, solve
from xacct_nb.errors import AwsRefused
from xacct_nb.workshop.grading.grades import NotebookGrade
from xacct_nb.workshop.grading.grading_run import grade_folder
from xacct_nb.workshop.grading.worker import below_worker
from xacct_nb.workshop.judging import judge
from xacct_nb.workshop.opened_sheet import OpenSheet
from xacct_nb.workshop.question import Question
from xacct_nb.workshop.verdict import CORRECT, NOT_ATTEMPTED, NOT_YET

TRUSTED = "trusted_role"
DENY = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*"}]}'
REFUSE_THE_ADMIN = """
iam = sheet.client("source-admin", "iam")
for name in iam.list_user_policies(UserName="admin")["PolicyNames"]:
    iam.delete_user_policy(UserName="admin", PolicyName=name)
"""
CHECK = f'sheet.check("{EXERCISES[0]}", "done")'
DISPLAY = """
from IPython.display import HTML, display
for number in range(10**6):
    display(HTML("x" * 1_000_000))
"""


OWN_USER_BASE = """
import os, site
assert site.getuserbase().startswith(os.environ["HOME"])
"""


@pytest.fixture
def sheet(tmp_path: Path) -> OpenSheet:
    """Sheet 1 with a role that trusts the whole source account, which mallory shows."""
    found = opened(SHEET, tmp_path)
    principal = {"AWS": f"arn:aws:iam::{found.source}:root"}
    allow = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    found.put_role("reports-reader", {"Version": "2012-10-17", "Statement": [allow]})
    role = found.role_arn("reports-reader")
    policy = DENY.replace('"Deny"', '"Allow"').replace('"*"', f'"{role}"')
    iam = found.client("source-admin", "iam")
    iam.put_user_policy(UserName="alice", PolicyName="assume", PolicyDocument=policy)
    return found


class TestADenialThatSaysNothing:
    def test_mallory_shows_that_the_role_trusts_the_account(self, sheet: OpenSheet) -> None:
        assert "mallory assumes role/reports-reader" in sheet.check(TRUSTED, "done").text

    def test_a_key_that_was_deleted_is_no_denial(self, sheet: OpenSheet) -> None:
        iam = sheet.client("source-admin", "iam")
        for key in iam.list_access_keys(UserName="mallory")["AccessKeyMetadata"]:
            iam.delete_access_key(UserName="mallory", AccessKeyId=key["AccessKeyId"])
        verdict = sheet.check(TRUSTED, "done")

        assert verdict.outcome == NOT_YET
        assert "mallory cannot call AWS any more" in verdict.text
        assert "sheet.reset()" in verdict.text

    def test_a_policy_against_her_is_no_denial_by_the_role(self, sheet: OpenSheet) -> None:
        iam = sheet.client("source-admin", "iam")
        iam.put_user_policy(UserName="mallory", PolicyName="no", PolicyDocument=DENY)
        verdict = sheet.check(TRUSTED, "done")

        assert verdict.outcome == NOT_YET
        assert "The policies of mallory do not allow sts:AssumeRole on role/reports-reader" in verdict.text

    def test_a_third_account_that_lost_its_key_shows_nothing(self, sheet: OpenSheet) -> None:
        iam = sheet.client("outsider", "iam")
        for key in iam.list_access_keys(UserName="outsider")["AccessKeyMetadata"]:
            iam.delete_access_key(UserName="outsider", AccessKeyId=key["AccessKeyId"])
        role = (sheet.role_arn("reports-reader"),)

        assert judge(sheet.world, Question("outsider", False, role)).outcome == NOT_YET


def test_who_is_not_asked_about_a_role_may_be_held_back(sheet: OpenSheet) -> None:
    iam = sheet.client("source-admin", "iam")
    iam.put_user_policy(UserName="mallory", PolicyName="no", PolicyDocument=DENY)

    assert judge(sheet.world, Question("mallory", False, (sheet.role_arn("reports-reader"),))).is_correct


@pytest.mark.parametrize("action", ["s3:DeleteObject", "s3:ListBucket"])
def test_a_role_that_may_do_more_than_read_is_not_yet_right(tmp_path: Path, action: str) -> None:
    sheet = opened(SHEET, tmp_path)
    solve(sheet, SHEET.exercises[:3])
    bucket = f"arn:aws:s3:::{sheet.bucket}"
    allow = {"Effect": "Allow", "Action": ["s3:GetObject", action], "Resource": [bucket, f"{bucket}/*"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam = sheet.client("destination-admin", "iam")
    iam.put_role_policy(RoleName="reports-reader", PolicyName="read-reports", PolicyDocument=policy)

    assert action in sheet.check("permissions", "done").text


def test_nobody_reads_is_no_answer_where_nothing_was_made(tmp_path: Path) -> None:
    verdict = opened(SHEET, tmp_path).check("who_reads", [])

    assert verdict.outcome == NOT_YET
    assert "AWS denies what it has to allow: alice as role/reports-reader" in verdict.text


def test_a_check_says_that_the_administrator_may_not_do_what_it_needs(sheet: OpenSheet) -> None:
    exec(REFUSE_THE_ADMIN, {"sheet": sheet})

    with pytest.raises(AwsRefused, match="could not read the accounts") as problem:
        sheet.check(EXERCISES[0], "done")
    assert "iam:GetAccountAuthorizationDetails" in problem.value.why
    assert "sheet.reset()" in problem.value.hint


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, NotebookGrade]:
    folder = tmp_path_factory.mktemp("class")
    reset = f"sheet.reset()\n{SHEET.by_name[EXERCISES[0]].solution}"
    hand_in(folder, "refused.ipynb", of_cells(OPEN, REFUSE_THE_ADMIN, CHECK, CHECK, reset, CHECK))
    hand_in(folder, "user.ipynb", of_cells(OPEN, OWN_USER_BASE))
    hand_in(folder, "display.ipynb", of_cells(OPEN, DISPLAY))
    return {each.participant: each for each in grade_folder(folder, time_limit=30, jobs=2).notebooks}


def test_a_request_that_fails_leaves_the_grader_there_for_the_next(graded: dict[str, NotebookGrade]) -> None:
    grade = graded["refused"]

    assert "could not read the accounts" in grade.reason
    assert [each.outcome for each in grade.exercises] == [CORRECT, *[NOT_ATTEMPTED] * 3]


@pytest.mark.skipif(
    bool(site.ENABLE_USER_SITE), reason="This Python finds its packages in the user's folder."
)
def test_what_a_notebook_installs_for_its_user_is_not_the_graders(graded: dict[str, NotebookGrade]) -> None:
    assert graded["user"].reason == ""


def test_what_is_displayed_counts_as_output(graded: dict[str, NotebookGrade]) -> None:
    assert "wrote more than 30,000,000 characters" in graded["display"].reason


def test_what_runs_below_the_sandbox_is_stopped_and_the_sandbox_is_not() -> None:
    wait = "import sys; sys.stdin.read()"
    start = (
        f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {wait!r}]).pid, flush=True)"
    )
    command = [sys.executable, "-c", f"{start}\n{wait}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout
        function = int(sandbox.stdout.readline())
        found = below_worker(sandbox.pid)
        sandbox.communicate()

    assert function in found
    assert not found & {sandbox.pid, os.getpid()}
