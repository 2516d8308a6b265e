"""Broken lines of a ledger: the others are read, they are named, and a repair sets them aside."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.killed_process import kill_before_file_call
from support.processes import in_a_fork
from xacct_nb.changes.approval import Approval, PlannedRun, UsedApproval
from xacct_nb.changes.journal import Entry, Journal
from xacct_nb.changes.plan import Change, Plan
from xacct_nb.records.broken_lines import broken_reasons
from xacct_nb.records.fields import Host
from xacct_nb.records.model import Record
from xacct_nb.records.repair_entry import parse_repair
from xacct_nb.records.sealing import parse_ledger_line
from xacct_nb.runs.ledger import verify_ledger
from xacct_nb.runs.repair import plan_repair_of, repair_records
from xacct_nb.storage.approval_history import plan_history
from xacct_nb.storage.chain import LEDGER
from xacct_nb.storage.ledger import append_record, read_ledger, read_whole_lines, verify_records
from xacct_nb.storage.signatures import sign

IDS = tuple(f"2026112{day}T101500Z-reports-mine-{day}{day}aa" for day in range(1, 6))
NO_LINE = "is not a ledger line"


def a_record(run: str) -> Record:
    started = f"{run[:4]}-{run[4:6]}-{run[6:8]}T10:15:00Z"
    return Record(run, "mine", "succeeded", started=started, ended=started, seconds=1.0)


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Five records."""
    for run in IDS:
        append_record(tmp_path / "records", a_record(run), {"run.html": b"<p>page</p>"})
    return tmp_path / "records"


def lines_of(records: Path) -> list[bytes]:
    return (records / LEDGER).read_bytes().splitlines()


def write_lines(records: Path, lines: list[bytes]) -> None:
    (records / LEDGER).write_bytes(b"".join(line + b"\n" for line in lines))


def with_line(records: Path, number: int, line: bytes) -> None:
    """Write this in place of a line."""
    lines = lines_of(records)
    write_lines(records, [*lines[: number - 1], line, *lines[number:]])


TORN: dict[str, Callable[[bytes], bytes]] = {
    "torn": lambda line: line[:120],
    "empty": lambda line: b"",
    "binary": lambda line: bytes(range(128, 256)) * 3,
    "nul": lambda line: b"\x00" * len(line),
    "half": lambda line: line[90:],
    "a changed quote": lambda line: line.replace(b'"', b"'", 1),
    "deep": lambda line: b"[" * 100_000,
    "NaN": lambda line: line[:-1] + b',"x":NaN}',
    "a field twice": lambda line: line[:-1] + b',"id":"x"}',
    "too long": lambda line: line[:-1] + b',"x":"' + b"x" * 200_000 + b'"}',
    "a list": lambda line: b"[]",
}


@pytest.mark.parametrize("number", [1, 3, 5])
@pytest.mark.parametrize("tear", TORN.values(), ids=TORN)
class TestOneBrokenLine:
    def test_the_others_are_listed_and_the_line_is_named(
        self, records: Path, number: int, tear: Callable[[bytes], bytes]
    ) -> None:
        with_line(records, number, tear(lines_of(records)[number - 1]))
        lines, broken = read_whole_lines(records)

        assert [line["id"] for line in lines] == [each for each in IDS if each != IDS[number - 1]]
        assert broken == {number: NO_LINE}
        assert f"{LEDGER}: line {number}: {NO_LINE}" in verify_records(records)

    def test_a_repair_puts_it_back_where_the_chain_proves_it_else_lists_the_record_again(
        self, records: Path, number: int, tear: Callable[[bytes], bytes]
    ) -> None:
        whole = lines_of(records)
        torn = tear(whole[number - 1])
        with_line(records, number, torn)
        planned, done = plan_repair_of(records), repair_records(records)
        entry = done.ledger.entry
        *rest, last = lines_of(records)

        assert (planned.ledger.entry.lines, planned.done) == (entry.lines, False)
        assert {line["id"] for line in read_ledger(records)} == set(IDS)
        assert verify_records(records) == []
        assert (records / entry.file).read_bytes() == torn + b"\n"
        if number < 5 or entry.restored:
            assert (entry.restored, entry.again) == ((IDS[number - 1],), ())
            assert rest == whole
            assert parse_repair(last.decode())
        else:
            assert (entry.restored, entry.again) == ((), (IDS[number - 1],))
            assert rest[:-1] == whole[:-1]
        assert plan_repair_of(records).changes_nothing


