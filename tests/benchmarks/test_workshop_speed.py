"""How long a participant of a class waits: a sheet opens, is reset, is checked by thirty: `make bench`."""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from support.classes import a_sheet, let_alice_in
from xacct_nb.runs.sandboxes import throw_away_sandbox
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.workshop.opened_sheet import OpenSheet

PARTICIPANTS, CHECKS = 30, 3
_TESTS = str(Path(__file__).parents[1])
# A participant's kernel, which waits for the others before it begins to check.
PARTICIPANT = """
import sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from support.classes import a_sheet
from xacct_nb.sandbox.server.state import recall
from xacct_nb.workshop.opened_sheet import OpenSheet
sheet = OpenSheet(a_sheet(), {name!r}, Path({folder!r}), recall(Path({sandbox!r})))
sheet.check("ask")  # the first one loads what checks need
print("ready", flush=True)
sys.stdin.readline()
for _ in range({checks}):
    began = time.perf_counter()
    assert sheet.check("ask").is_correct
    print(time.perf_counter() - began, flush=True)
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with throw_away_sandbox() as found:
        yield found


def test_a_reset_takes_at_most_a_second_with_thirty_worlds_in_the_sandbox(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    opening, sheets = [], []
    for number in range(PARTICIPANTS):
        began = time.perf_counter()
        sheets.append(OpenSheet(a_sheet(), f"r{number}", tmp_path / str(number), sandbox))
        opening.append(time.perf_counter() - began)
    resets = [_seconds_of_a_reset(each) for each in sheets]
    _print("opening a sheet for the first time", opening, 1.0)

    assert _print("reset of a sheet", resets, 1.0) <= 1.0


def test_a_check_with_thirty_kernels_at_once_takes_at_most_a_second_for_each(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    for number in range(PARTICIPANTS):
        let_alice_in(OpenSheet(a_sheet(), f"p{number}", tmp_path / str(number), sandbox))
    kernels = [_participant(sandbox, tmp_path, number) for number in range(PARTICIPANTS)]
    for each in kernels:
        assert each.stdout
        assert each.stdout.readline() == "ready\n"
    memory = [psutil.Process(each.pid).memory_full_info().uss / 1e6 for each in kernels]
    server = psutil.Process(sandbox.pid).memory_full_info().uss / 1e6
    print(f"\na participant: {statistics.median(memory):.0f} MB of its own; the sandbox: {server:.0f} MB")
    began = time.perf_counter()
    for each in kernels:
        assert each.stdin
        each.stdin.write("go\n")
        each.stdin.flush()
    times = [float(line) for each in kernels for line in each.communicate(timeout=120)[0].split()]
    seconds = (time.perf_counter() - began) / len(times)
    _print("a check, while all thirty check", times, 1.0)
    print(f"{len(times)} checks at once: one in {seconds:.3f} s")

    assert len(times) == PARTICIPANTS * CHECKS
    assert statistics.median(times) <= 1.0


def _participant(sandbox: Sandbox, folder: Path, number: int) -> subprocess.Popen[str]:
    code = PARTICIPANT.format(
        tests=_TESTS,
        name=f"p{number}",
        folder=str(folder / str(number)),
        sandbox=str(sandbox.folder),
        checks=CHECKS,
    )
    return subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _seconds_of_a_reset(sheet: OpenSheet) -> float:
    began = time.perf_counter()
    sheet.reset()
    return time.perf_counter() - began


def _print(name: str, times: list[float], most: float) -> float:
    worst = max(times)
    about = f"median of {len(times)}, worst {worst:.2f} s; at most {most} s"
    print(f"\n{name}: {statistics.median(times):.2f} s ({about})")
    return worst
