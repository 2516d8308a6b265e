"""What commands have in common: errors as messages, an end in order, progress."""

import io
import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner, Result

from xacct_nb.cli.output import handle_errors, print_error, progress_bar
from xacct_nb.errors import EXIT_CODES, AwsRefused, InvalidArn, ProofFailed, StalePlan, XacctError
from xacct_nb.records.fields import RunError

STEPS = """
from xacct_nb.cli.output import progress_bar
with progress_bar() as report:
    for number in range(3):
        report(number, 3, "The plan")
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def ended(problem: BaseException, *words: str) -> Result:
    @click.command()
    @click.option("--json", "as_json", is_flag=True)
    @handle_errors
    def command(as_json: bool) -> None:
        raise problem

    return CliRunner().invoke(command, words, catch_exceptions=False)


@pytest.mark.parametrize(
    "problem",
    [
        StalePlan("x"),
        InvalidArn("x"),
        ProofFailed("x"),
        XacctError("x"),
        AwsRefused("x", aws_code="Throttling"),
    ],
)
def test_an_error_ends_with_the_exit_code_of_its_status(problem: XacctError) -> None:
    shown = ended(problem)

    assert shown.exit_code == EXIT_CODES[problem.status]
    assert (shown.stdout, shown.stderr) == ("", f"{problem.code}: x\n")


def test_what_why_and_the_fix_are_on_separate_lines() -> None:
    assert ended(StalePlan("It is.", why="So.", hint="Do.")).stderr == "stale-plan: It is.\nSo.\nDo.\n"


def test_in_json_the_error_is_in_the_object_too() -> None:
    shown = ended(StalePlan("It is.", why="So.", hint="Do."), "--json")

    assert json.loads(shown.stdout)["status"] == "stale-plan"
    assert json.loads(shown.stdout)["error"] == {
        "code": "stale-plan",
        "what": "It is.",
        "why": "So.",
        "hint": "Do.",
    }
    assert shown.stderr == "stale-plan: It is.\nSo.\nDo.\n"


def test_an_interruption_is_no_traceback() -> None:
    shown = ended(KeyboardInterrupt())

    assert (shown.exit_code, shown.stdout, shown.stderr) == (130, "", "Interrupted.\n")


def test_an_error_that_is_not_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        ended(ZeroDivisionError())


def test_what_a_record_says_of_its_error_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(RunError("failed", "\x1b[2J", hint="Do."))
    print_error(None)

    assert "\x1b" not in capsys.readouterr().err


def test_elsewhere_than_on_a_terminal_a_step_is_a_line() -> None:
    done = subprocess.run([sys.executable, "-c", STEPS], check=True, capture_output=True, text=True)

    assert done.stdout == ""
    assert done.stderr == "[1/3] The plan\n[2/3] The plan\n[3/3] The plan\n"


def test_on_a_terminal_there_is_a_bar_that_is_removed_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with progress_bar() as report:
        for number in range(3):
            report(number, 3, "The plan")
    seen = terminal.getvalue()

    assert "The plan:  67%" in seen
    assert "2/3" in seen
    assert seen.split("\r")[-2].strip() == ""
    assert "\n" not in seen
