"""Access that ends: a live session outlives a kernel, checks leave all as it was, nothing stays behind."""

from pathlib import Path
from typing import Any

import pytest

from support import in_process_sandbox
from support.workshop import checked, opened, solve, solved_before
from xacct_nb.aws.answers import call_aws
from xacct_nb.errors import AwsRefused
from xacct_nb.sandbox.server.accounts import known_keys
from xacct_nb.sandbox.server.client import expire_session
from xacct_nb.views import html, text
from xacct_nb.workshop.calling import ask
from xacct_nb.workshop.opened_sheet import OpenSheet
from xacct_nb.workshop.question import Question
from xacct_nb.workshop.sheets import sheet_named

SHEET = sheet_named("revoke_and_clean_up")
SESSION = "mallory-session"


@pytest.fixture
def sheet(tmp_path: Path) -> OpenSheet:
    return opened(SHEET, tmp_path)


def reads(sheet: OpenSheet, profile: str = SESSION) -> str:
    """Return the code of AWS's answer to a read of the report, "" where it is allowed."""
    s3 = sheet.client(profile, "s3")
    return call_aws(lambda: s3.get_object(Bucket=sheet.bucket, Key="2026/summary.csv")).code


def token(sheet: OpenSheet) -> str:
    """Return the session token in the credentials file."""
    lines = sheet.world.accounts.credentials_file.read_text().splitlines()
    (line,) = (each for each in lines if each.startswith("aws_session_token"))
    return line.partition(" = ")[2]


class TestTheLiveSession:
    def test_another_kernel_calls_with_it(self, sheet: OpenSheet, tmp_path: Path) -> None:
        again = opened(SHEET, tmp_path)

        assert not again.world.is_new
        assert reads(again) == ""
        assert token(again) == token(sheet)

    def test_its_credentials_are_in_a_private_file_and_in_no_output(self, sheet: OpenSheet) -> None:
        shown = [text(sheet.view()), html(sheet.view()), text(sheet.check("ended", "done").view())]

        assert sheet.world.accounts.credentials_file.stat().st_mode & 0o777 == 0o600
        assert [each for each in shown if token(sheet) in each] == []
        assert SESSION in shown[0]

    def test_another_world_has_another_one(self, sheet: OpenSheet) -> None:
        before = token(sheet)
        sheet.reset()

        assert token(sheet) != before
        assert reads(sheet) == ""

    def test_it_ends_with_the_role(self, sheet: OpenSheet) -> None:
        iam, role = sheet.client("destination-admin", "iam"), "reports-reader"
        iam.delete_role_policy(RoleName=role, PolicyName=role)
        iam.delete_role(RoleName=role)
        report = sheet.world.object_arn("2026/summary.csv")

        assert ask(sheet.world, Question(SESSION, False, (), "s3:GetObject", report)).as_expected


