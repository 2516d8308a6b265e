"""A run with hostile names and texts: its record is safe, complete, and found by its name."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.examples import grant_in, plan_of, root_iam, sessions_in
from support.hostile_notebooks import MARKUP
from support.hostile_strings import EVERYTHING, Fragment, unseen
from xacct_nb.errors import InvalidParameters, UnknownNotebook, UnknownRecord, XacctError
from xacct_nb.grants.documents import build
from xacct_nb.runs.notebooks import find_notebook
from xacct_nb.runs.request import check_request
from xacct_nb.runs.runner import RunResult, run
from xacct_nb.runs.sealing import records_folder
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.storage.chain import complete_append
from xacct_nb.storage.ledger import find_record, read_ledger, read_record, verify_records

TELLING = "\x1b]0;forged\x07\u202e"


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunResult, list[str], Path]:
    """Run a notebook with a hostile name, heading, prose and outputs; also return the titles of its steps."""
    folder, titles = tmp_path_factory.mktemp("hostile"), list[str]()
    path = folder / "7_a b;$(touch x)\n\x1b[2J{{7*7}}<script>.ipynb"
    path.write_text(json.dumps(a_notebook()))
    made = run(
        str(path),
        options=[("name", "../../x")],
        records=str(folder / "records"),
        report=lambda done, of, title: titles.append(title),
    )
    return made, titles, folder


def a_notebook() -> dict[str, Any]:
    """Return a notebook with hostile outputs that fails with a hostile error."""
    said = ascii(EVERYTHING.encode("utf-8", "replace").decode())  # no kernel sends half of a surrogate pair
    sources = ['name: str = ""  # what it is about', f"print({said})", f"raise ValueError({said})"]
    code: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [{**code, "source": source, "id": f"c{number}"} for number, source in enumerate(sources)]
    cells[0]["metadata"] = {"tags": ["parameters"]}
    prose = ["\n\n".join(MARKUP), f"# {TELLING}", "still to be seen"]
    texts = [
        {"cell_type": "markdown", "metadata": {}, "source": each, "id": f"p{number}"}
        for number, each in enumerate(prose)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "P", "language": "python"}}
    all_cells = [*texts[:2], *cells, texts[2]]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": all_cells}


def test_the_record_has_a_safe_name_is_whole_and_is_found(ended: tuple[RunResult, list[str], Path]) -> None:
    made, _, folder = ended

    assert re.fullmatch(r"\d{8}T\d{6}Z-x-a-b-touch-x-2J-7-7-script-[0-9a-f]{4}", made.folder.name)
    assert made.folder.parent == folder / "records"
    assert verify_records(folder / "records") == []
    assert read_record(folder / "records", made.folder.name[-4:]).notebook == made.record.notebook
    assert [line["id"] for line in read_ledger(folder / "records")] == [made.folder.name]


def test_its_text_and_html_are_safe(ended: tuple[RunResult, list[str], Path]) -> None:
    made, titles, _ = ended
    page = Fragment(made._repr_html_())

    assert made.record.status == "failed"
    assert titles[-1] == TELLING
    assert unseen(str(made) + str(made.record) + page.text) == []
    assert page.strange == []


def test_the_command_to_run_it_again_is_one_that_a_shell_takes_as_it_is(
    ended: tuple[RunResult, list[str], Path],
) -> None:
    made, _, folder = ended
    words = shlex.split(made.record.error.resume)

    assert words[:2] == ["xacct-nb", "run"]
    assert words[2] == str(folder / "7_a b;$(touch x)\n\x1b[2J{{7*7}}<script>.ipynb")


def test_its_page_is_whole_and_shows_what_comes_after_hostile_prose(
    ended: tuple[RunResult, list[str], Path],
) -> None:
    page = (ended[0].folder / "run.html").read_text(encoding="utf-8")

    assert unseen(page) == []
    assert "<p>still to be seen</p>" in page
    assert re.findall(r"<(?:script|iframe|link|form|base|object|plaintext|textarea)\b", page) == []
    assert page.count("<style") == page.count("</html>") == 1


def test_what_others_wrote_into_aws_is_planned_and_shown_safely(world: World) -> None:
    grant, iam = grant_in(world, adopt=True), root_iam(world, world.destination)
    iam.create_role(
        RoleName="reports-reader",
        AssumeRolePolicyDocument=json.dumps(build(grant).trust_policies[grant.destinations[0]]),
        Tags=[{"Key": "owner", "Value": "a\u2028b"}],
    )
    plan = plan_of(grant, sessions_in(world, grant))
    page = Fragment(plan._repr_html_())

    assert r"a\u2028b" in str(plan)
    assert (unseen(str(plan) + page.text), page.strange) == ([], [])


@pytest.mark.parametrize("place", ["../moved", "/tmp/moved", "..", "a/../../moved"])
def test_a_foreign_records_folder_moves_nothing_outside_of_it(tmp_path: Path, place: str) -> None:
    records, other = tmp_path / "records", tmp_path / "other"
    other.mkdir()
    records.mkdir()
    for note in ({"bundle": "../other", "place": "a"}, {"bundle": ".work/a.bundle", "place": place}):
        (records / ".work" / "a.bundle").mkdir(parents=True, exist_ok=True)
        (records / ".ledger.jsonl.next").write_text(json.dumps({**note, "line": "{}"}))
        complete_append(records)

    assert sorted(each.name for each in tmp_path.iterdir()) == ["other", "records"]
    assert other.is_dir()


def test_a_line_of_a_ledger_leads_to_no_other_folder(
    ended: tuple[RunResult, list[str], Path], tmp_path: Path
) -> None:
    line = (ended[2] / "records" / "ledger.jsonl").read_text()
    name = ended[0].folder.name
    (tmp_path / "ledger.jsonl").write_text(line.replace(f'"{name}"', f'"../{name}"'))

    with pytest.raises(UnknownRecord, match="No single record matches"):
        read_record(tmp_path, f"../{name}")
    assert verify_records(tmp_path) == ["ledger.jsonl: line 1: is not a ledger line"]


@pytest.mark.parametrize(
    ("notebook", "parameters"),
    [("bad\udcff.ipynb", []), ("good.ipynb", [("name", "x\udcff")]), ("good.ipynb", [("name", "\ud800")])],
)
def test_what_no_record_could_hold_is_refused_before_anything_runs(
    tmp_path: Path, notebook: str, parameters: list[tuple[str, str]]
) -> None:
    path = tmp_path / notebook
    path.write_text(json.dumps(a_notebook()))

    with pytest.raises(InvalidParameters, match="is not UTF-8 text") as refused:
        check_request(str(path), None, parameters, "", str(tmp_path / "records"))
    assert unseen(str(refused.value)) == []


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (find_notebook, UnknownNotebook),
        (lambda name: records_folder(name.removesuffix(".ipynb")), InvalidParameters),
        (lambda name: find_record(Path(), name), UnknownRecord),
    ],
    ids=["notebook", "records folder", "record"],
)
def test_a_name_that_is_longer_than_any_file_s_is_refused(
    asked: Callable[[str], Any], error: type[XacctError]
) -> None:
    with pytest.raises(error) as refused:
        asked("n" * 300 + ".ipynb")

    assert refused.value.hint