class TestWhatIsSetAside:
    def test_a_repair_says_what_it_did_for_ever_and_the_ledger_goes_on(self, records: Path) -> None:
        with_line(records, 2, b"garbage")
        shutil.rmtree(records / IDS[1])
        repair_records(records)
        append_record(records, a_record("20261129T101500Z-later"), {})
        found = verify_ledger(records)

        assert found.broken == ()
        assert found.count == 5
        (note,) = found.notes
        assert note.startswith("A repair at 20")
        assert f" set aside: line 2 {NO_LINE} (see ledger.broken-" in note

    def test_a_line_on_which_others_were_written_is_bridged_and_its_record_listed_again(
        self, records: Path
    ) -> None:
        with (records / LEDGER).open("ab") as file:
            file.truncate(file.tell() - 60)
        append_record(records, a_record("20261129T101500Z-later"), {})
        before = [line["id"] for line in read_ledger(records)]
        entry = repair_records(records).ledger.entry

        assert before == [*IDS[:4], "20261129T101500Z-later"]
        assert (entry.restored, entry.again) == ((), (IDS[4],))
        assert [line["id"] for line in read_ledger(records)] == [*IDS, "20261129T101500Z-later"]
        assert verify_records(records) == []

    def test_several_broken_lines_are_set_aside_at_once(self, records: Path) -> None:
        lines = lines_of(records)
        write_lines(records, [b"", lines[0], b"x", b"y", lines[2], lines[3], b"\xff" + lines[4], b""])
        entry = repair_records(records).ledger.entry

        assert [each.line for each in entry.lines] == [1, 3, 4, 7, 8]
        assert set(entry.restored) | set(entry.again) == {IDS[1], IDS[4]}
        assert verify_records(records) == []

    def test_a_copy_and_a_line_of_another_ledger_are_set_aside(self, records: Path, tmp_path: Path) -> None:
        append_record(tmp_path / "other", a_record("20261101T101500Z-other"), {})
        lines, foreign = lines_of(records), lines_of(tmp_path / "other")[0]
        write_lines(records, [*lines[:2], foreign, lines[1], *lines[2:], lines[4]])
        reasons = broken_reasons([line.decode() for line in lines_of(records)])
        repair_records(records)

        assert list(reasons) == [3, 4, 8]
        assert reasons[8] == "is a copy of line 7"
        assert reasons[3] == "was put in between: line 5 follows the line before it"
        assert lines_of(records)[:-1] == lines
        assert verify_records(records) == []

    def test_the_line_break_of_the_last_line_is_put_back(self, records: Path) -> None:
        whole = (records / LEDGER).read_bytes()
        (records / LEDGER).write_bytes(whole[:-1])
        repair_records(records)

        assert (records / LEDGER).read_bytes() == whole

    def test_a_repair_twice_changes_nothing_more(self, records: Path) -> None:
        with_line(records, 2, b"garbage")
        repair_records(records)
        once = {path: path.read_bytes() for path in records.rglob("*") if path.is_file()}
        again = repair_records(records)

        assert again.changes_nothing
        assert {path: path.read_bytes() for path in records.rglob("*") if path.is_file()} == once

    def test_what_was_set_aside_and_changed_later_is_found(self, records: Path) -> None:
        with_line(records, 2, b"garbage")
        file = repair_records(records).ledger.entry.file
        (records / file).write_bytes(b"other")
        changed = verify_records(records)
        (records / file).unlink()

        assert (changed, verify_records(records)) == ([f"{file}: was changed"], [f"{file}: is missing"])


