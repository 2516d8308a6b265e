"""The workshop as it is begun: the sheets in a folder, the participant's name, what JupyterLab is told."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from support.in_process_sandbox import in_process_sandbox
from xacct_nb.cli.main import main
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.workshop import start
from xacct_nb.workshop.sheets import all_sheets

sandbox = in_process_sandbox
Became = tuple[list[str], dict[str, str]]


@pytest.fixture
def became(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Became]:
    """What the command becomes in the place of JupyterLab: its words and its environment."""
    found: list[Became] = []
    monkeypatch.setattr(start, "open_sandbox", lambda: sandbox)
    monkeypatch.setattr(os, "execve", lambda _, words, variables: found.append((words, variables)))
    monkeypatch.setenv("XACCT_WORKSHOP", str(tmp_path / "own"))
    return found


def test_a_folder_gets_every_sheet_without_the_solutions_and_keeps_what_was_changed(
    became: list[Became], tmp_path: Path
) -> None:
    words = [
        "workshop",
        "start",
        str(tmp_path / "mine"),
        "--participant",
        "ann",
        "--no-browser",
        "--port",
        "8890",
    ]
    first = CliRunner().invoke(main, words, catch_exceptions=False)
    folder = tmp_path / "mine" / "notebooks" / "workshop"
    changed = folder / f"{all_sheets()[0].stem}.ipynb"
    changed.write_text("mine")
    again = CliRunner().invoke(main, [*words, "--sheet", all_sheets()[1].name], catch_exceptions=False)

    assert sorted(each.stem for each in folder.iterdir()) == sorted(each.stem for each in all_sheets())
    assert changed.read_text() == "mine"
    assert "Sheets and docs in" in first.stderr
    assert f"Kept, because it was changed: notebooks/workshop/{changed.name}" in again.stderr
    assert "aws sts get-caller-identity --profile alice" in first.stderr
    (lab, variables), (other, _) = became
    assert lab[-1] == str(changed)
    assert {"--port=8890", "--no-browser"} <= set(lab)
    assert variables["XACCT_PARTICIPANT"] == "ann"
    assert Path(other[-1]).stem == all_sheets()[1].stem


def test_another_sheet_is_named() -> None:
    done = CliRunner().invoke(main, ["workshop", "start", "--sheet", "two_polices"], catch_exceptions=False)

    assert done.exit_code == 2
    assert "Did you mean two_policies?" in done.stderr


def test_the_list_has_every_sheet_with_its_exercises() -> None:
    done = CliRunner().invoke(main, ["workshop", "list", "--json"], catch_exceptions=False)
    told = json.loads(done.stdout)["sheets"]

    assert [(each["name"], each["exercises"]) for each in told] == [
        (sheet.name, list(sheet.by_name)) for sheet in all_sheets()
    ]
