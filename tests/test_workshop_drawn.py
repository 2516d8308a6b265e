"""Exercises that are drawn by a seed: whose they are, when others come, and what is said about them."""

from pathlib import Path

import pytest

from support.in_process_sandbox import start
from support.workshop import checked, opened
from xacct_nb.errors import InvalidInput
from xacct_nb.views import text
from xacct_nb.workshop.exercise import SEED, seed_of
from xacct_nb.workshop.opened_sheet import OpenSheet
from xacct_nb.workshop.opening import open_sheet
from xacct_nb.workshop.sheets.s07_break_and_fix import SHEET, drawn


def _solutions(sheet: OpenSheet) -> list[str]:
    return [exercise.solution for exercise in sheet.sheet.exercises]


def _of_seed(seed: int) -> list[str]:
    return [exercise.solution for exercise in SHEET.of_seed(seed).exercises]


def test_a_participant_gets_the_same_exercises_each_time_and_others_by_another_seed(tmp_path: Path) -> None:
    first, source = opened(SHEET, tmp_path), opened(SHEET, tmp_path).source
    again = opened(SHEET, tmp_path)
    other = OpenSheet(SHEET, "ann", tmp_path / "ann" / SHEET.name, start(), seed=5)
    later = opened(SHEET, tmp_path)

    assert (_solutions(first), again.source) == (_of_seed(seed_of("ann")), source)
    assert _solutions(again) == _solutions(first)
    assert (_solutions(other), other.source == source) == (_of_seed(5), False)
    assert (_solutions(later), later.source) == (_of_seed(5), other.source)


def test_another_seed_begins_with_new_accounts_also_where_the_progress_is_kept_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept-by-the-browser"
    kept.mkdir()
    monkeypatch.setattr(
        "xacct_nb.workshop.progress.progress_path", lambda folder, sheet: kept / f"{sheet}.json"
    )
    source = opened(SHEET, tmp_path).source
    other = OpenSheet(SHEET, "ann", tmp_path / "ann" / SHEET.name, start(), seed=5)

    assert other.source != source
    assert [each.name for each in kept.iterdir()] == [f"{SHEET.name}.json"]


def test_a_reset_keeps_the_exercises_unless_it_names_another_seed(tmp_path: Path) -> None:
    sheet = opened(SHEET, tmp_path)
    source, name = sheet.source, sheet.sheet.exercises[0].name
    checked(sheet, sheet.sheet.exercises[0], sheet.sheet.exercises[0].solution)
    same = _solutions(sheet.reset())

    assert (same, sheet.source == source) == (_of_seed(seed_of("ann")), False)
    assert _solutions(sheet.reset(seed=7)) == _of_seed(7)
    assert sheet.progress.of(name).outcome == "correct"


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_the_four_exercises_of_a_seed_do_not_disturb_one_another(tmp_path: Path, seed: int) -> None:
    sheet = OpenSheet(SHEET, "ann", tmp_path / "ann" / SHEET.name, start(), seed=seed)
    verdicts = [checked(sheet, each, each.solution) for each in reversed(sheet.sheet.exercises)]

    assert [str(verdict) for verdict in verdicts if not verdict.is_correct] == []


def test_a_seed_draws_four_and_every_one_of_the_ten_is_drawn() -> None:
    draws = [[broken.name for _, broken in drawn(seed)] for seed in range(1, 60)]

    assert {len(set(names)) for names in draws} == {4}
    assert {name for names in draws for name in names} == {part.exercises[0].name for part in SHEET.parts}


def test_the_task_says_what_is_wanted_and_what_aws_answers_now(tmp_path: Path) -> None:
    part = next(each for each in SHEET.parts if each.exercises[0].name == "duration")
    sheet, exercise = opened(part, tmp_path), part.exercises[0]
    before = text(sheet.task("duration").view())
    checked(sheet, exercise, exercise.solution)

    assert "DurationSeconds=7200" in before
    assert "exceeds the MaxSessionDuration" in before
    assert "AWS answers: allowed" in text(sheet.task("duration").view())
    assert not sheet.progress.of("duration").hints


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"RoleArn": "arn:aws:iam::111111111111:role/mine"}, "and not RoleArn"),
        ({"ExternalId": 5}, "ExternalId has to be a text"),
        ({"DurationSeconds": True}, "DurationSeconds has to be a whole number"),
        ({"RoleSessionName": "no spaces here"}, "AWS denies what it has to allow"),
    ],
)
def test_an_answer_passes_only_what_a_job_may_pass(
    tmp_path: Path, answer: dict[str, object], said: str
) -> None:
    sheet = opened(SHEET.parts[0], tmp_path)

    assert said in sheet.check("wrong_account", answer).text


@pytest.mark.parametrize("seed", [-1, "5", 2.5, True])
def test_a_seed_that_is_no_number_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: object
) -> None:
    monkeypatch.setenv("XACCT_WORKSHOP", str(tmp_path))
    with pytest.raises(InvalidInput, match="The seed is not a whole number"):
        open_sheet("break_and_fix", {"seed": seed, "sandbox": False})


def test_the_published_solutions_are_those_of_the_published_seed() -> None:
    assert [each.solution for each in SHEET.exercises] == _of_seed(SEED)
