"""A sheet in processes of its own: real kernels, and programs that are killed."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

_TESTS = str(Path(__file__).parents[1])
OPEN = f"""
import sys
sys.path.insert(0, {_TESTS!r})
from pathlib import Path
from support.classes import a_sheet, let_alice_in
from xacct_nb.runs.sandboxes import open_sandbox
from xacct_nb.workshop.opened_sheet import OpenSheet
folder = Path({{folder!r}})
sheet = OpenSheet(a_sheet(), "ann", folder / "ann" / "doors", open_sandbox(folder / "sandbox"))
"""


def opening(folder: Path) -> str:
    """Return the code that opens the sheet `doors` of ann, with the sandbox of a folder."""
    return OPEN.format(folder=str(folder))


@contextmanager
def a_kernel() -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """A kernel as Jupyter starts one, ended at the end of the block if it still runs."""
    manager = KernelManager()
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run_in(client: BlockingKernelClient, code: str) -> str:
    """Run a cell, and return what it prints. Fails with the cell's error."""
    printed = list[str]()
    reply = client.execute_interactive(
        code, timeout=60, output_hook=lambda message: printed.append(message["content"].get("text", ""))
    )
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(printed).strip()


def started(code: str) -> subprocess.Popen[str]:
    """Start a program of Python with its output in a pipe."""
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
