"""Records on disk: written once, found again, and every change to them seen."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.killed_process import kill_before_file_call
from support.processes import in_a_fork
from xacct_nb.errors import InvalidInput, UnknownRecord, XacctError
from xacct_nb.records.model import Record
from xacct_nb.runs.recovery import recover
from xacct_nb.storage.chain import complete_append
from xacct_nb.storage.evidence import FILE, Evidence, events
from xacct_nb.storage.ledger import (
    LEDGER,
    append_record,
    broken_record,
    find_record,
    read_ledger,
    read_record,
    read_whole_lines,
    verify_records,
)
from xacct_nb.storage.run_folder import WORK, create_run_folder

FIRST, SECOND = "20261124T101500Z-reports-plan_and_apply-1f3a", "20261125T101500Z-reports-plan_and_apply-2b4c"
ABOUT = {"notebook": "plan_and_apply", "started": "2026-11-24T10:15:00Z", "again": "", "headless": True}
KEEP = """
import pathlib, sys
from xacct_nb.storage.ledger import append_record
from xacct_nb.records.model import Record
from xacct_nb.storage.run_folder import create_run_folder
for number in range(10):
    record = Record(f"{sys.argv[2]}-{number}", "mine", "succeeded", "", "", 0.0)
    with create_run_folder(pathlib.Path(sys.argv[1]), record.id, {}):
        append_record(pathlib.Path(sys.argv[1]), record, {})
