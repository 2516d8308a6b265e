"""Sheets of the workshop in JupyterLab, as a participant goes through them, by keyboard."""

import pytest
from playwright.sync_api import Page, expect

from support.browser_page import cut_off, serious
from support.jupyterlab import Lab
from support.notebook_walk import OUTPUTS, Walk
from xacct_nb.workshop.exercise import Exercise
from xacct_nb.workshop.sheets import sheet_named

pytestmark = pytest.mark.browser
SHEET = sheet_named("two_policies")


class Participant(Walk):
    """Answers exercises: the answer cell stands two cells above its check."""

    def check(self, exercise: Exercise, code: str = "") -> str:
        """Write an answer if one is given, run its cell and the check, and return what the check shows."""
        line = f'sheet.check("{exercise.name}", answer)'
        answer = self.place_of(line) - 2
        if code:
            self.write(answer, code)
        self.at = answer
        self.run_to(line)
        return self.outputs(line).inner_text()


def test_a_participant_goes_through_a_sheet_with_every_outcome_of_a_check(lab: Lab, page: Page) -> None:
    sheet = Participant(lab, page, f"workshop/{SHEET.stem}.ipynb")
    sheet.run_to("sheet")
    expect(sheet.outputs("sheet")).to_contain_text("0 of 4 exercises are correct")

    for exercise in SHEET.exercises:
        assert "Not attempted" in sheet.check(exercise)
        assert exercise.wrong.reason in sheet.check(exercise, exercise.wrong.code)
        right = sheet.check(exercise, exercise.solution)
        assert "Correct." in right
        assert exercise.why in right
    assert serious(page, OUTPUTS) == []
    assert cut_off(page, f"{OUTPUTS} .xacct-text") == []
    sheet.run_to("sheet.clean_up()")
    expect(sheet.outputs("sheet.clean_up()")).to_contain_text("it was all listed once more")
    sheet.run_again("sheet", "sheet")
    expect(sheet.outputs("sheet")).to_contain_text("4 of 4 exercises are correct")


def test_hints_come_one_by_one_and_progress_stays_when_the_kernel_is_restarted(lab: Lab, page: Page) -> None:
    second = sheet_named("who_is_trusted")
    first = second.exercises[0]
    sheet = Participant(lab, page, f"workshop/{second.stem}.ipynb")
    sheet.run_to("sheet")
    line = f'sheet.check("{first.name}", answer)'
    for hint in first.hints:
        sheet.write(sheet.place_of(line) - 2, f'sheet.hint("{first.name}")')
        page.keyboard.press("Control+Enter")
        expect(page.locator(OUTPUTS, has_text=hint).first).to_be_visible()
    assert "Correct." in sheet.check(first, first.solution)

    sheet.restart()
    sheet.run_again("sheet", "sheet")
    expect(sheet.outputs("sheet")).to_contain_text("1 of 4 exercises are correct")
