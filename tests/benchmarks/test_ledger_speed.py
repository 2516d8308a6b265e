"""How long 10,000 records take to be listed and verified: `make bench`."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xacct_nb.records.history import History
from xacct_nb.records.model import Record
from xacct_nb.records.sealing import FIRST_PREVIOUS, broken_links, ledger_line, seal, text_hash
from xacct_nb.storage.chain import LEDGER, ledger_lines
from xacct_nb.storage.ledger import SUMS, read_ledger, verify_records

RECORDS, ROUNDS = 10_000, 3
SECOND = 1.0


def fill(folder: Path, count: int, size: int) -> Path:
    """Records as the ledger has them, each with a page of so many bytes; nothing waits for the disk."""
    folder.mkdir(exist_ok=True)
    lines, previous = list[str](), FIRST_PREVIOUS
    for number in range(count):
        record = Record(
            f"20261124T101500Z-reports-plan_and_apply-{number:05}", "mine", "succeeded", "", "", 1.0
        )
        files = {"record.json": _json(record), "run.html": b"x" * size}
        sums = seal(files)
        (folder / record.id).mkdir()
        for name, data in (*files.items(), (SUMS, sums.encode())):
            (folder / record.id / name).write_bytes(data)
        lines.append(ledger_line(record, sums, previous))
        previous = text_hash(lines[-1])
    (folder / LEDGER).write_text("\n".join([*lines, ""]))
    return folder


def _json(record: Record) -> bytes:

    return json.dumps(record.to_json()).encode()


def best(work: Callable[[], Any]) -> float:
    """The shortest of some rounds, in seconds of the processor: other work on the machine does not count."""
    taken = []
    for _ in range(ROUNDS):
        began = _used()
        work()
        taken.append(_used() - began)
    return min(taken)


def _used() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("many") / "records", RECORDS, 1_000)


def test_ten_thousand_records_are_listed_in_a_second(records: Path) -> None:
    command = [Path(sys.executable).parent / "xacct-nb", "records", "list", "--records", records]
    inside = best(lambda: str(History(read_ledger(records))))
    whole = best(lambda: subprocess.run(command, check=True, capture_output=True))
    print(f"\nlist of {RECORDS}: {inside:.2f} s, as a command {whole:.2f} s")

    assert inside < SECOND
    assert whole < SECOND


def test_the_chain_of_ten_thousand_records_is_verified_in_a_second(records: Path) -> None:
    taken = best(lambda: broken_links(ledger_lines(records)))
    print(f"\nchain of {RECORDS}: {taken:.2f} s")

    assert broken_links(ledger_lines(records)) == []
    assert taken < SECOND


def test_a_whole_verify_is_linear_in_the_bytes(tmp_path: Path) -> None:
    few = fill(tmp_path / "few", 100, 500_000)
    many = fill(tmp_path / "many", 400, 500_000)
    small, large = best(lambda: verify_records(few)), best(lambda: verify_records(many))
    print(f"\n100 records of 0.5 MB: {small:.3f} s, 400: {large:.3f} s ({large / small:.1f} times)")

    assert verify_records(many) == []
    assert large < 4 * small * 1.5
