"""Every notebook keeps the shape that a person and papermill read, and runs headless in a sandbox."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jsonschema import validate
from papermill.inspection import inspect_notebook

from support.desk import NOTEBOOKS
from xacct_nb.errors import EXIT_CODES
from xacct_nb.redaction.redact import redact
from xacct_nb.runs.loading import record_schema
from xacct_nb.runs.notebooks import known_parameters
from xacct_nb.runs.runner import run
from xacct_nb.runs.sandboxes import throw_away_sandbox
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.storage.ledger import read_ledger, verify_records

PATHS = sorted(path for path in NOTEBOOKS.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
# The sheets of the workshop are run by the tests of the grading.
RUNBOOKS = [path for path in PATHS if "workshop" not in path.relative_to(NOTEBOOKS).parts]
NOT_IN_A_CELL = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.AsyncFor, ast.While,
                    ast.Try, ast.TryStar, ast.With, ast.AsyncWith)  # fmt: skip
CHANGES_AWS = {"apply", "rollback"}
SECRETS = re.compile(r"secret|password|passwd|token|mfa|access_?key|private|credential")
QUICKER = {"90_rehearse_faults": [("seconds", "1"), ("share", "0.1")]}
JSON_TYPES = {"str": str, "int": int, "float": float, "bool": bool, "list": list, "dict": dict}


@dataclass(frozen=True)
class Sheet:
    """A notebook as it is in its file."""

    path: Path

    @cached_property
    def content(self) -> dict[str, Any]:
        return dict(json.loads(self.path.read_text()))

    @cached_property
    def cells(self) -> list[dict[str, Any]]:
        return [{**cell, "source": "".join(cell["source"])} for cell in self.content["cells"]]

    @cached_property
    def code(self) -> list[str]:
        return [cell["source"] for cell in self.cells if cell["cell_type"] == "code"]

    @cached_property
    def parameters(self) -> list[str]:
        """Return the lines of the cell with the parameters."""
        return self.code[0].splitlines()

    @cached_property
    def headings(self) -> list[list[str]]:
        """Return for each code cell the headings between it and the code cell before."""
        found: list[list[str]] = [[]]
        for cell in self.cells:
            if cell["cell_type"] == "code":
                found.append([])
            else:
                prose = re.sub(r"^```.*?^```", "", cell["source"], flags=re.MULTILINE | re.DOTALL)
                found[-1] += re.findall(r"^#+ .+", prose, re.MULTILINE)
        return found[:-1]

    def calling(self, *names: str) -> list[int]:
        """Return the numbers of the code cells that call one of these."""
        return [number for number, source in enumerate(self.code) if called(source) & set(names)]


def called(source: str) -> set[str]:
    """Return the last part of each name that a cell calls."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return {each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "") for each in calls}


@pytest.fixture(params=PATHS, ids=lambda path: str(path.relative_to(NOTEBOOKS)))
def sheet(request: pytest.FixtureRequest) -> Sheet:
    return Sheet(request.param)


class TestTheFile:
    def test_it_is_valid_and_its_cells_have_ids_of_their_own(self, sheet: Sheet) -> None:
        # Before the validation, which gives a cell an id where it finds none of its own.
        ids = [cell.get("id", "") for cell in sheet.cells]
        nbformat.validate(sheet.content, relax_add_props=False)

        assert sorted({*ids, ""}) == sorted([*ids, ""])

    def test_it_asks_for_the_kernel_that_every_machine_has(self, sheet: Sheet) -> None:
        assert sheet.content["metadata"]["kernelspec"]["name"] == "python3"
        assert sheet.content["metadata"]["language_info"] == {"name": "python"}

    def test_it_carries_no_output_no_count_and_no_widget(self, sheet: Sheet) -> None:
        left = [cell["id"] for cell in sheet.cells if cell.get("outputs") or cell.get("execution_count")]

        assert left == []
        assert sorted(sheet.content["metadata"]) == ["kernelspec", "language_info"]

    def test_it_contains_no_key_and_no_password(self, sheet: Sheet) -> None:
        text = sheet.path.read_text()

        assert redact(text, []) == text