class TestWhatARepairDoesNotHide:
    def test_a_removed_line_stays_removed(self, records: Path) -> None:
        lines = lines_of(records)
        write_lines(records, [*lines[:1], *lines[2:]])
        before, repair = verify_records(records), repair_records(records)

        assert repair.changes_nothing
        assert verify_records(records) == before != []

    def test_a_changed_line_stays_changed(self, records: Path) -> None:
        with_line(records, 2, lines_of(records)[1].replace(b"succeeded", b"failed"))
        before, repair = verify_records(records), repair_records(records)

        assert repair.changes_nothing
        assert verify_records(records) == before != []

    def test_a_record_that_does_not_match_its_seal_is_not_listed_again(self, records: Path) -> None:
        with_line(records, 3, b"garbage")
        (records / IDS[2] / "run.html").write_bytes(b"other")
        entry = repair_records(records).ledger.entry

        assert (entry.restored, entry.again) == ((), ())
        assert verify_records(records) == [f"{IDS[2]}: is not in {LEDGER}"]

    def test_a_folder_that_somebody_added_is_not_listed(self, records: Path, tmp_path: Path) -> None:
        forged = "20261101T101500Z-forged"
        append_record(tmp_path / "other", a_record(forged), {})
        shutil.copytree(tmp_path / "other" / forged, records / forged)
        with_line(records, 3, lines_of(records)[2][:200])
        repair_records(records)

        assert verify_records(records) == [f"{forged}: is not in {LEDGER}"]

    def test_what_stood_before_the_gap_is_not_covered_by_an_older_signature(
        self, records: Path, tmp_path: Path
    ) -> None:
        if not shutil.which("ssh-keygen"):
            pytest.skip("ssh-keygen is missing: apt install openssh-client")
        key = tmp_path / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        sign(records, key)
        with_line(records, 2, b"garbage")
        shutil.rmtree(records / IDS[1])
        repair_records(records)
        older = verify_ledger(records).signed
        sign(records, key)
        newer = verify_ledger(records).signed

        assert older[0].startswith(f"Lines 2 to 4 of 5 ({IDS[4]}): signed")
        assert any(each.startswith("Lines 1 to 5 of 5 (repair-") for each in newer)
        assert verify_ledger(records).broken == ()

    def test_a_hash_that_was_noted_before_is_still_found(self, records: Path) -> None:
        noted = verify_ledger(records).last
        with_line(records, 2, b"garbage")
        repair_records(records)

        assert verify_ledger(records, expected=noted).broken == ()


def repair_killed_at(records: Path, number: int) -> None:
    """Repair; this process is killed before the call to the system of that number."""
    kill_before_file_call(number)
    repair_records(records)


def test_a_repair_that_is_killed_anywhere_is_finished_or_undone(records: Path) -> None:
    with_line(records, 3, b"garbage")
    torn, folder, killed, number = (records / LEDGER).read_bytes(), records.parent / "copy", True, 0
    while killed:
        number += 1
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(records, folder)
        killed = in_a_fork(lambda number=number: repair_killed_at(folder, number))  # type: ignore[misc]
        undone = (folder / LEDGER).read_bytes() == torn
        finished = not broken_reasons([line.decode() for line in lines_of(folder)])
        repair_records(folder)

        assert undone or finished
        assert {line["id"] for line in read_ledger(folder)} == set(IDS)
        assert verify_records(folder) == []
        assert len(list(folder.glob("ledger.broken-*"))) == 1

    assert number > 5


PLAN = Plan("reports", (Change("tags", "arn:aws:iam::222222222222:role/r", "", {"a": "1"}, {"a": "2"}),))


def a_use(run: str) -> Record:
    entry = Entry(
        "2026-11-25T10:15:00Z", "222222222222", "TagRole", "arn:aws:iam::222222222222:role/r", "made"
    )
    fields = {"plan": PLAN, "approval": Approval(PLAN.digest, "ada", ""), "where": "AWS (aws)"}
    return Record(
        run, "mine", "succeeded", "2026-11-25T10:15:00Z", "2026-11-25T10:15:01Z", 1.0,
        journal=Journal("reports", PLAN.changes, (entry,)), **fields,  # type: ignore[arg-type]
    )  # fmt: skip


