"""What commands have in common: errors as messages, an end in order, progress."""

import io
import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner, Result

from xacct_nb.cli.output import CommandLine, print_error, progress_bar, with_json
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
    @with_json
    def command(as_json: bool) -> None:
        raise problem

    return CliRunner().invoke(CommandLine(commands=[command]), ["command", *words], catch_exceptions=False)


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


@pytest.mark.parametrize("problem", [ZeroDivisionError("x"), OSError(32, "x"), EOFError(), RuntimeError("x")])
def test_an_error_that_nothing_expected_is_a_message_too(problem: Exception) -> None:
    shown = ended(problem, "--json")
    error = json.loads(shown.stdout)["error"]

    assert (shown.exit_code, json.loads(shown.stdout)["status"]) == (1, "failed")
    assert error["code"] == "unexpected-error"
    assert error["what"] == f"{type(problem).__name__}: {problem}"
    assert shown.stderr.startswith("unexpected-error: ")
    assert "Traceback" not in shown.stderr


def test_its_traceback_is_shown_on_demand_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XACCT_TRACEBACK", "1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-key-of-this-test")
    shown = ended(ZeroDivisionError("the-key-of-this-test"), "--json")

    assert "Traceback (most recent call last)" in shown.stderr
    assert "the-key-of-this-test" not in shown.stderr + shown.stdout
    assert json.loads(shown.stdout)["error"]["code"] == "unexpected-error"


@pytest.mark.parametrize("words", [["--unknown"], ["more"]])
def test_a_command_that_is_mistyped_answers_in_json_too(words: list[str]) -> None:
    shown = ended(ZeroDivisionError(), "--json", *words)

    assert (shown.exit_code, json.loads(shown.stdout)["status"]) == (2, "invalid-parameters")
    assert json.loads(shown.stdout)["error"]["code"] == "invalid-command"
    assert "Error: " in shown.stderr


def test_what_a_record_says_of_its_error_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(RunError("failed", "\x1b[2J", hint="Do."))
    print_error(None)

    assert "\x1b" not in capsys.readouterr().err


def test_elsewhere_than_on_a_terminal_a_step_is_a_line() -> None:
    done = subprocess.run([sys.executable, "-c", STEPS], check=True, capture_output=True, text=True)

    assert done.stdout == ""
    assert done.stderr == "[1/3] The plan\n[2/3] The plan\n[3/3] The plan\n"


def test_on_a_terminal_there_is_one_line_that_is_removed_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with progress_bar() as report:
        for number in range(3):
            report(number, 3, "The plan")
    seen = terminal.getvalue()

    assert "Starting" in seen
    assert "[3/3] The plan" in seen
    assert seen.split("\r")[-2].strip() == ""
    assert "\n" not in seen
