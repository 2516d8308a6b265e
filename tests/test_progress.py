"""What a headless run shows on standard error while it lasts."""

import pytest

from support.desk import Desk, options
from xacct_nb.runs.progress import ProgressLines
from xacct_nb.runs.runner import run

SECRET = "hunter2-of-the-reports"


def test_a_step_that_changes_aws_says_that_without_an_approval_it_changes_nothing() -> None:
    shown = list[str]()
    lines = ProgressLines(lambda done, of, title: shown.append(title), False, set())
    lines.step(8, 11, "Change AWS")
    lines.step(9, 11, "Prove the access")

    assert shown == ["Change AWS: not approved, so nothing is changed", "Prove the access"]


def test_a_line_shows_no_secret_and_no_control_character(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ProgressLines(lambda done, of, title: None, True, {SECRET})
    lines.call(f"222222222222  CreateRole role/{SECRET}\x1b[2J: made")

    shown = capsys.readouterr().err
    assert SECRET not in shown
    assert "\x1b" not in shown
    assert "CreateRole" in shown


def test_nothing_is_shown_where_nothing_reports(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ProgressLines(None, True, set())
    lines.step(0, 1, "Begin")
    lines.call("222222222222  CreateRole role/a: made")

    assert capsys.readouterr().err == ""


def test_each_call_is_shown_as_it_is_made_and_no_output_has_it(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    where = {"options": options(desk.parameters()), "records": str(desk.records)}
    ended = run("plan_and_apply", **where, approve=desk.plan().digest, report=lambda *_: None)

    shown = [line for line in capsys.readouterr().err.splitlines() if ": made (" in line]
    journal = ended.record.journal
    assert journal is not None
    assert shown == [each.line for each in journal.entries if each.answer == "made"]
    assert len(shown) == 4
    assert shown[0] not in (ended.folder / "run.ipynb").read_text()
