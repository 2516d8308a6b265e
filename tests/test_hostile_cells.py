"""Whatever a cell does, its run is sealed with a true status, and the command says how it ended."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from support.desk import notebook
from support.hostile_cells import HOSTILE_CELLS, TIMED_OUT, HostileCell
from support.processes import INTERRUPTIBLE
from xacct_nb.errors import EXIT_CODES
from xacct_nb.jupyter.messages import json_of, text_of, valid_message
from xacct_nb.jupyter.output_limit import OutputLimit
from xacct_nb.runs.runner import run
from xacct_nb.storage.ledger import verify_records

FIRST, AFTER = "print('the cell before')", "print('the cell after')"
QUICK = [name for name, cell in HOSTILE_CELLS.items() if cell.quick]
COMMAND = Path(sys.executable).parent / "xacct-nb"


def written(folder: Path, cell: HostileCell) -> str:
    return notebook(folder / "hostile.ipynb", FIRST, cell.source, AFTER)


def broken_files(folder: Path, cell: HostileCell) -> Iterator[str]:
    """What is wrong with the files of a record: each can be opened, and the page shows what it must."""
    page = (folder / "run.html").read_text(encoding="utf-8")
    executed = (folder / "run.ipynb").read_text(encoding="utf-8")
    nbformat.validate(nbformat.reads(executed, 4))
    json.loads(executed, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    if not page.rstrip().endswith("</html>") or "the cell before" not in page:
        yield "the page is not whole"
    if cell.shown not in page:
        yield f"the page does not show {cell.shown!r}"
    if (size := sum(path.stat().st_size for path in folder.iterdir())) > 30_000_000:
        yield f"the record has {size} bytes"


@pytest.mark.parametrize("name", QUICK)
def test_a_run_with_a_hostile_cell_is_sealed_with_a_true_status(tmp_path: Path, name: str) -> None:
    cell = HOSTILE_CELLS[name]
    ended = run(written(tmp_path, cell), records=str(tmp_path / "records"), timeout=30)

    assert ended.record.status == cell.status
    assert (ended.record.error is None) == (cell.status == "succeeded")
    assert verify_records(tmp_path / "records") == []
    assert [*broken_files(ended.folder, cell)] == []


@pytest.mark.exhaustive
def test_every_hostile_cell_is_sealed_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {}
    for number, (name, cell) in enumerate(HOSTILE_CELLS.items()):
        (tmp_path / str(number)).mkdir()
        if found := [*wrong_end(tmp_path / str(number), cell)]:
            wrong[name] = found
    with capsys.disabled():
        print(f"\nhostile cells: {len(HOSTILE_CELLS) - len(wrong)} of {len(HOSTILE_CELLS)} sealed and told")

    assert wrong == {}


def wrong_end(folder: Path, cell: HostileCell) -> Iterator[str]:
    """Run the cell by the command in a process of its own, and yield what is wrong with its end."""
    limit = "4" if cell.status == TIMED_OUT else "60"
    words = ("run", written(folder, cell), "--json", "--timeout", limit, "--records", str(folder / "records"))
    # Where it knows of pytest, ipykernel leaves the streams of its process as they are.
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    done = subprocess.run(
        [*INTERRUPTIBLE, COMMAND, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    if (told["status"], done.returncode) != (cell.status, EXIT_CODES[cell.status]):
        yield f"{told['status']}, exit code {done.returncode}, instead of {cell.status}"
    if (told["error"] is None) != (cell.status == "succeeded"):
        yield f"its error is {told['error']}"
    if "Traceback" in done.stderr or "Exception ignored" in done.stderr:
        yield done.stderr
    yield from verify_records(folder / "records")
    yield from broken_files(Path(told["record"]), cell)


class TestMessages:
    def test_text_is_text_that_a_file_can_hold(self) -> None:
        assert text_of("a\ud800b") == r"a\ud800b"
        assert text_of(["a", "b"]) == "ab"
        assert text_of({"a": [1, None]}) == '{"a": [1, null]}'
        assert text_of(object()).startswith('"<object object')

    def test_json_is_what_every_reader_accepts(self) -> None:
        deep: list[Any] = []
        for _ in range(60):
            deep = [deep]

        assert json_of({"a": float("nan"), "b": [float("-inf"), 1.5, None]}) == {
            "a": "NaN",
            "b": ["-Infinity", 1.5, None],
        }
        assert json_of(deep) == "(nested too deep to be kept)"

    @pytest.mark.parametrize("kind", ["comm_open", "comm_msg", "status", "unheard_of", None])
    def test_what_says_nothing_to_a_notebook_is_left_out(self, kind: Any) -> None:
        assert valid_message(message(kind, {})) is None


def message(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"header": {"msg_type": kind}, "msg_type": kind, "parent_header": {}, "content": content}


class TestLimit:
    def test_a_stream_is_cut_and_a_note_says_so_once(self) -> None:
        limit = OutputLimit(cell=10)
        texts = [
            each["content"]["text"]
            for text in ("12345", "67890abc", "more")
            for each in limit.fit(message("stream", {"name": "stdout", "text": text}), cell=1)
        ]

        assert texts[:2] == ["12345", "67890"]
        assert texts[2] == (
            "\n[More output was left out: a record keeps 10 characters and 5,000 outputs of a cell.]\n"
        )
        assert len(texts) == 3

    def test_the_next_cell_has_room_again_until_the_notebook_has_none(self) -> None:
        limit = OutputLimit(cell=10, notebook=15)
        stream = message("stream", {"name": "stdout", "text": "1234567890"})
        kept = [next(iter(limit.fit(stream, cell=cell)))["content"]["text"] for cell in (1, 2)]

        assert kept == ["1234567890", "12345"]

    def test_an_output_that_is_cleared_gives_its_room_back(self) -> None:
        limit = OutputLimit(cell=10)
        stream = message("stream", {"name": "stdout", "text": "1234567890"})
        assert [*limit.fit(stream, cell=1)] == [stream]
        assert len([*limit.fit(message("clear_output", {"wait": False}), cell=1)]) == 1

        assert [*limit.fit(stream, cell=1)] == [stream]

    def test_of_data_that_does_not_fit_the_text_stays(self) -> None:
        data = {"text/plain": "a table", "text/html": "<table>" * 9}
        shown = [*OutputLimit(cell=20).fit(message("display_data", {"data": data, "metadata": {}}), cell=1)]

        assert shown[0]["content"]["data"] == {"text/plain": "a table"}
        assert shown[1]["content"]["name"] == "stderr"

    def test_an_error_is_kept_without_its_middle_where_nothing_else_is(self) -> None:
        error = {"ename": "E", "evalue": "e" * 50_000, "traceback": ["line"] * 1_000}
        (kept,) = OutputLimit(cell=0).fit(message("error", error), cell=1)

        assert len(kept["content"]["evalue"]) < 11_000
        assert "[40,000 characters left out]" in kept["content"]["evalue"]
        assert len(kept["content"]["traceback"]) == 101