class TestTheChecks:
    @pytest.mark.parametrize("exercise", SHEET.exercises, ids=lambda each: each.name)
    def test_a_check_leaves_all_as_it_was(self, sheet: OpenSheet, exercise: Any) -> None:
        before = sheet.world.fingerprint()
        sheet.check(exercise.name, ["b", "c"])

        assert sheet.world.fingerprint() == before
        assert reads(sheet) == ""
        assert call_aws(sheet.client("mallory", "sts").get_caller_identity).code == ""

    def test_a_prediction_is_judged_again_after_the_others_are_solved(self, sheet: OpenSheet) -> None:
        solve(sheet, SHEET.exercises)

        assert sheet.check("goes_on", ["b", "c"]).is_correct

    def test_one_that_was_killed_half_way_does_not_spoil_the_next(self, sheet: OpenSheet) -> None:
        iam = sheet.client("source-admin", "iam")
        key = iam.list_access_keys(UserName="mallory")["AccessKeyMetadata"][0]["AccessKeyId"]
        iam.update_access_key(UserName="mallory", AccessKeyId=key, Status="Inactive")

        assert sheet.check("goes_on", ["b", "c"]).is_correct

    @pytest.mark.parametrize("answer", [["e"], "b", ["b", ["c"]], {"b": 1}])
    def test_an_answer_of_another_form_is_said(self, sheet: OpenSheet, answer: object) -> None:
        assert "a list of letters from a to d" in str(sheet.check("goes_on", answer))

    def test_that_somebody_has_no_key_any_more_is_said(self, sheet: OpenSheet) -> None:
        iam = sheet.client("source-admin", "iam")
        for key in iam.list_access_keys(UserName="mallory")["AccessKeyMetadata"]:
            iam.delete_access_key(UserName="mallory", AccessKeyId=key["AccessKeyId"])

        said = str(sheet.check("one_out", "done"))
        with pytest.raises(
            AwsRefused, match="mallory cannot assume role/trial-reader, which this sheet needs"
        ):
            sheet.check("goes_on", [])

        assert "AWS denies what it has to allow: mallory calls sts:GetCallerIdentity." in said

    def test_a_way_over_a_role_is_shown_hop_by_hop(self, sheet: OpenSheet) -> None:
        exercise = SHEET.exercise("one_out")
        verdict = checked(sheet, exercise, exercise.wrong.code)

        assert [line.partition(" lets it in.")[0] for line in verdict.points_to] == [
            "Statement 1 of the trust policy of role/team-hub",
            "Statement 1 of the trust policy of role/reports-reader",
        ]

    def test_what_allows_a_session_is_on_its_role(self, sheet: OpenSheet) -> None:
        exercise = SHEET.exercise("ended")
        solved_before(sheet, exercise)
        verdict = checked(sheet, exercise, exercise.wrong.code)

        assert verdict.points_to[0].startswith(
            "Statement 1 of policy reports-reader of role/reports-reader allows it"
        )

    def test_a_session_that_has_expired_does_not_make_it_correct(self, sheet: OpenSheet) -> None:
        exercise = SHEET.exercise("ended")
        solved_before(sheet, exercise)
        expire_session(
            in_process_sandbox.start(), known_keys(sheet.world.accounts.credentials_file)[SESSION][0]
        )

        assert reads(sheet) == "ExpiredToken"
        assert not sheet.check("ended", "done").is_correct
        assert checked(sheet, exercise, exercise.solution).is_correct

    def test_a_role_that_was_deleted_is_said_to_be_missing(self, sheet: OpenSheet) -> None:
        solved_before(sheet, SHEET.exercise("ended"))
        iam, role = sheet.client("destination-admin", "iam"), "reports-reader"
        iam.delete_role_policy(RoleName=role, PolicyName=role)
        iam.delete_role(RoleName=role)
        verdict = sheet.check("ended", "done")

        assert "alice assumes role/team-hub, then role/reports-reader" in verdict.text
        assert verdict.points_to[0].startswith("No role has the ARN")

    @pytest.mark.parametrize("cutoff", ["2000-01-01T00:00:00Z", "2999-01-01T00:00:00Z"])
    def test_a_cutoff_too_early_or_too_late_is_not_yet(self, sheet: OpenSheet, cutoff: str) -> None:
        exercise = SHEET.exercise("ended")
        solved_before(sheet, exercise)
        code = exercise.solution.replace("now.isoformat()", repr(cutoff))

        assert not checked(sheet, exercise, code).is_correct

    def test_the_end_of_one_session_alone_is_not_yet(self, sheet: OpenSheet) -> None:
        exercise = SHEET.exercise("ended")
        solved_before(sheet, exercise)
        code = exercise.solution.replace(
            '{"DateLessThan": {"aws:TokenIssueTime": now.isoformat()}}',
            f'{{"StringLike": {{"aws:userid": "*:{SESSION}"}}}}',
        )
        verdict = checked(sheet, exercise, code)

        assert code != exercise.solution
        assert reads(sheet) == "AccessDenied"
        assert "the policies of role/reports-reader alone" in verdict.text


class TestWhatIsLeft:
    def test_the_clean_up_removes_an_instance_profile_with_its_role(self, sheet: OpenSheet) -> None:
        cleaned = sheet.clean_up()

        assert cleaned.is_clean, str(cleaned)
        assert ("instance profile", "archive-reader") in [(each.kind, each.name) for each in cleaned.removed]

    def test_one_whose_role_is_gone_is_removed_too(self, sheet: OpenSheet) -> None:
        solve(sheet, SHEET.exercises)
        iam = sheet.client("destination-admin", "iam")
        iam.create_instance_profile(InstanceProfileName="left-over")

        assert sheet.clean_up().is_clean
