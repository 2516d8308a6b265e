"""A sheet in a notebook: checks with three outcomes, hints, progress that stays, reset, and the clean-up."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from support.workshop import opened
from xacct_nb.errors import InvalidInput
from xacct_nb.views import html, text
from xacct_nb.workshop.exercise import Exercise, Instructor, Sheet, WrongAnswer
from xacct_nb.workshop.folders import PROGRESS_FILE
from xacct_nb.workshop.judging import judge, not_yet
from xacct_nb.workshop.opened_sheet import OpenSheet
from xacct_nb.workshop.opening import participant_name
from xacct_nb.workshop.progress import read_progress
from xacct_nb.workshop.question import Question
from xacct_nb.workshop.verdict import CORRECT, NOT_ATTEMPTED, NOT_YET, Asked, Verdict
from xacct_nb.workshop.world import WorkshopWorld


def may_list_users(world: WorkshopWorld, answer: object) -> Verdict:
    if answer not in (None, "done"):
        return not_yet(f"{answer!r} is not what was asked for.")
    return judge(
        world,
        Question("alice", True, action="iam:ListUsers", resource="*", because="She counts the users."),
        Question("alice", False, action="iam:ListRoles", resource="*"),
    )


def exercise(name: str) -> Exercise:
    return Exercise(
        name, "Let Alice list users", "Let Alice list users.", "answer = None\nanswer", may_list_users,
        ("one", "two", "three"), "the solution", WrongAnswer("", ""), (), "", "Because.",
    )  # fmt: skip


SHEET = Sheet(
    99, "listing", "Listing", 15, "", (exercise("first"), exercise("second")), "", Instructor((), (), (), ())
)
LIST_USERS = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*"}]}'
)
LIST_ALL = LIST_USERS.replace("iam:ListUsers", "iam:List*")


@pytest.fixture
def sheet(tmp_path: Path) -> OpenSheet:
    return opened(SHEET, tmp_path)


def let_alice(sheet: OpenSheet, policy: str) -> None:
    iam = sheet.client("source-admin", "iam")
    iam.put_user_policy(UserName="alice", PolicyName="listing", PolicyDocument=policy)


class TestAnOutcome:
    def test_nothing_was_attempted_while_nothing_changed(self, sheet: OpenSheet) -> None:
        assert [sheet.check("first").outcome for _ in range(2)] == [NOT_ATTEMPTED, NOT_ATTEMPTED]

    def test_an_attempt_that_is_taken_back_was_one_still(self, sheet: OpenSheet) -> None:
        let_alice(sheet, LIST_ALL)
        wrong = sheet.check("first")
        sheet.client("source-admin", "iam").delete_user_policy(UserName="alice", PolicyName="listing")
        empty = sheet.check("first")

        assert (wrong.outcome, empty.outcome) == (NOT_YET, NOT_YET)

    def test_the_attempt_of_one_exercise_is_none_of_the_next(self, sheet: OpenSheet) -> None:
        let_alice(sheet, LIST_ALL)

        assert [sheet.check(name).outcome for name in ("first", "second")] == [NOT_YET, NOT_ATTEMPTED]

    def test_an_answer_is_an_attempt(self, sheet: OpenSheet) -> None:
        assert sheet.check("first", "alice").outcome == NOT_YET

    def test_it_is_correct_when_aws_allows_and_denies_as_asked(self, sheet: OpenSheet) -> None:
        let_alice(sheet, LIST_USERS)
        verdict = sheet.check("first")

        assert (verdict.outcome, verdict.why) == (CORRECT, "Because.")

    def test_not_yet_says_what_was_asked_what_aws_said_and_where_it_comes_from(
        self, sheet: OpenSheet
    ) -> None:
        sheet.client("source-admin", "iam")
        verdict = sheet.check("first", "done")
        shown = text(verdict.view())

        assert "AWS denies what it has to allow: alice calls iam:ListUsers." in shown
        assert "is not authorized to perform: iam:ListUsers" in shown
        assert "She counts the users." in shown
        assert 'sheet.hint("first")' in shown

    def test_it_goes_to_json_and_back(self, sheet: OpenSheet) -> None:
        verdict = sheet.check("first", "done")

        assert Verdict.from_json(verdict.to_json()) == verdict

    def test_an_answer_that_is_no_json_is_refused(self, sheet: OpenSheet) -> None:
        with pytest.raises(InvalidInput, match="An answer of type object cannot be checked"):
            sheet.check("first", object())

    def test_another_name_is_refused_with_the_one_that_was_meant(self, sheet: OpenSheet) -> None:
        with pytest.raises(InvalidInput, match="no exercise 'frist'") as problem:
            sheet.check("frist")

        assert problem.value.hint == "Did you mean first?"


class TestProgress:
    def test_it_outlives_the_kernel(self, sheet: OpenSheet, tmp_path: Path) -> None:
        let_alice(sheet, LIST_USERS)
        sheet.check("first")
        again = opened(SHEET, tmp_path)

        assert (again.source, again.progress.solved) == (sheet.source, 1)
        assert again.check("second").outcome == CORRECT

    def test_what_was_correct_stays_correct(self, sheet: OpenSheet) -> None:
        let_alice(sheet, LIST_USERS)
        sheet.check("first")
        let_alice(sheet, LIST_ALL)

        assert sheet.check("first").outcome == NOT_YET
        assert sheet.progress.of("first").outcome == CORRECT
        assert sheet.progress.of("first").tries == 2

    def test_a_file_that_cannot_be_read_begins_anew(self, sheet: OpenSheet) -> None:
        (sheet.folder / PROGRESS_FILE).write_text("{")

        assert sheet.progress.solved == 0
        assert sheet.check("first", "done").outcome == NOT_YET

    def test_hints_come_one_after_the_other_and_are_counted(self, sheet: OpenSheet) -> None:
        seen = [sheet.hint("first").text for _ in range(4)]

        assert seen == ["one", "two", "three", "three"]
        assert sheet.progress.of("first").hints == 3
        assert sheet.solution("first").code == "the solution"
        assert sheet.progress.of("first").solution_shown

    def test_it_holds_no_key(self, sheet: OpenSheet) -> None:
        sheet.check("first")
        kept = (sheet.folder / PROGRESS_FILE).read_text()

        assert "AKIA" not in kept
        assert read_progress(sheet.folder / PROGRESS_FILE).sheet == "listing"


class TestAWorld:
    def test_two_participants_have_accounts_of_their_own(self, sheet: OpenSheet, tmp_path: Path) -> None:
        other = opened(SHEET, tmp_path, "ben")

        assert len({sheet.source, sheet.destination, other.source, other.destination}) == 4

    def test_a_reset_begins_again_and_keeps_what_was_correct(self, sheet: OpenSheet) -> None:
        let_alice(sheet, LIST_USERS)
        sheet.check("first")
        before = sheet.source
        sheet.reset()

        assert sheet.source != before
        assert sheet.check("second").outcome == NOT_ATTEMPTED
        assert sheet.progress.solved == 1

    def test_a_sandbox_that_was_started_again_has_the_same_accounts(
        self, sheet: OpenSheet, tmp_path: Path
    ) -> None:
        another = replace(sheet.sandbox, instance="another")
        again = OpenSheet(SHEET, "ann", tmp_path / "ann" / "listing", another)

        assert again.source == sheet.source

    def test_nothing_is_left_after_the_clean_up_also_of_what_the_participant_made(
        self, sheet: OpenSheet
    ) -> None:
        iam = sheet.client("source-admin", "iam")
        iam.create_group(GroupName="readers")
        iam.add_user_to_group(GroupName="readers", UserName="alice")
        arn = iam.create_policy(PolicyName="listing", PolicyDocument=LIST_USERS)["Policy"]["Arn"]
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=LIST_ALL, SetAsDefault=True)
        iam.attach_group_policy(GroupName="readers", PolicyArn=arn)
        cleaned = sheet.clean_up()
        owner = sheet.world.owner(sheet.source, "iam")

        assert cleaned.is_clean, str(cleaned)
        assert (owner.list_users()["Users"], owner.list_roles()["Roles"]) == ([], [])
        assert "Nothing is left" in text(cleaned.view())
        assert {"listing", "readers", "alice"} <= {each.name.rpartition("/")[2] for each in cleaned.removed}

    def test_a_clean_up_twice_does_no_harm(self, sheet: OpenSheet) -> None:
        sheet.clean_up()

        assert sheet.clean_up().removed == ()

    def test_a_table_has_no_column_and_no_head_for_nothing(self, sheet: OpenSheet) -> None:
        sheet.clean_up()
        again = text(sheet.clean_up().view())
        predicted = text(
            Verdict(CORRECT, asked=(Asked("a call", "allowed, you say", "allowed", True),)).view()
        )

        assert "removed" not in again
        assert "because" not in predicted

    def test_the_page_names_the_accounts_and_no_key(self, sheet: OpenSheet) -> None:
        shown = text(sheet.view()) + html(sheet.view()) + repr(sheet) + repr(vars(sheet))

        assert sheet.source in shown
        assert "AKIA" not in shown

    def test_a_profile_that_is_not_there_is_refused(self, sheet: OpenSheet) -> None:
        with pytest.raises(InvalidInput, match="no profile 'allice'") as problem:
            sheet.client("allice", "sts")

        assert problem.value.hint == "Did you mean alice?"


def test_a_participants_name_can_name_a_folder_and_no_two_names_the_same_one() -> None:
    typed = (
        "ann", "Ann Lee", "Ann_Lee", "Ann/Lee", "../../etc", "...", "x" * 300, "x" * 301, "Zoë", "小" * 300,
        "a\0b", "a\nb", "\ud800", "-rf", "~root", "CON",
    )  # fmt: skip
    names = [participant_name(each) for each in typed]

    assert len(set(names)) == len(typed)
    assert [name for name in names if "/" in name or name.startswith(".") or len(name.encode()) > 255] == []
    assert (names[0], names[2]) == ("ann", "Ann_Lee")


def test_a_participant_without_a_name_has_that_of_the_class_or_the_hub(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", "ben")
    hub = participant_name("  ")
    monkeypatch.setenv("XACCT_PARTICIPANT", "ann")

    assert (hub, participant_name("")) == ("ben", "ann")


def test_a_notebook_finds_what_opens_a_sheet_also_when_its_cell_is_run_again() -> None:
    cell = "from xacct_nb import workshop; assert callable(workshop.open_sheet)"

    subprocess.run([sys.executable, "-c", f"{cell}\n{cell}"], check=True)
