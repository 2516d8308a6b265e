"""The two owners of sheet 11: files go between them, each changes one account, no secret is in a file."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.workshop import answer_of, checked, opened, solve
from xacct_nb.errors import InvalidHandoff, NotAccepted, UnresolvedSecret, WrongAccount
from xacct_nb.grants.grant import Grant
from xacct_nb.views import html, text
from xacct_nb.workshop.opened_sheet import OpenSheet
from xacct_nb.workshop.sheets import sheet_named
from xacct_nb.workshop.verdict import NOT_YET

SHEET = sheet_named("hand_over")
ASK, JUDGE, ANSWER, COMPLETE = SHEET.exercises
REQUEST, ANSWERED = "ticket-readers.request.json", "ticket-readers.answer.json"


@pytest.fixture
def sheet(tmp_path: Path) -> OpenSheet:
    return opened(SHEET, tmp_path)


def grant(sheet: OpenSheet, **other: Any) -> Grant:
    objects = [f"arn:aws:s3:::{sheet.bucket}/2026/*"]
    fields = {
        "name": "ticket-readers",
        "sources": [sheet.user_arn("alice")],
        "destinations": [sheet.role_arn("ticket-reader")],
        "permissions": [{"actions": ["s3:GetObject"], "resources": objects}],
        "conditions": {"external_id": sheet.secret("ticket-4711")},
    }
    return Grant(**{**fields, **other})


class TestTwoPlayers:
    def test_two_windows_of_one_participant_share_accounts_and_files(self, tmp_path: Path) -> None:
        ada, ben = opened(SHEET, tmp_path), opened(SHEET, tmp_path)
        verdicts = [
            checked(ada, ASK, ASK.solution),
            checked(ben, JUDGE, JUDGE.solution),
            checked(ben, ANSWER, ANSWER.solution),
            checked(ada, COMPLETE, COMPLETE.solution),
        ]

        assert [str(each) for each in verdicts if not each.is_correct] == []
        assert (ada.progress.solved, ben.progress.solved) == (4, 4)

    def test_an_owner_of_other_accounts_reads_a_request_by_its_text_and_can_only_refuse_it(
        self, tmp_path: Path
    ) -> None:
        ada, ben = opened(SHEET, tmp_path, "ada"), opened(SHEET, tmp_path, "ben")
        sent = ada.owner("source").request(grant(ada), why="Ticket 4711.")
        other = ben.owner("destination")
        with pytest.raises(WrongAccount, match=f"destination account {ada.destination}"):
            other.answer(sent, external_id=ada.secret("ticket-4711"))
        refused = other.refuse(sent, "Name the objects.")
        with pytest.raises(InvalidHandoff) as problem:
            ada.owner("source").accept(refused)

        assert f"through role/ticket-reader of {ada.destination}" in text(other.read(sent).view())
        assert (problem.value.code, problem.value.why) == ("handoff-refused", "Name the objects.")

    def test_each_owner_changes_one_account(self, sheet: OpenSheet) -> None:
        sheet.owner("source").request(grant(sheet))
        before = [sheet.world.details("source"), sheet.world.details("destination")]
        sheet.owner("destination").answer(REQUEST, external_id=sheet.secret("ticket-4711"))
        answered = [sheet.world.details("source"), sheet.world.details("destination")]
        done = sheet.owner("source").accept(ANSWERED)

        assert (answered[0] == before[0], answered[1] == before[1]) == (True, False)
        assert {each.account for each in done.entries} == {sheet.source}
        assert sheet.world.details("destination") == answered[1]


class TestTheFiles:
    def test_the_external_id_is_in_none_of_them_and_in_nothing_that_is_shown(self, sheet: OpenSheet) -> None:
        secret = sheet.secret("ticket-4711")
        sent = sheet.owner("source").request(grant(sheet), why=f"It is {secret}.")
        shown = [sent, sent._repr_html_(), str(sheet.owner("source")), html(sheet.owner("source").view())]
        for exercise in SHEET.exercises:
            for code in (exercise.wrong.code, exercise.too_wide, exercise.solution):
                verdict = checked(sheet, exercise, code) if code else None
                shown += [str(verdict), html(verdict.view())] if verdict else []
        shown += [path.read_text() for path in (sheet.folder / "hand-over").iterdir()]

        assert len(shown) > 30
        assert [each for each in shown if secret in each] == []

    def test_what_is_asked_twice_is_one_request_until_something_else_is_asked(self, sheet: OpenSheet) -> None:
        source, destination = sheet.owner("source"), sheet.owner("destination")
        first, again = (source.request(grant(sheet)) for _ in range(2))
        destination.answer(REQUEST, external_id=sheet.secret("ticket-4711"))
        other = source.request(grant(sheet, session_minutes=30))
        with pytest.raises(InvalidHandoff) as problem:
            source.accept(ANSWERED)

        assert (first == again, first == other) == (True, False)
        assert problem.value.code == "handoff-unknown"

    def test_a_file_that_cannot_be_used_is_refused_with_its_code(self, sheet: OpenSheet) -> None:
        codes = {}
        for letter in "abcde":
            try:
                sheet.owner("destination").read(f"{letter}.request.json")
            except InvalidHandoff as problem:
                codes[letter] = problem.code

        assert codes == {"b": "handoff-tampered", "e": "handoff-late"}

    def test_a_request_that_widens_access_is_made_only_by_who_accepts_it(self, sheet: OpenSheet) -> None:
        owner, secret = sheet.owner("destination"), sheet.secret("ticket-4711")
        with pytest.raises(NotAccepted, match="whole-account-trust"):
            owner.answer("d.request.json", external_id=secret)
        with pytest.raises(UnresolvedSecret):
            owner.answer("c.request.json")
        with pytest.raises(InvalidHandoff, match="different external IDs"):
            owner.answer("c.request.json", external_id="another")
        owner.answer("d.request.json", external_id=secret, accept=["whole-account-trust"])

        assert sheet.check("answer", sheet.role_arn("ticket-reader")).outcome == NOT_YET

    def test_the_one_file_is_not_taken_for_the_other(self, sheet: OpenSheet) -> None:
        with pytest.raises(InvalidHandoff, match="is a request"):
            sheet.owner("source").accept("c.request.json")
        with pytest.raises(InvalidHandoff, match="not that of a hand-over file"):
            sheet.owner("destination").read('{"schema": ')

    def test_a_reset_leaves_the_five_requests_alone(self, sheet: OpenSheet) -> None:
        sheet.owner("source").request(grant(sheet))
        sheet.reset()

        assert sorted(path.name[0] for path in sheet.owner("source").folder.iterdir()) == list("abcde")
        assert checked(sheet, JUDGE, JUDGE.solution).is_correct


class TestTheChecks:
    def test_they_leave_the_accounts_as_they_were(self, sheet: OpenSheet) -> None:
        changed = []
        for exercise in SHEET.exercises:
            for code in (exercise.wrong.code, exercise.solution):
                answer = answer_of(sheet, code)
                before = sheet.world.fingerprint()
                sheet.check(exercise.name, answer)
                changed += [exercise.name] if sheet.world.fingerprint() != before else []

        assert changed == []

    @pytest.mark.parametrize(
        ("other", "reason"),
        [
            ({"managed_policies": ["arn:aws:iam::aws:policy/AdministratorAccess"]}, "drafts/next.csv"),
            ({"conditions": {"external_id": "another"}}, "different external IDs"),
            ({"conditions": {}}, "alice assumes role/ticket-trial"),
            ({"permissions": []}, "2026/summary.csv"),
            ({"sources": ["arn:aws:iam::{source}:user/nobody"]}, "The other owner cannot make this."),
            ({"sources": ["arn:aws:iam::{source}:user/mallory"]}, "2026/summary.csv"),
            ({"destinations": ["arn:aws:iam::{destination}:role/reader"]}, "for role/ticket-reader"),
            ({"destinations": ["arn:aws:iam::{outside}:role/ticket-reader"]}, "for role/ticket-reader"),
            ({"manage": "trust", "permissions": []}, "The other owner cannot make this."),
        ],
    )
    def test_a_request_for_something_else_is_not_yet(
        self, sheet: OpenSheet, other: dict[str, Any], reason: str
    ) -> None:
        names = {each: getattr(sheet.world, each) for each in ("source", "destination", "outside")}
        asked = json.loads(_filled(json.dumps(other), names))
        before = sheet.world.fingerprint()
        verdict = sheet.check("ask", sheet.owner("source").request(grant(sheet, **asked)))

        assert verdict.outcome == NOT_YET
        assert reason in verdict.text
        assert sheet.world.fingerprint() == before

    def test_a_role_that_may_not_read_points_to_its_permissions(self, sheet: OpenSheet) -> None:
        bucket = [{"actions": ["s3:GetObject"], "resources": [f"arn:aws:s3:::{sheet.bucket}"]}]
        verdict = sheet.check("ask", sheet.owner("source").request(grant(sheet, permissions=bucket)))

        assert "s3:GetObject" in verdict.points_to[0]
        assert "ExternalId" not in verdict.points_to[0]

    def test_what_is_no_answer_is_not_yet(self, sheet: OpenSheet) -> None:
        words = {key: ["x"] for key in "abcde"}
        texts = ["", "{}", "[" * 10_000, "{" + " " * 600_000, '{"schema": "xacct-nb/handoff-answer/1"}']
        answers = [*texts, "arn:aws:iam::aws:role/ticket-reader", 4711, ["a"], {"a": {}}, words]
        found = {sheet.check(each.name, answer).outcome for each in SHEET.exercises for answer in answers}

        assert found == {NOT_YET}

    def test_an_answer_file_of_a_refusal_is_not_the_side_that_was_asked(self, sheet: OpenSheet) -> None:
        refused = sheet.owner("destination").refuse("c.request.json", "Not today.")
        verdict = sheet.check("answer", refused)

        assert (verdict.outcome, "refused" in verdict.text) == (NOT_YET, True)

    def test_the_request_that_was_accepted_in_exercise_2_can_be_answered_too(self, sheet: OpenSheet) -> None:
        solve(sheet, [JUDGE])
        answered = sheet.owner("destination").answer(
            "c.request.json", external_id=sheet.secret("ticket-4711")
        )

        assert sheet.check("answer", answered).is_correct
        assert checked(sheet, COMPLETE, COMPLETE.solution).is_correct

    def test_somebody_elses_text_of_the_object_proves_nothing(self, sheet: OpenSheet) -> None:
        solve(sheet, [ASK, ANSWER])
        sheet.owner("source").accept(ANSWERED)

        assert "The answer is not what 2026/orders.csv says" in sheet.check("complete", "order,total").text


def _filled(content: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        content = content.replace(f"{{{name}}}", value)
    return content
