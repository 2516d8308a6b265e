"""What each trick at the start of a recorded run saves, by wall and processor time: `make bench`.

5 rounds take some three minutes on a quiet machine; XACCT_BENCH_ROUNDS sets another number.

A line says `with / without` as the median of that ratio over rounds in which each trick is left out once.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support import startup_tricks
from support.startup_tricks import TRICKS

ROUNDS = int(os.environ.get("XACCT_BENCH_ROUNDS", "5"))
XACCT = Path(sys.executable).with_name("xacct-nb")


@dataclass(frozen=True)
class Cost:
    """The seconds that one run took: by the clock, and of the processor in all its processes."""

    wall: float
    processor: float


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A standing sandbox of the benchmark's own."""
    folder = tmp_path_factory.mktemp("tricks")
    # Installed programs have their bytecode; this one is to write its own if it runs from a checkout.
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    variables = usual | {"XACCT_SANDBOX_DIR": str(folder / "sandbox")}
    subprocess.run([XACCT, "sandbox", "up"], env=variables, check=True, capture_output=True)
    yield variables
    subprocess.run([XACCT, "sandbox", "down"], env=variables, check=True, capture_output=True)


def test_what_each_trick_saves(environment: dict[str, str], tmp_path: Path) -> None:
    names = [each.__name__ for each in TRICKS]
    digest = planned(environment, tmp_path / "planned")
    costs: dict[str, list[Cost]] = {name: [] for name in ("none", *names)}
    for number in range(ROUNDS):
        turn = number % len(names)
        for name in ("none", *names[turn:], *names[:turn]):
            costs[name].append(recorded_run(name, digest, environment, tmp_path / f"{name}-{number}"))

    print(f"\n{ROUNDS} rounds, load {os.getloadavg()[0]:.1f}")
    for name in ("none", *names):
        print(line_of(name, costs["none"], costs[name]))


def planned(environment: dict[str, str], records: Path) -> str:
    """Return the digest of the plan, which is the same for every new sandbox."""
    command = [XACCT, "run", "plan_and_apply", "--records", records, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return str(json.loads(done.stdout)["digest"])


def recorded_run(trick: str, digest: str, environment: dict[str, str], records: Path) -> Cost:
    """Return the cost of one run, without this trick, from the approved plan to the sealed record."""
    subprocess.run([XACCT, "sandbox", "reset"], env=environment, check=True, capture_output=True)
    words = ["run", "plan_and_apply", "--approve", digest, "--records", str(records), "--json"]
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, startup_tricks.__file__, trick, *words],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    assert status == 0, trick
    return Cost(wall, usage.ru_utime + usage.ru_stime)


def line_of(name: str, with_it: list[Cost], without: list[Cost]) -> str:
    """Return the trick's ratios, and the median seconds of a run without it."""
    ratios = {
        kind: statistics.median(
            getattr(one, kind) / getattr(other, kind) for one, other in zip(with_it, without, strict=True)
        )
        for kind in ("wall", "processor")
    }
    seconds = {kind: statistics.median(getattr(each, kind) for each in without) for kind in ratios}
    figures = "  ".join(f"{kind} {ratios[kind]:.3f} ({seconds[kind]:.3f} s)" for kind in ratios)
    return f"{name:24} with / without: {figures}"