"""


def seals_killed_at(folder: Path, number: int) -> None:
    """Seal a record; this process is killed before the call to the system of that number."""
    record = Record(FIRST, "mine", "succeeded", "", "", 0.0)
    kill_before_file_call(number)
    append_record(folder, record, {"run.html": b"<p>page</p>"})


def a_record(run: str = FIRST, **fields: Any) -> Record:
    times = {"started": "2026-11-24T10:15:00Z", "ended": "2026-11-24T10:15:04Z", "seconds": 4.25}
    return Record(run, "plan_and_apply", "succeeded", **{**times, **fields})


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """A folder with two records; each holds its record.json, a page, and the sums."""
    for run in (FIRST, SECOND):
        create_run_folder(tmp_path, run, ABOUT)
        append_record(tmp_path, a_record(run, parameters={"name": "Zoë\u2028"}), {"run.html": b"<p>page</p>"})
    return tmp_path


class TestKeeping:
    def test_a_bundle_is_complete_and_its_work_folder_is_removed(self, records: Path) -> None:
        names = sorted(path.name for path in (records / FIRST).iterdir())

        assert names == ["SHA256SUMS", "record.json", "run.html"]
        assert not (records / WORK).exists()
        assert verify_records(records) == []

    def test_the_sums_are_those_of_sha256sum(self, records: Path) -> None:
        subprocess.run(
            ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=records / FIRST, check=True
        )

    def test_a_record_is_written_once(self, records: Path) -> None:
        before = (records / FIRST / "record.json").read_bytes()

        with pytest.raises(XacctError, match="could not be sealed"):
            append_record(records, a_record(FIRST, where="elsewhere"), {})
        assert (records / FIRST / "record.json").read_bytes() == before
        assert [line["id"] for line in read_ledger(records)] == [FIRST, SECOND]

    def test_runs_that_end_at_once_all_have_their_line(self, tmp_path: Path) -> None:
        commands = [[sys.executable, "-c", KEEP, str(tmp_path), name] for name in ("a", "b", "c")]
        for process in [subprocess.Popen(command) for command in commands]:
            assert process.wait() == 0

        assert len(read_ledger(tmp_path)) == 30
        assert verify_records(tmp_path) == []

    def test_where_the_disk_is_full_the_evidence_stays(self, tmp_path: Path) -> None:
        work = create_run_folder(tmp_path, FIRST, ABOUT).folder
        (tmp_path / LEDGER).mkdir()

        with pytest.raises(XacctError, match="could not be sealed") as failed:
            append_record(tmp_path, a_record(), {})
        assert failed.value.hint == f"Fix the cause. The evidence is kept in {work}"
        assert work.is_dir()

    def test_a_truncated_line_is_reported_and_the_next_one_is_separate(self, records: Path) -> None:
        with (records / LEDGER).open("a") as file:
            file.write('{"id": "20261126')
        append_record(records, a_record("20261126T101500Z-later"), {})

        assert (records / LEDGER).read_text().split("\n")[2] == '{"id": "20261126'
        assert verify_records(records) == [f"{LEDGER}: line 3: is not a ledger line"]

    def test_wherever_the_sealing_is_killed_the_next_command_completes_it_or_closes_the_run(
        self, tmp_path: Path
    ) -> None:
        """Each call of the sealing to the system is the last one once; the process is killed before it."""
        left = []
        for number in range(1, 40):
            folder = tmp_path / str(number)
            create_run_folder(folder, FIRST, ABOUT)
            killed = in_a_fork(lambda folder=folder, number=number: seals_killed_at(folder, number))
            recover(folder)
            left += [line["status"] for line in read_ledger(folder)]
            assert len(left) == number
            assert not (folder / WORK).exists()
            assert verify_records(folder) == []
            if not killed:
                break

        assert not killed
        assert set(left) == {"interrupted", "succeeded"}
        assert left == sorted(left)
        assert left.index("succeeded") < len(left) - 3

    def test_a_run_whose_sealing_was_killed_early_is_sealed_once_more(self, tmp_path: Path) -> None:
        create_run_folder(tmp_path, FIRST, ABOUT)
        (tmp_path / WORK / f"{FIRST}.bundle").mkdir()
        (tmp_path / WORK / f"{FIRST}.bundle" / "record.json").write_text("{")
        append_record(tmp_path, a_record(), {})

        assert verify_records(tmp_path) == []

    def test_a_line_that_was_half_written_is_completed(self, records: Path) -> None:
        whole = (records / LEDGER).read_bytes()
        line = whole.decode().split("\n")[1]
        note = {"bundle": f"{WORK}/{SECOND}.bundle", "place": SECOND, "line": line}
        for length in (0, 1, 100, len(line.encode()), len(line.encode()) + 1):
            (records / LEDGER).write_bytes(whole[: whole.index(b"\n") + 1 + length])
            (records / ".ledger.jsonl.next").write_text(json.dumps(note))

            assert complete_append(records) == SECOND
            assert (records / LEDGER).read_bytes() == whole
        assert complete_append(records) == ""

    def test_a_note_that_was_half_written_is_forgotten(self, records: Path) -> None:
        (records / ".ledger.jsonl.next").write_text('{"bundle": "')

        assert complete_append(records) == ""
        assert verify_records(records) == []
        assert not (records / ".ledger.jsonl.next").exists()

    def test_what_is_verified_while_others_seal_is_whole(self, tmp_path: Path) -> None:
        append_record(tmp_path, a_record(), {})
        commands = [[sys.executable, "-c", KEEP, str(tmp_path), name] for name in ("a", "b")]
        others, found = [subprocess.Popen(command) for command in commands], []
        while any(process.poll() is None for process in others):
            found += verify_records(tmp_path)

        assert found == []
        assert len(read_ledger(tmp_path)) == 21


class TestFinding:
    @pytest.mark.parametrize("name", [FIRST, "20261124", "1f3a"])
    def test_a_record_is_found_by_its_id_or_either_end_of_it(self, records: Path, name: str) -> None:
        assert find_record(records, name) == records / FIRST
        assert read_record(records, name) == a_record(parameters={"name": "Zoë\u2028"})

    def test_it_is_found_by_its_path_from_anywhere(self, records: Path, tmp_path: Path) -> None:
        assert read_record(tmp_path / "elsewhere", str(records / SECOND)).id == SECOND

    @pytest.mark.parametrize(
        ("name", "why"),
        [("2026", "2 records have ids like this."), ("nothing", "No record in "), ("", "No record in ")],
    )
    def test_what_matches_not_exactly_one_record_is_reported(
        self, records: Path, name: str, why: str
    ) -> None:
        with pytest.raises(UnknownRecord) as unknown:
            find_record(records, name)

        assert unknown.value.why.startswith(why)

    @pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"id": 1}'])
    def test_a_record_that_cannot_be_read_is_reported(self, records: Path, content: bytes) -> None:
        (records / FIRST / "record.json").write_bytes(content)

        with pytest.raises(UnknownRecord, match="cannot be read"):
            read_record(records, FIRST)


def _swap_pages(records: Path) -> None:
    (records / FIRST / "run.html").write_bytes(b"<p>other</p>")


def _remove_page(records: Path) -> None:
    (records / FIRST / "run.html").unlink()


def _reseal(records: Path) -> None:
    """Change a file, and its sum too."""
    folder = records / FIRST
    (folder / "run.html").write_bytes(b"<p>other</p>")
    done = subprocess.run(
        ["sha256sum", "record.json", "run.html"], cwd=folder, check=True, capture_output=True
    )
    (folder / "SHA256SUMS").write_bytes(done.stdout)


def _retell(records: Path) -> None:
    path = records / LEDGER
    path.write_text(path.read_text().replace('"succeeded"', '"failed"'))


def _add_folder(records: Path) -> None:
    (records / "20200101T000000Z-never-run").mkdir()


def _swap_lines(records: Path) -> None:
    path = records / LEDGER
    path.write_text("\n".join(reversed(path.read_text().split("\n")[:-1])) + "\n")


def _drop_line(records: Path, number: int) -> None:
    path = records / LEDGER
    lines = path.read_text().split("\n")
    del lines[number]
    path.write_text("\n".join(lines))


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def _link_checkpoints(records: Path) -> None:
    (records / FIRST / ".ipynb_checkpoints").symlink_to("..")


TAMPERED: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "a page": (_swap_pages, [f"{FIRST}/run.html: was changed"]),
    "a page and its sum": (_reseal, [f"{FIRST}/SHA256SUMS: was changed, or its line in {LEDGER} was"]),
    "a file removed": (_remove_page, [f"{FIRST}/run.html: is missing"]),
    "a file added": (lambda records: (records / FIRST / "note").touch(), [f"{FIRST}/note: was added"]),
    "a folder added": (lambda records: (records / FIRST / "more").mkdir(), [f"{FIRST}/more: was added"]),
    "a link named like Jupyter's checkpoints": (
        _link_checkpoints,
        [f"{FIRST}/.ipynb_checkpoints: was added: it is a link"],
    ),
    "a record removed": (
        lambda records: (records / FIRST).rename(records.parent / "gone"),
        [f"{FIRST}: is missing"],
    ),
    "a record added": (_add_folder, [f"20200101T000000Z-never-run: is not in {LEDGER}"]),
    "the ledger's words": (
        _retell,
        [
            f"{LEDGER}: line 2 ({SECOND}): does not follow from the line before",
            f"{FIRST}/record.json: differs from its line in {LEDGER}",
            f"{SECOND}/record.json: differs from its line in {LEDGER}",
        ],
    ),
    "the lines reordered": (
        _swap_lines,
        [
            f"{LEDGER}: line 1 ({SECOND}): was moved, it was written after line 2",
            f"{LEDGER}: line 2 ({FIRST}): was moved, it was written as the first",
        ],
    ),
    "a line removed": (
        lambda records: _drop_line(records, 0),
        [
            f"{LEDGER}: line 1 ({SECOND}): does not follow from the line before",
            f"{FIRST}: is not in {LEDGER}",
        ],
    ),
    "the last line removed": (
        lambda records: _drop_line(records, 1),
        [f"{SECOND}: is not in {LEDGER}"],
    ),
    "the ledger's end cut off": (
        lambda records: _cut(records / LEDGER),
        [f"{LEDGER}: its last line is truncated"],
    ),
    "a page cut off": (
        lambda records: _cut(records / FIRST / "run.html"),
        [f"{FIRST}/run.html: was changed"],
    ),
}  # fmt: skip


class TestVerifying:
    @pytest.mark.parametrize(("tamper", "broken"), TAMPERED.values(), ids=TAMPERED)
    def test_it_names_every_change(
        self, records: Path, tamper: Callable[[Path], object], broken: list[str]
    ) -> None:
        tamper(records)

        assert verify_records(records) == broken

    @pytest.mark.parametrize(
        "name", [LEDGER, f"{SECOND}/record.json", f"{SECOND}/run.html", f"{SECOND}/SHA256SUMS"]
    )
    def test_a_changed_byte_is_found_wherever_it_is(self, records: Path, name: str) -> None:
        path = records / name
        whole = path.read_bytes()
        unseen = []
        for at in (*range(0, len(whole), 5), len(whole) - 1):
            for change in (0x01, 0x80):
                path.write_bytes(whole[:at] + bytes([whole[at] ^ change]) + whole[at + 1 :])
                if not verify_records(records):
                    unseen.append((at, change))

        assert unseen == []

    def test_a_thousand_changed_bytes_of_a_record_are_all_caught_where_they_are(self, records: Path) -> None:
        # The last bundle: no later line of the ledger shows a change in its line.
        chance = random.Random(5)
        paths = [records / LEDGER, *sorted((records / SECOND).iterdir())]
        caught = 0
        for _ in range(1_000):
            path = chance.choice(paths)
            whole = path.read_bytes()
            at, change = chance.randrange(len(whole)), chance.randrange(1, 256)
            path.write_bytes(whole[:at] + bytes([whole[at] ^ change]) + whole[at + 1 :])
            caught += any(path.name in broken for broken in verify_records(records))
            path.write_bytes(whole)

        assert caught == 1_000
        assert verify_records(records) == []

    def test_what_jupyterlab_leaves_when_a_record_is_opened_in_it_changes_nothing(
        self, records: Path
    ) -> None:
        for folder in (records, records / FIRST):
            (folder / ".ipynb_checkpoints").mkdir()
            (folder / ".ipynb_checkpoints" / "run-checkpoint.html").touch()

        assert verify_records(records) == []
        assert broken_record(records, FIRST) == []

    def test_one_record_is_verified_without_the_others(self, records: Path) -> None:
        _swap_pages(records)

        assert broken_record(records, FIRST) == [f"{FIRST}/run.html: was changed"]
        assert broken_record(records, SECOND) == []

    def test_without_a_ledger_there_is_nothing_to_verify(self, tmp_path: Path) -> None:
        with pytest.raises(UnknownRecord, match="There is no ledger in"):
            verify_records(tmp_path)

    def test_a_line_of_another_kind_is_named_and_the_others_are_read(self, records: Path) -> None:
        with (records / LEDGER).open("a") as file:
            file.write("{}\n")
        lines, broken = read_whole_lines(records)

        assert [line["id"] for line in lines] == [FIRST, SECOND]
        assert broken == {3: "is not a ledger line"}


class TestEvidence:
    def test_events_come_back_in_their_order(self, tmp_path: Path) -> None:
        evidence = Evidence(tmp_path)
        evidence.add("parameters", {"name": "Zoë\u2028"})
        evidence.add("status", "planned")

        assert list(events(tmp_path)) == [
            {"kind": "parameters", "value": {"name": "Zoë\u2028"}},
            {"kind": "status", "value": "planned"},
        ]

    def test_a_secret_that_is_known_never_reaches_the_disk(self, tmp_path: Path) -> None:
        evidence = Evidence(tmp_path)
        evidence.secrets.add("hunter2-hunter2")
        evidence.add("error", {"hunter2-hunter2": ["It is hunter2-hunter2!"]})

        assert "hunter2-hunter2" not in (tmp_path / FILE).read_text()
        assert "secret:" in (tmp_path / FILE).read_text()

    def test_a_truncated_line_is_left_out(self, tmp_path: Path) -> None:
        Evidence(tmp_path).add("status", "planned")
        with (tmp_path / FILE).open("ab") as file:
            file.write(b'{"kind": "entry", "value": "\xc3')

        assert list(events(tmp_path)) == [{"kind": "status", "value": "planned"}]

    def test_a_folder_without_evidence_has_no_events(self, tmp_path: Path) -> None:
        assert list(events(tmp_path)) == []

    def test_nothing_is_added_to_a_run_that_has_ended(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput, match="This run has ended"):
            Evidence(tmp_path / "gone").add("status", "planned")

        assert os.listdir(tmp_path) == []
