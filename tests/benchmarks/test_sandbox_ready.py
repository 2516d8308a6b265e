"""How long the sandbox takes until it can be used: `make bench`."""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from xacct_nb.sandbox.server import server

XACCT = Path(sys.executable).with_name("xacct-nb")
ROUNDS = 7


def test_the_command_gives_a_furnished_sandbox_within_1_1_seconds(tmp_path: Path) -> None:
    times = [_command_seconds(tmp_path / str(number)) for number in range(ROUNDS)]
    seconds = _median("xacct-nb sandbox up, to its exit: two furnished accounts", times)

    assert seconds <= 1.1


def test_the_server_answers_within_1_1_seconds(tmp_path: Path) -> None:
    times = [_server_seconds(tmp_path / str(number)) for number in range(ROUNDS)]
    seconds = _median("server.up: an empty sandbox that answers", times)

    assert seconds <= 1.1


def _command_seconds(folder: Path) -> float:
    environment = os.environ | {"XACCT_SANDBOX_DIR": str(folder)}
    began = time.perf_counter()
    subprocess.run([XACCT, "sandbox", "up"], env=environment, check=True, capture_output=True)
    seconds = time.perf_counter() - began
    subprocess.run([XACCT, "sandbox", "down"], env=environment, check=True, capture_output=True)
    return seconds


def _server_seconds(folder: Path) -> float:
    began = time.perf_counter()
    server.up(folder)
    seconds = time.perf_counter() - began
    server.down(folder)
    return seconds


def _median(name: str, times: list[float]) -> float:
    median = statistics.median(times)
    print(f"\n{name}: {median:.2f} s (median of {len(times)}, worst {max(times):.2f} s; at most 1.1 s)")
    return median
