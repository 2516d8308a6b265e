"""Every command, in whatever surroundings, answers with a message, never a traceback; JSON is one object."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from support.desk import notebook
from xacct_nb.cli.main import main
from xacct_nb.errors import EXIT_CODES
from xacct_nb.runs.runner import run

COMMAND = str(Path(sys.executable).parent / "xacct-nb")
SERVES = ("lab", "page", "workshop start")  # until it is ended
SLOW = ("demo", "sandbox up", "sandbox env", "sandbox reset", "doctor")
ODD_NOTEBOOKS = {
    "empty": "",
    "no JSON": "{",
    "no notebook": "[]",
    "another format": '{"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": []}',
    "deep": "[" * 100_000,
    "odd cells": '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code",'
    ' "id": 7, "source": "1", "metadata": {}, "outputs": "x"}]}',
}


def leaves(group: click.Command = main, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Yield every command of the command line by its path."""
    if not isinstance(group, click.Group):
        yield " ".join(path), group
        return
    for name, below in group.commands.items():
        yield from leaves(below, (*path, name))


def words_of(name: str, command: click.Command) -> list[str]:
    """Return a call of the command in which every required argument and option is `x`."""
    words = [*name.split()]
    for each in command.params:
        if each.required:
            words += [each.opts[0], "x"] if isinstance(each, click.Option) else ["x"]
    return [*words, *(["--json"] if takes(command, "--json") else [])]


def takes(command: click.Command, option: str) -> bool:
    return any(option in each.opts for each in command.params)


COMMANDS = {name: command for name, command in leaves() if name not in SERVES}
Way = Callable[[pytest.MonkeyPatch, Path], object]
SURROUNDINGS: dict[str, Way] = {
    "records in a file": lambda patch, folder: patch.setenv("XACCT_RECORDS", str(folder / "file" / "x")),
    "records that are a file": lambda patch, folder: patch.setenv("XACCT_RECORDS", str(folder / "file")),
    "records that are a device": lambda patch, folder: patch.setenv("XACCT_RECORDS", "/dev/full"),
    "records where nobody can write": lambda patch, folder: patch.setenv("XACCT_RECORDS", "/proc/nowhere"),
    "records with too long a name": lambda patch, folder: patch.setenv("XACCT_RECORDS", "n" * 5_000),
    "no home": lambda patch, folder: patch.delenv("HOME"),
    "a home where nobody can write": lambda patch, folder: patch.setenv("HOME", "/proc/nowhere"),
    "no folder for temporary files": lambda patch, folder: patch.setenv("TMPDIR", "/proc/nowhere"),
    "a current folder that is removed": lambda patch, folder: os.rmdir(folder / "here"),
    "a sandbox in a file": lambda patch, folder: patch.setenv("XACCT_SANDBOX_DIR", str(folder / "file")),
    "an AWS config that is a folder": lambda patch, folder: patch.setenv("AWS_CONFIG_FILE", str(folder)),
    "an AWS config that is none": lambda patch, folder: patch.setenv("AWS_CONFIG_FILE", str(folder / "file")),
    "notebooks that are a file": lambda patch, folder: patch.setenv("XACCT_NOTEBOOKS", str(folder / "file")),
}


@pytest.fixture(params=SURROUNDINGS)
def surroundings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """What is unusual around the command, in an empty folder without a sandbox or an AWS profile."""
    (tmp_path / "here").mkdir()
    (tmp_path / "file").write_text("neither records nor a config")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("XACCT_SANDBOX_DIR", str(tmp_path / "sandbox"))
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    SURROUNDINGS[request.param](monkeypatch, tmp_path)
    return str(request.param)


def wrong_answer(words: list[str], code: int, out: str, err: str) -> Iterator[str]:
    if "Traceback" in out + err or "Exception ignored" in err or "unexpected-error" in out + err:
        yield f"{words}: {err}"
    if code not in (*EXIT_CODES.values(), 8):
        yield f"{words}: exit code {code}"
    if "--json" in words:
        try:
            told = json.loads(out)
        except ValueError:
            yield f"{words}: {out!r} is not one JSON object"
        else:
            if not isinstance(told, dict):
                yield f"{words}: {told!r} is no object"