class TestSeveralLines:
    @pytest.mark.parametrize("first", [1, 2, 3, 4])
    def test_two_lines_that_were_swapped_are_put_in_order(self, records: Path, first: int) -> None:
        lines = lines_of(records)
        lines[first - 1], lines[first] = lines[first], lines[first - 1]
        write_lines(records, lines)
        repair_records(records)

        assert {line["id"] for line in read_ledger(records)} == set(IDS)
        assert verify_records(records) == []

    def test_two_records_in_one_torn_line_are_both_put_back(self, records: Path) -> None:
        first, second, third, *others = lines_of(records)
        write_lines(records, [first, second[:100] + third, *others])
        repair_records(records)

        assert lines_of(records)[:5] == [first, second, third, *others]
        assert verify_records(records) == []

    @pytest.mark.parametrize("change", [(b"mine", b"mind"), (b"\n", b"\r\n")], ids=["a letter", "CRLF"])
    def test_what_a_repair_cannot_mend_is_said(self, records: Path, change: tuple[bytes, bytes]) -> None:
        content = (records / LEDGER).read_bytes()
        (records / LEDGER).write_bytes(content.replace(*change, 1))
        said = str(repair_records(records).ledger)

        assert verify_records(records) != []
        assert "Not mended: line" in said
        assert "is whole" not in said


class TestApprovals:
    @pytest.fixture
    def planned(self, records: Path) -> Path:
        """The five records, and one more with a plan."""
        host = Host(user="ada")
        append_record(
            records,
            Record(
                "20261125T101400Z-plan",
                "mine",
                "planned",
                "2026-11-25T10:14:00Z",
                "",
                1.0,
                host,
                "AWS (aws)",
                plan=PLAN,
            ),
            {},
        )
        return records

    def test_a_plan_in_a_whole_line_can_be_approved_beside_a_broken_one(self, planned: Path) -> None:
        with_line(planned, 2, b"garbage")
        (event,) = plan_history(planned, PLAN.digest, "AWS (aws)")

        assert isinstance(event, PlannedRun)
        assert event.record == "20261125T101400Z-plan"

    def test_a_plan_whose_line_is_broken_cannot(self, planned: Path) -> None:
        with_line(planned, 6, lines_of(planned)[5][:300])

        assert list(plan_history(planned, PLAN.digest, "AWS (aws)")) == []

    def test_a_use_whose_line_is_broken_is_still_a_use(self, planned: Path) -> None:
        append_record(planned, a_use("20261125T101500Z-use"), {})
        with_line(planned, 7, lines_of(planned)[6][:300])
        first, second = plan_history(planned, PLAN.digest, "AWS (aws)")

        assert first == UsedApproval("20261125T101500Z-use", "2026-11-25T10:15:01Z")
        assert isinstance(second, PlannedRun)


@given(
    st.lists(st.sampled_from(["keep", "tear", "drop", "twice", "garbage"]), min_size=5, max_size=5), st.data()
)
def test_whatever_happened_to_the_lines_a_repair_leaves_nothing_unreadable(
    tmp_path_factory: pytest.TempPathFactory, deeds: list[str], data: st.DataObject
) -> None:
    records = tmp_path_factory.mktemp("any") / "records"
    for run in IDS:
        append_record(records, a_record(run), {})
    left, kept = list[bytes](), set[str]()
    for run, line, deed in zip(IDS, lines_of(records), deeds, strict=True):
        torn = line[: data.draw(st.integers(0, len(line) - 1))]
        made = {
            "keep": [line],
            "tear": [torn],
            "drop": [],
            "twice": [line, line],
            "garbage": [line, b"\xfe\x00"],
        }
        left += made[deed]
        kept |= {run} if line in made[deed] else set()
    write_lines(records, left)
    entry = repair_records(records).ledger.entry
    text = (records / LEDGER).read_text()

    assert all(parse_ledger_line(line) or parse_repair(line) for line in text.split("\n")[:-1])
    assert {line["id"] for line in read_ledger(records)} >= kept
    assert not read_whole_lines(records).broken
    if entry.lines:
        content = (records / entry.file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry.sha256
        assert json.loads(text.split("\n")[-2 - len(entry.again)])["repair"] == entry.to_json()
