"""A cell that was run before the cells above it names the one that makes what it lacks."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from support.desk import NOTEBOOKS
from xacct_nb.jupyter.missing_names import STARTUP, explanation, startup_environment

NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "source": ["# Title\n", "\n", "## Begin\n", "Text."]},
        {"cell_type": "code", "source": "import xacct_nb as xa\nrun = xa.start_run('x', globals())"},
        {"cell_type": "markdown", "source": "No heading here."},
        {"cell_type": "code", "source": "%time\nlater = 1"},
        {"cell_type": "code", "source": "(one, two), rest = found"},
    ]
}


@pytest.mark.parametrize("name", ["run", "xa", "one", "rest"])
def test_it_names_the_cell_by_its_heading_and_says_what_to_run(name: str) -> None:
    first, where, what = explanation(name, NOTEBOOK)

    assert first == f"cells-not-run: {name!r} is not there yet."
    assert where == "The cell under 'Begin' makes it, and that cell was not run since the kernel was started."
    assert what.startswith("Run the cells above this one first")


@pytest.mark.parametrize("name", ["runn", "found", "later"])
def test_a_name_that_no_cell_makes_is_an_error_like_any_other(name: str) -> None:
    assert explanation(name, NOTEBOOK) == []


def test_the_users_own_startup_file_is_kept_also_by_a_server_inside_a_server() -> None:
    first = startup_environment({"PYTHONSTARTUP": "/home/ada/start.py"})

    assert first == {"PYTHONSTARTUP": str(STARTUP), "XACCT_PYTHONSTARTUP": "/home/ada/start.py"}
    assert startup_environment(first) == {"PYTHONSTARTUP": str(STARTUP)}


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockingKernelClient]:
    """Start a kernel as `xacct-nb lab` has it, for the notebook that plans and applies."""
    own = tmp_path_factory.mktemp("startup") / "own.py"
    own.write_text("greeting = 'hello'\n")
    environment = startup_environment({"PYTHONSTARTUP": str(own)})
    notebook = NOTEBOOKS / "20_plan_and_apply.ipynb"
    manager, client = start_new_kernel(env=_around(environment, notebook), cwd=str(notebook.parent))
    try:
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_in_a_kernel_that_was_restarted_the_first_cell_to_run_is_named(kernel: BlockingKernelClient) -> None:
    told = failed(kernel, "approval = run.approval(plan)")

    assert told["ename"] == "NameError"
    assert told["traceback"][:2] == [
        "cells-not-run: 'run' is not there yet.",
        "The cell under 'Begin' makes it, and that cell was not run since the kernel was started.",
    ]


def test_in_that_kernel_other_errors_stay_as_they_are(kernel: BlockingKernelClient) -> None:
    unknown, inside = failed(kernel, "runn"), failed(kernel, "import json; json.loads('{')")

    assert "name 'runn' is not defined" in unknown["traceback"][-1]
    assert inside["ename"] == "JSONDecodeError"


def test_the_users_own_startup_file_has_run_and_no_name_of_ours_is_there(
    kernel: BlockingKernelClient,
) -> None:
    assert said(kernel, "print(greeting, [each for each in dir() if 'xacct' in each])") == "hello []\n"


@pytest.mark.parametrize(("stdin", "attended"), [(True, "True\n"), (False, "False\n")])
def test_papermill_asks_no_person_and_a_front_end_does(
    kernel: BlockingKernelClient, stdin: bool, attended: str
) -> None:
    asked = "from xacct_nb.jupyter.cell_hooks import is_attended; print(is_attended())"

    assert said(kernel, asked, allow_stdin=stdin) == attended


def failed(kernel: BlockingKernelClient, code: str) -> dict[str, Any]:
    """The error that a cell ends with."""
    return dict(next(each["content"] for each in outputs(kernel, code) if each["msg_type"] == "error"))


def said(kernel: BlockingKernelClient, code: str, **about: Any) -> str:
    """What a cell prints."""
    found = outputs(kernel, code, **about)
    return "".join(each["content"]["text"] for each in found if each["msg_type"] == "stream")


def outputs(kernel: BlockingKernelClient, code: str, **about: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    kernel.execute_interactive(code, output_hook=found.append, timeout=60, **about)
    return found


def _around(environment: dict[str, str], notebook: Path) -> dict[str, str]:
    return os.environ | environment | {"JPY_SESSION_NAME": str(notebook)}


def test_every_name_that_a_notebook_of_ours_uses_is_found_in_it() -> None:
    notebook = json.loads((NOTEBOOKS / "20_plan_and_apply.ipynb").read_text())
    names = ("xa", "run", "form", "sessions", "documents", "before", "plan", "approval", "journal", "proof")

    assert all(explanation(name, notebook) for name in names)
