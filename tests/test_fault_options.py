"""The command line makes the sandbox misbehave, and shows what goes wrong in it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from xacct_nb.cli.faults import fault_options
from xacct_nb.cli.main import main
from xacct_nb.sandbox.faults.faults import KINDS, Fault
from xacct_nb.sandbox.server.client import behave, misbehaviour
from xacct_nb.sandbox.server.state import Sandbox

Command = Callable[..., Result]


@pytest.fixture
def command(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """Runs `xacct-nb sandbox ...` on the tests' own sandbox."""
    monkeypatch.setenv("XACCT_SANDBOX_DIR", str(sandbox.folder))
    yield lambda *words: CliRunner().invoke(main, ["sandbox", *words])
    behave(sandbox)


def test_every_option_is_a_field_of_the_fault(sandbox: Sandbox, command: Command) -> None:
    options = ["--on", "CreateRole", "--on", "iam:Put*", "--share", "0.3", "--count", "5", "--after", "2"]
    command("faults", "--kind", "propagation", "--seconds", "10", "--seed", "7", *options)
    found = misbehaviour(sandbox).faults

    assert found.faults == (Fault("propagation", ("CreateRole", "iam:Put*"), 0.3, 5, 2, 10.0),)
    assert found.seed == 7


def test_without_options_it_shows_what_is_set(command: Command) -> None:
    command("faults", "--kind", "throttling")

    assert "throttling  refuses the call: Rate exceeded" in command("faults").stdout


def test_another_fault_replaces_the_first_or_is_added(sandbox: Sandbox, command: Command) -> None:
    command("faults", "--kind", "throttling", "--seed", "7")
    command("faults", "--kind", "error-500")
    command("faults", "--kind", "cut-after", "--add", "--seed", "8")
    command("faults", "--kind", "cut-before", "--add")
    found = misbehaviour(sandbox).faults

    assert [fault.kind for fault in found.faults] == ["error-500", "cut-after", "cut-before"]
    assert found.seed == 8


def test_clear_ends_all_faults(command: Command) -> None:
    command("faults", "--kind", "throttling")

    assert command("faults", "--clear").stdout == "The sandbox behaves: no fault is set.\n"


def test_up_takes_a_fault_too(sandbox: Sandbox, command: Command) -> None:
    shown = command("up", "--json", "--kind", "latency", "--seconds", "0.5")

    assert json.loads(shown.stdout)["endpoint"] == sandbox.endpoint
    assert misbehaviour(sandbox).faults.faults == (Fault("latency", seconds=0.5),)


def test_up_without_one_leaves_what_is_set(sandbox: Sandbox, command: Command) -> None:
    command("faults", "--kind", "throttling")
    command("up")

    assert misbehaviour(sandbox).faults.faults == (Fault("throttling"),)


def test_json_is_one_object_with_the_counts(command: Command) -> None:
    shown = json.loads(command("faults", "--kind", "throttling", "--json").stdout)

    assert shown["faults"][0]["kind"] == "throttling"
    assert (shown["faults"][0]["met"], shown["faults"][0]["struck"]) == (0, 0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--kind", "gremlins"], "There is no fault 'gremlins'.\nThe kinds: throttling, "),
        (["--kind", "throttling", "--on", "CreateRol"], "Did you mean CreateRole?"),
        (["--kind", "throttling", "--share", "2"], "The share is 2.0."),
        (["--share", "0.3"], "The fault has no kind.\nThe kinds: throttling, "),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_with_exit_code_2(
    command: Command, words: list[str], said: str
) -> None:
    shown = command("faults", *words)

    assert shown.exit_code == 2
    assert said in shown.stderr
    assert shown.stdout == ""


def test_without_a_sandbox_it_says_how_to_start_one(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XACCT_SANDBOX_DIR", str(tmp_path))
    shown = command("faults")

    assert shown.exit_code == 1
    assert "Start it with: xacct-nb sandbox up" in shown.stderr


def test_the_help_names_every_kind() -> None:
    @click.command()
    @fault_options
    def show(**options: Any) -> None: ...

    (option,) = (each for each in show.params if each.name == "kind")

    assert isinstance(option, click.Option)
    assert option.help == f"The fault: {', '.join(KINDS)}."
