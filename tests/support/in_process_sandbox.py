"""The sandbox within the tests' process; `tests/test_in_process_sandbox.py` compares it with the server."""

import pytest

from xacct_nb.runs.in_process_sandbox import start_in_process
from xacct_nb.sandbox.in_process import ENDPOINT
from xacct_nb.sandbox.server.state import Sandbox

__all__ = ["ENDPOINT", "in_process_sandbox", "start"]

start = start_in_process


@pytest.fixture(scope="session")
def in_process_sandbox() -> Sandbox:
    """The sandbox of all files with the line `sandbox = in_process_sandbox`."""
    return start()