def test_quick_commands_answer_in_any_surroundings(surroundings: str) -> None:
    wrong = []
    for name, command in COMMANDS.items():
        if name not in SLOW:
            words = words_of(name, command)
            done = CliRunner().invoke(main, words, catch_exceptions=False)
            wrong += wrong_answer(words, done.exit_code, done.stdout, done.stderr)

    assert wrong == [], surroundings


@pytest.mark.exhaustive
def test_every_command_in_a_process_of_its_own_answers_in_any_surroundings(
    surroundings: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = [each for name, command in COMMANDS.items() for each in wrong_process(name, command)]
    with capsys.disabled():
        print(f"\n{surroundings}: {len(COMMANDS) - len(wrong)} of {len(COMMANDS)} commands answered", end=" ")

    assert wrong == []


def wrong_process(name: str, command: click.Command) -> Iterator[str]:
    words = ["run", "start_here", "--json"] if name == "run" else words_of(name, command)
    # The shell keeps a folder that is removed as its own.
    done = subprocess.run(
        [COMMAND, *words], capture_output=True, text=True, timeout=180, stdin=subprocess.DEVNULL, check=False
    )
    yield from wrong_answer(words, done.returncode, done.stdout, done.stderr)
    subprocess.run([COMMAND, "sandbox", "down"], capture_output=True, check=False)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("more", [["--no-such-option"], ["x"] * 9], ids=["option", "arguments"])
def test_a_command_that_is_mistyped_is_answered_in_json_where_it_is_asked(name: str, more: list[str]) -> None:
    words = [*name.split(), *more, "--json"]
    done = CliRunner().invoke(main, words, catch_exceptions=False)

    assert done.exit_code == 2
    assert json.loads(done.stdout)["error"]["code"] == "invalid-command"
    assert "Error: " in done.stderr


def test_an_answer_into_a_closed_standard_output_is_said_to_be_lost(tmp_path: Path) -> None:
    line = f"{COMMAND} records list --json --records {tmp_path / 'none'} >&-"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("output-lost: Standard output cannot be written: it is closed.")


class TestNotebooks:
    @pytest.mark.parametrize("content", ODD_NOTEBOOKS.values(), ids=ODD_NOTEBOOKS)
    def test_what_is_no_notebook_is_named(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "odd.ipynb").write_text(content)
        words = ["run", str(tmp_path / "odd.ipynb"), "--json", "--records", str(tmp_path / "records")]
        done = CliRunner().invoke(main, words, catch_exceptions=False)
        told = json.loads(done.stdout)

        assert (done.exit_code, told["status"]) == (2, "invalid-parameters")
        assert told["error"]["code"] == "unknown-notebook"

    @pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink("/dev/zero", path)])
    def test_what_is_no_file_is_no_notebook(self, tmp_path: Path, make: Callable[[Path], object]) -> None:
        make(tmp_path / "odd.ipynb")
        words = ["run", str(tmp_path / "odd.ipynb"), "--json"]
        done = CliRunner().invoke(main, words, catch_exceptions=False)

        assert (done.exit_code, json.loads(done.stdout)["error"]["code"]) == (2, "unknown-notebook")

    def test_an_error_that_nothing_expected_is_in_the_record_with_its_traceback(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-key-of-this-test")

        def report(done: int, of: int, title: str) -> None:
            raise ZeroDivisionError("of the progress, with a-key-of-this-test")

        path = notebook(tmp_path / "mine.ipynb", "1")
        ended = run(path, records=str(tmp_path / "records"), report=report)
        saved = (ended.folder / "traceback.txt").read_text()

        assert (ended.record.status, ended.record.error.code) == ("failed", "unexpected-error")
        assert "traceback.txt in the record" in ended.record.error.hint
        assert "ZeroDivisionError" in saved
        assert "a-key-of-this-test" not in saved + str(ended)
        assert [cell.state for cell in ended.record.cells] == ["aborted", "not-run"]
