"""Benchmarks measure what a user has: boto3's pauses, the run's own kernel, Python's garbage collection."""

import gc
import os
from collections.abc import Iterator

import pytest

gc.set_threshold(700, 10, 10)


@pytest.fixture(scope="session", autouse=True)
def short_pauses() -> None:
    """Leave boto3's own pauses."""


@pytest.fixture(scope="session", autouse=True)
def forked_kernels() -> None:
    """Leave each run its own kernel process."""


@pytest.fixture(autouse=True)
def load() -> Iterator[None]:
    """Print the load of the machine beside each figure: a busy machine measures something else."""
    yield
    print(f"  load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
