"""What the sandbox within a process costs, beside the server: `make bench`."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.boto3_clients import client
from xacct_nb.runs.in_process_sandbox import start_in_process
from xacct_nb.runs.sandboxes import add_accounts, throw_away_sandbox
from xacct_nb.sandbox.server.accounts import HUB, World
from xacct_nb.sandbox.server.state import Sandbox

CALLS, ROUNDS, WORLDS = 50, 5, 10
READY = "from xacct_nb.runs.in_process_sandbox import start_in_process; start_in_process()"
LOADED = "import pytest; import time; b = time.perf_counter(); import xacct_nb.workshop.testing.plugin; "


def test_an_assume_role_in_process_takes_at_most_15_ms(tmp_path: Path) -> None:
    here = start_in_process()
    with throw_away_sandbox() as served:
        milliseconds = {
            name: _assume_milliseconds(sandbox, tmp_path / name)
            for name, sandbox in (("in process", here), ("server", served))
        }
    print("".join(f"\nAssumeRole, {name}: {value:.1f} ms" for name, value in milliseconds.items()))

    assert milliseconds["in process"] <= 15


def test_it_is_ready_within_1_2_seconds() -> None:
    seconds = statistics.median(_seconds(lambda: _run(READY)) for _ in range(ROUNDS))
    print(f"\nan in-process sandbox, from the start of Python: {seconds:.2f} s")

    assert seconds <= 1.2


def test_a_world_is_made_within_300_ms(tmp_path: Path) -> None:
    sandbox = start_in_process()
    numbers = iter(range(600_000_000_000, 600_000_000_000 + 2 * WORLDS + 2))

    def world() -> World:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        return add_accounts(sandbox, str(next(numbers)), folder.name, folder)

    world()
    seconds = statistics.median(_seconds(world) for _ in range(WORLDS))
    print(f"\na world with two accounts: {seconds * 1000:.0f} ms")

    assert seconds <= 0.3


def test_the_plugin_is_loaded_within_10_ms() -> None:
    script = f"{LOADED} print(time.perf_counter() - b)"
    seconds = statistics.median(float(_run(script)) for _ in range(ROUNDS))
    print(f"\nthe pytest plugin, unused: {seconds * 1000:.1f} ms")

    assert seconds <= 0.01


def _assume_milliseconds(sandbox: Sandbox, folder: Path) -> float:
    folder.mkdir()
    world = add_accounts(sandbox, "777777777777", "888888888888", folder)
    sts = client(world, "sts", "source-admin")
    call = {"RoleArn": f"arn:aws:iam::{world.source}:role/{HUB}", "RoleSessionName": "benchmark"}
    sts.assume_role(**call)
    return 1000 * statistics.median(_seconds(lambda: sts.assume_role(**call)) for _ in range(CALLS))


def _seconds(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _run(script: str) -> str:
    command = [sys.executable, "-c", script]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
