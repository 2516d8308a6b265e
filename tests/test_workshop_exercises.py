"""Every exercise judges what AWS answers: right answers of any form pass, wrong and too wide ones do not.

A participant walks through a sheet and answers each exercise after those before it are solved.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from support.workshop import checked, opened, solved_before
from xacct_nb.errors import XacctError
from xacct_nb.views import text
from xacct_nb.workshop.exercise import Exercise, Sheet
from xacct_nb.workshop.opened_sheet import OpenSheet
from xacct_nb.workshop.sheets import all_sheets
from xacct_nb.workshop.verdict import CORRECT, NOT_ATTEMPTED, NOT_YET, Verdict

EXERCISES = [
    pytest.param(part, exercise, id=f"{sheet.number}-{sheet.name}-{exercise.name}")
    for sheet in all_sheets()
    for part in sheet.parts
    for exercise in part.exercises
]
pytestmark = pytest.mark.parametrize(("sheet", "exercise"), EXERCISES)

Answers = tuple[tuple[str, str], ...]
"""The answers that a participant checks one after the other, each with the outcome that it must have."""

PARTICIPANTS: Mapping[str, Callable[[Exercise], Answers]] = {
    "begins with the starter": lambda each: ((each.starter, NOT_ATTEMPTED), (each.solution, CORRECT)),
    "answers otherwise": lambda each: ((each.others[0], CORRECT),),
    "answers in a third way": lambda each: tuple((code, CORRECT) for code in each.others[1:]),
    "answers wrongly first": lambda each: ((each.wrong.code, NOT_YET), (each.solution, CORRECT)),
    "gives too much": lambda each: ((each.too_wide, NOT_YET),) if each.too_wide else (),
}


@dataclass
class Walks:
    """The verdicts on all answers of a participant in a sheet, by exercise; each sheet is walked once.

    Where an earlier answer left the accounts so that the next one has another verdict than it must have, the
    one in new accounts counts, in which the exercises before are solved as the sheet does.
    """

    folder: Path
    known: dict[tuple[str, str], dict[str, list[Verdict]]] = field(default_factory=dict)
    accounts: int = 0

    def of(self, who: str, sheet: Sheet, exercise: Exercise) -> list[Verdict]:
        walk = who, f"{sheet.name}: {', '.join(sheet.by_name)}"
        if walk not in self.known:
            self.known[walk] = dict(self._walked(sheet, PARTICIPANTS[who]))
        return self.known[walk][exercise.name]

    def _walked(
        self, sheet: Sheet, answers: Callable[[Exercise], Answers]
    ) -> Iterator[tuple[str, list[Verdict]]]:
        found: OpenSheet | None = None
        for each in sheet.exercises:
            verdicts = self._in_the_accounts_of_before(found, each, answers(each))
            if found is None or verdicts is None:
                found = self._opened_before(sheet, each)
                verdicts = [checked(found, each, code) for code, _ in answers(each)]
            yield each.name, verdicts
            solved = ((each.solution, CORRECT),)
            is_solved = bool(verdicts) and verdicts[-1].is_correct
            if not is_solved and self._in_the_accounts_of_before(found, each, solved) is None:
                found = None

    def _in_the_accounts_of_before(
        self, found: OpenSheet | None, exercise: Exercise, answers: Answers
    ) -> list[Verdict] | None:
        """Return the verdicts, None where one is not as it must be."""
        if found is None:
            return None
        with suppress(ClientError, XacctError, KeyError):  # the answer finds something else than it expects
            verdicts = [checked(found, exercise, code) for code, _ in answers]
            if [each.outcome for each in verdicts] == [outcome for _, outcome in answers]:
                return verdicts
        return None

    def _opened_before(self, sheet: Sheet, exercise: Exercise) -> OpenSheet:
        self.accounts += 1
        found = opened(sheet, self.folder / str(self.accounts))
        solved_before(found, exercise)
        return found


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> Walks:
    return Walks(tmp_path_factory.mktemp("walks"))


def test_the_starter_is_not_attempted(walks: Walks, sheet: Sheet, exercise: Exercise) -> None:
    verdict, _ = walks.of("begins with the starter", sheet, exercise)

    assert verdict.outcome == NOT_ATTEMPTED


def test_the_solution_is_correct_and_says_why_it_matters(
    walks: Walks, sheet: Sheet, exercise: Exercise
) -> None:
    _, verdict = walks.of("begins with the starter", sheet, exercise)

    assert verdict.outcome == CORRECT, str(verdict)
    assert verdict.why == exercise.why


def test_two_other_right_answers_are_correct(walks: Walks, sheet: Sheet, exercise: Exercise) -> None:
    others = ("answers otherwise", "answers in a third way")
    verdicts = [each for who in others for each in walks.of(who, sheet, exercise)]

    assert [str(verdict) for verdict in verdicts if verdict.outcome != CORRECT] == []
    assert len(verdicts) == len(set(exercise.others) - {exercise.solution}) >= 2


def test_the_most_common_wrong_answer_is_not_yet_and_says_why(
    walks: Walks, sheet: Sheet, exercise: Exercise
) -> None:
    verdict, _ = walks.of("answers wrongly first", sheet, exercise)

    assert verdict.outcome == NOT_YET, str(verdict)
    assert exercise.wrong.reason in text(verdict.view())


def test_what_gives_too_much_access_is_not_yet(walks: Walks, sheet: Sheet, exercise: Exercise) -> None:
    if not exercise.too_wide:
        pytest.skip("No answer of this exercise can give too much.")

    (verdict,) = walks.of("gives too much", sheet, exercise)

    assert verdict.outcome == NOT_YET, str(verdict)


def test_the_exercise_can_be_solved_after_a_wrong_answer(
    walks: Walks, sheet: Sheet, exercise: Exercise
) -> None:
    _, verdict = walks.of("answers wrongly first", sheet, exercise)

    assert verdict.outcome == CORRECT, str(verdict)
