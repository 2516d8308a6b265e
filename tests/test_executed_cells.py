"""The executed notebook of a person's run: a real kernel runs its cells, and the record keeps them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from support.desk import Desk

SECRET = "hunter2-of-the-reports"
PROSE = {"cell_type": "markdown", "id": "aaaa0000", "metadata": {}, "source": "# Mine"}


def code(name: str, source: str) -> dict[str, Any]:
    empty = {"metadata": {}, "outputs": [], "execution_count": None}
    return {"cell_type": "code", "id": name, "source": source, **empty}


class Person:
    """Somebody who has a notebook open, and runs its cells one at a time."""

    def __init__(self, client: BlockingKernelClient, cells: list[dict[str, Any]]) -> None:
        self.client, self.cells = client, {cell["id"]: cell for cell in cells}

    def runs(self, *names: str) -> None:
        for name in names:
            message = self.client.session.msg("execute_request", self._request(name))
            message["metadata"] = {"cellId": name}
            self.client.shell_channel.send(message)
            reply = self.client.get_shell_msg(timeout=60)
            assert reply["parent_header"]["msg_id"] == message["header"]["msg_id"]

    def _request(self, name: str) -> dict[str, Any]:
        return {"code": self.cells[name]["source"], "silent": False, "store_history": True,
                "user_expressions": {}, "allow_stdin": False, "stop_on_error": False}  # fmt: skip


CELLS = [
    PROSE,
    code("params00", 'name = "mine"'),
    code("begin000", "import xacct_nb as xa\nrun = xa.start_run('mine', globals())\nrun"),
    code("prints00", "print('printed'); 'shown'"),
    code("fails000", f"print('{SECRET}'); 1 / 0"),
    code("skipped0", "never_run()"),
    code("record00", "run.evidence.secrets.add('" + SECRET + "')\nxa.record(run)"),
]


@pytest.fixture
def person(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    file = tmp_path / "mine.ipynb"
    file.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": CELLS}))
    monkeypatch.setenv("JPY_SESSION_NAME", str(file))
    monkeypatch.setenv("XACCT_RECORDS", str(desk.records))
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield Person(client, CELLS)
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_the_record_of_a_persons_run_has_the_notebook_as_it_was_executed(person: Person, desk: Desk) -> None:
    person.runs("params00", "begin000", "prints00", "prints00", "fails000", "record00")

    (folder,) = [
        each for each in desk.records.iterdir() if each.name.endswith("Z-mine-mine-" + each.name[-4:])
    ]
    cells = json.loads((folder / "run.ipynb").read_text())["cells"]
    assert ["".join(cell["source"]) for cell in cells] == [
        cell["source"] if SECRET not in cell["source"] else "".join(cells[number]["source"])
        for number, cell in enumerate(CELLS)
    ]
    states = [cell["metadata"]["xacct_nb"]["state"] for cell in cells[1:]]
    assert states == ["completed", "completed", "completed", "failed", "not-run", "running"]
    printed, shown = cells[3]["outputs"]
    assert "".join(printed["text"]) == "printed\n"
    assert "".join(shown["data"]["text/plain"]) == "'shown'"
    assert cells[4]["outputs"][-1]["ename"] == "ZeroDivisionError"
    assert SECRET not in (folder / "run.ipynb").read_text()
    assert "printed" in (folder / "run.html").read_text()
