"""The executed notebook is on disk while it runs, without secrets."""

import json
from pathlib import Path
from typing import Any

from xacct_nb.storage.draft import FILE, Draft, cell_states, read_draft

SECRET = "summer-2026"


def cell(source: str, state: str, *outputs: str) -> dict[str, Any]:
    shown = [{"output_type": "stream", "name": "stdout", "text": text} for text in outputs]
    return {
        "cell_type": "code",
        "metadata": {"xacct_nb": {"state": state}},
        "source": source,
        "outputs": shown,
    }


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    title = {"cell_type": "markdown", "metadata": {}, "source": f"# {SECRET}"}
    return {"cells": [title, *cells], "metadata": {SECRET: 1}, "nbformat": 4, "nbformat_minor": 5}


def test_no_secret_is_in_it(tmp_path: Path) -> None:
    Draft(tmp_path, [SECRET])(notebook(cell(f"print('{SECRET}')", "completed", SECRET)))
    written = (tmp_path / FILE).read_text()

    assert SECRET not in written
    assert json.loads(written)["cells"][1]["source"].startswith("print('secret:")


def test_a_cell_is_serialized_again_when_its_state_changes(tmp_path: Path) -> None:
    draft = Draft(tmp_path, [])
    draft(notebook(cell("1", "running"), cell("2", "not-run")))
    draft(notebook(cell("1", "completed", "one"), cell("2", "running")))
    first, second = json.loads((tmp_path / FILE).read_text())["cells"][1:]

    assert first["outputs"][0]["text"] == "one"
    assert second["metadata"] == {"xacct_nb": {"state": "running"}}


def test_cells_that_were_running_are_aborted(tmp_path: Path) -> None:
    Draft(tmp_path, [])(notebook(cell("1", "completed"), cell("2", "running"), cell("3", "not-run")))
    left = read_draft(tmp_path)

    assert left
    assert left["metadata"]["xacct_nb"] == {"ending": "interrupted"}
    assert cell_states(left) == (
        {"cell": 1, "state": "completed"},
        {"cell": 2, "state": "aborted"},
        {"cell": 3, "state": "not-run"},
    )


def test_there_is_none_before_the_first_cell(tmp_path: Path) -> None:
    assert read_draft(tmp_path) is None