class TestTheCells:
    def test_each_has_one_heading_before_it(self, sheet: Sheet) -> None:
        title, *below = sheet.headings

        assert [line.partition(" ")[0] for line in title] == ["#", "##"]
        assert [len(lines) for lines in below] == [1] * len(below)
        assert [line for lines in below for line in lines if not line.startswith("## ")] == []

    def test_prose_says_before_each_what_will_happen(self, sheet: Sheet) -> None:
        before = [sheet.cells[at - 1] for at, cell in enumerate(sheet.cells) if cell["cell_type"] == "code"]

        assert {cell["cell_type"] for cell in before} == {"markdown"}
        assert [cell["source"] for cell in before[1:] if "\n\n" not in cell["source"]] == []

    def test_none_is_longer_than_ten_lines(self, sheet: Sheet) -> None:
        assert [source for source in sheet.code if len(source.splitlines()) > 10] == []

    def test_none_defines_loops_catches_or_prints(self, sheet: Sheet) -> None:
        nodes = [node for source in sheet.code for node in ast.walk(ast.parse(source))]

        assert [ast.unparse(node) for node in nodes if isinstance(node, NOT_IN_A_CELL)] == []
        assert sheet.calling("print", "display") == []

    def test_the_last_line_of_each_is_its_value(self, sheet: Sheet) -> None:
        last = [(source, ast.parse(source).body[-1]) for source in sheet.code[1:]]

        assert [source for source, node in last if not isinstance(node, ast.Expr)] == []
        assert [source for source in sheet.code if source.rstrip().endswith(";")] == []


class TestTheParameters:
    def test_they_are_the_first_cell_and_only_that(self, sheet: Sheet) -> None:
        tags = [cell["metadata"].get("tags", []) for cell in sheet.cells if cell["cell_type"] == "code"]

        assert tags == [["parameters"], *[[]] * (len(tags) - 1)]

    def test_each_is_one_line_of_name_type_default_and_help(self, sheet: Sheet) -> None:
        shape = re.compile(r"[a-z_]+: (str|int|float|bool|list|dict) = [^=#]*[^=# ]  # [^=#]+")

        assert [line for line in sheet.parameters if not shape.fullmatch(line)] == []

    def test_each_default_is_plain_json_of_its_type(self, sheet: Sheet) -> None:
        known = known_parameters(sheet.path).values()

        assert [each for each in known if type(each.default) is not JSON_TYPES[each.type]] == []
        assert [each for each in known if json.loads(json.dumps(each.default)) != each.default] == []

    def test_papermill_sees_each_with_its_type_default_and_help(self, sheet: Sheet) -> None:
        seen = inspect_notebook(str(sheet.path)).values()
        lines = [f"{p['name']}: {p['inferred_type_name']} = {p['default']}  # {p['help']}" for p in seen]

        assert lines == sheet.parameters

    def test_none_takes_a_secret(self, sheet: Sheet) -> None:
        known = known_parameters(sheet.path)
        by_reference = [each for name, each in known.items() if name == "external_id"]

        assert [name for name in known if SECRETS.search(name)] == []
        assert [
            each for each in by_reference if each.default or "env:NAME or file:PATH" not in each.help
        ] == []


