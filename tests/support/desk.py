"""Notebooks run headless in accounts of a test's own, and notebooks that a test writes itself."""

import atexit
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.examples import grant_in, plan_of, sessions_in, state_of
from xacct_nb.changes.plan import Plan
from xacct_nb.errors import XacctError
from xacct_nb.grants.grant import Grant
from xacct_nb.runs.notebooks import find_notebook
from xacct_nb.runs.runner import RunResult, run
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.storage.ledger import read_record, verify_records

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"


@dataclass(frozen=True)
class Desk:
    """A world in which notebooks act as on AWS itself (`sandbox = False`), and a folder for their records.

    With `in_process` the cells run in this process, as in a person's kernel, not in a kernel of their own.
    """

    world: World
    records: Path
    in_process: bool = False

    def grant(self, **fields: Any) -> Grant:
        """The article's case in this world, with the fields of a grant among what is given."""
        return grant_in(self.world, **{name: fields[name] for name in Grant.model_fields if name in fields})

    def parameters(self, **fields: Any) -> dict[str, Any]:
        """The article's case in this world as a notebook's parameters."""
        grant = self.grant().to_json()
        usual = {name: grant[name] for name in ("name", "sources", "destinations", "permissions")}
        return {**usual, "sandbox": False, "patience_seconds": 1, **fields}

    def run(self, notebook: str = "plan_and_apply", **fields: Any) -> RunResult:
        """One headless run; approval, files and timeout as `run` takes them, the rest are parameters."""
        names = ("approve", "file", "run_file", "timeout")
        around = {name: fields.pop(name) for name in names if name in fields}
        known = (
            self.parameters() if notebook in ("plan_and_apply", "prove_the_access") else {"sandbox": False}
        )
        values = fields if "file" in around else {**known, **fields}
        if self.in_process:
            return self._run_cells(notebook, {**values, **around})
        return run(notebook, options=options(values), records=str(self.records), **around)

    def _run_cells(self, notebook: str, values: dict[str, Any]) -> RunResult:
        """Run the cells one after the other up to the first error, and seal the record."""
        cells = json.loads(find_notebook(notebook).read_text())["cells"]
        parameters, *sources = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        names: dict[str, Any] = {}
        exec(parameters, names)
        names |= {**values, "records": str(self.records)}
        for number, source in enumerate(sources):
            try:
                exec(source, names)
            except XacctError as problem:
                names["run"].note_cell(str(number), problem)
                break
        summary = names["run"].finish()
        atexit.unregister(names["run"].leave)
        return RunResult(read_record(self.records, summary.record), Path(summary.folder))

    def applied(self, **fields: Any) -> RunResult:
        """A headless run that applies the article's case."""
        return self.run(approve=self.plan(**fields).digest, **fields)

    def rolled_back(self, **fields: Any) -> RunResult:
        """A rollback of the newest change, planned and then approved."""
        digest = self.run("roll_back", **fields).to_json()["digest"]
        return self.run("roll_back", approve=digest, **fields)

    def plan(self, **fields: Any) -> Plan:
        grant = self.grant(**fields)
        return plan_of(grant, sessions_in(self.world, grant))

    def state(self, **fields: Any) -> list[dict[str, Any]]:
        """Everything of the grant that is in the two accounts now."""
        grant = self.grant(**fields)
        return state_of(grant, sessions_in(self.world, grant)).to_json()

    def is_whole(self) -> bool:
        """Whether the records verify."""
        return verify_records(self.records) == []

    def written(self, secret: str) -> list[Path]:
        """The files of the records folder that contain a secret."""
        files = (path for path in self.records.rglob("*") if path.is_file())
        return [path for path in files if secret.encode() in path.read_bytes()]


def options(values: dict[str, Any]) -> list[tuple[str, str]]:
    """Parameters as `-p NAME VALUE` gives them."""
    return [(name, each if isinstance(each, str) else json.dumps(each)) for name, each in values.items()]


def notebook(path: Path, *cells: str) -> str:
    """Writes a notebook of these code cells and gives its path as text.

    A first cell of declarations is its parameters.
    """
    written = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": _tags(number, source),
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(cells)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": written}))
    return str(path)


def _tags(number: int, source: str) -> dict[str, Any]:
    return {"tags": ["parameters"]} if number == 0 and ": str = " in source else {}