class TestTheChange:
    def test_it_is_the_only_call_under_a_heading_that_says_so(self, sheet: Sheet) -> None:
        changing = sheet.calling(*CHANGES_AWS)

        assert len(changing) <= 1
        assert [sheet.headings[number] for number in changing] == [["## Change AWS"]] * len(changing)
        assert [called(sheet.code[number]) for number in changing] == [{"apply"}] * len(changing)

    def test_it_comes_after_the_findings_the_plan_and_the_approval(self, sheet: Sheet) -> None:
        changing = sheet.calling(*CHANGES_AWS)
        findings = sheet.calling("lint") if sheet.calling("build") else [0]
        before = [findings, sheet.calling("diff", "plan"), sheet.calling("approval")]

        assert [(at, steps) for at in changing for steps in before if not steps or max(steps) > at] == []

    def test_it_acts_on_the_approval(self, sheet: Sheet) -> None:
        changing = [sheet.code[number] for number in sheet.calling(*CHANGES_AWS)]

        assert [source for source in changing if not re.search(r"\.apply\((.*, )?approval\)", source)] == []

    def test_a_run_ends_with_the_proof_and_the_record(self, sheet: Sheet) -> None:
        last = len(sheet.code) - 1

        assert sheet.calling("record") == [last] * bool(sheet.calling("start_run"))
        assert not (sheet.calling("apply") and sheet.calling("lint")) or sheet.calling("prove")
        assert sheet.calling("prove") == [] or sheet.calling("prove")[0] > max(
            sheet.calling("apply", "form"), default=0
        )


@pytest.fixture(scope="module")
def own_sandbox() -> Iterator[Sandbox]:
    """Start a sandbox that the notebooks find by the environment."""
    with throw_away_sandbox() as sandbox, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XACCT_SANDBOX_DIR", str(sandbox.folder))
        yield sandbox


def ends(path: Path, records: Path, **parameters: Any) -> str:
    """Check that a headless run succeeds, runs all cells and leaves a valid record; return its status."""
    ended = run(str(path), records=str(records), **parameters)
    validate(ended.record.to_json(), record_schema())
    assert EXIT_CODES[ended.record.status] == 0, ended.record.error
    assert {cell.state for cell in ended.record.cells} == {"completed"}
    return ended.record.status


@pytest.mark.usefixtures("own_sandbox")
class TestRuns:
    @pytest.fixture(params=RUNBOOKS, ids=lambda path: str(path.relative_to(NOTEBOOKS)))
    def sheet(self, request: pytest.FixtureRequest) -> Sheet:
        return Sheet(request.param)

    def test_it_runs_twice_without_harm(self, sheet: Sheet, tmp_path: Path) -> None:
        quickly = QUICKER.get(sheet.path.stem, ())
        first, second = (ends(sheet.path, tmp_path, options=quickly) for _ in range(2))

        assert first == second
        assert [line["status"] for line in read_ledger(tmp_path)] == [first, first]
        assert verify_records(tmp_path) == []

    def test_the_walkthrough_applies_the_approved_plan_and_is_rolled_back(self, tmp_path: Path) -> None:
        walkthrough, roll_back = NOTEBOOKS / "10_walkthrough.ipynb", NOTEBOOKS / "70_roll_back.ipynb"
        planned = ends(walkthrough, tmp_path)
        applied = ends(walkthrough, tmp_path, approve=read_ledger(tmp_path)[-1]["digest"])
        again = ends(walkthrough, tmp_path)
        way_back = ends(roll_back, tmp_path)
        taken_back = ends(roll_back, tmp_path, approve=read_ledger(tmp_path)[-1]["digest"])

        assert (planned, applied, again) == ("planned", "succeeded", "no-change")
        assert (way_back, taken_back) == ("planned", "succeeded")

    def test_the_plain_papermill_command_runs_it_too(self, tmp_path: Path) -> None:
        path, out = NOTEBOOKS / "20_plan_and_apply.ipynb", tmp_path / "out.ipynb"
        command = [Path(sys.executable).parent / "papermill", path, out, "--no-progress-bar"]
        environment = os.environ | {"XACCT_RECORDS": str(tmp_path / "records")}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

        assert done.returncode == 0, done.stderr
        assert "Plan: 4 to add, 0 to change, 0 to destroy." in out.read_text()
        assert [line["status"] for line in read_ledger(tmp_path / "records")] == ["planned"]
        assert verify_records(tmp_path / "records") == []
