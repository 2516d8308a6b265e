"""The kernel of a run starts and ends without fixed waits, uses local sockets, and prints nothing itself."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty
from typing import Any, TypeVar

import psutil
import pytest
from jupyter_client.asynchronous.client import AsyncKernelClient

from support.desk import notebook
from xacct_nb.jupyter import execute
from xacct_nb.jupyter.kernels import QuickClient, QuickManager
from xacct_nb.jupyter.prepared import PreparedKernel

XACCT = str(Path(sys.executable).with_name("xacct-nb"))
# The seconds between two looks of jupyter_client at a process that is to end.
LOOK = 0.1
Result = TypeVar("Result")


@asynccontextmanager
async def started_kernel() -> AsyncIterator[QuickManager]:
    manager = QuickManager()
    await manager.start_kernel()
    try:
        yield manager
    finally:
        await manager.shutdown_kernel(now=True)


def run_alone(work: Coroutine[Any, Any, Result]) -> Result:
    """Run it in a new loop in a new thread: the browser tests leave a running loop in this thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def silences(manager: QuickManager, kind: type[AsyncKernelClient], times: int) -> int:
    """Return how many silences a client of this kind waits for, at best, until a running kernel is ready."""
    manager.client_factory, counts = kind, []
    for _ in range(times):
        client, silent = manager.client(), list[Empty]()
        client.start_channels(hb=False)  # the kernel's process is looked at instead
        channel = client.iopub_channel
        channel.get_msg = partial(_heard, channel.get_msg, silent)
        await client.wait_for_ready(timeout=60)
        counts.append(len(silent))
        client.stop_channels()
    return min(counts)


async def _heard(get: Callable[..., Awaitable[Any]], silent: list[Empty], *about: Any, **limit: Any) -> Any:
    try:
        return await get(*about, **limit)
    except Empty as silence:
        silent.append(silence)
        raise


def test_a_kernel_is_ready_when_it_replies_without_a_silence_after_it() -> None:
    async def count() -> tuple[int, int]:
        async with started_kernel() as manager:
            return await silences(manager, QuickClient, 5), await silences(manager, AsyncKernelClient, 1)

    quick, stock = run_alone(count())

    assert quick == 0
    assert stock > 0


def test_a_process_that_should_end_is_polled_often(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float, *result: Any) -> Any:
        slept.append(seconds)
        return await sleep(seconds, *result)

    async def end() -> None:
        async with started_kernel() as manager:
            await silences(manager, QuickClient, 1)
            monkeypatch.setattr(asyncio, "sleep", noted)

    run_alone(end())

    assert max(slept, default=0) < LOOK / 5


def test_a_kernel_that_ignores_sigterm_does_not_delay_the_run(tmp_path: Path) -> None:
    clings = (
        "import atexit, pathlib, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"atexit.register(pathlib.Path({str(tmp_path / 'ended')!r}).touch)\natexit.register(time.sleep, 60)"
    )
    path = Path(notebook(tmp_path / "mine.ipynb", clings, "1"))
    _, states = execute.run(path, {}, save=lambda _: None)

    assert states.ending == ""
    assert not (tmp_path / "ended").exists()


@dataclass(frozen=True)
class Noisy:
    """The output of a run whose cells print in every way, and the notebook in its record."""

    out: str
    err: str
    cells: list[dict[str, Any]]

    @property
    def left_behind(self) -> int:
        """The process that the last cell left behind."""
        return int(self.cells[-1]["outputs"][-1]["data"]["text/plain"][0])

    def printed(self, name: str) -> str:
        outputs = [each for cell in self.cells for each in cell["outputs"] if each.get("name") == name]
        return "".join(line for each in outputs for line in each["text"])


NOISE = (
    "import logging, os, subprocess, sys, warnings\nprint('printed')\nprint('complained', file=sys.stderr)",
    "warnings.warn('beware')\nlogging.getLogger('any').error('logged')",
    "os.system('echo from a process; echo angry process >&2')",
    "os.write(1, bytes(range(256)) + b'past the kernel')\nos.write(2, b'beside it')",
    "import psutil\nboth = [psutil.Process(), psutil.Process().parent()]\n"
    "[each.laddr for process in both for each in process.net_connections()]",
    "from multiprocessing import get_context\n"
    "fork = get_context('fork').Process(target=print, args=('from a fork',))\nfork.start(); fork.join()",
    # It keeps everything open that a fork inherits, and nobody ends it with the kernel.
    "if not (pid := os.fork()):\n    os.setsid()\n    __import__('time').sleep(3600)\n    os._exit(0)\npid",
)


@pytest.fixture(scope="module")
def outside_pytest() -> Iterator[None]:
    """Hide pytest from ipykernel, which does not redirect the streams within a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTEST_CURRENT_TEST")
        yield


@pytest.fixture(scope="module")
def noisy(outside_pytest: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Noisy]:
    """Run `xacct-nb run` as a pipeline does, which reads its standard error to the end."""
    folder = tmp_path_factory.mktemp("noisy")
    path = notebook(folder / "noisy.ipynb", *NOISE)
    command = [XACCT, "run", path, "--records", str(folder / "records")]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    (file,) = (folder / "records").glob("*/run.ipynb")
    found = Noisy(ended.stdout, ended.stderr, json.loads(file.read_text())["cells"])
    yield found
    with suppress(ProcessLookupError):
        os.kill(found.left_behind, signal.SIGKILL)


def test_standard_error_has_the_steps_of_a_run_and_nothing_else(noisy: Noisy) -> None:
    assert re.sub(r"^\[\d/8\].*\n", "", noisy.err, flags=re.MULTILINE) == ""


def test_what_cells_and_their_processes_print_is_in_the_notebook(noisy: Noisy) -> None:
    out, err = noisy.printed("stdout"), noisy.printed("stderr")

    assert [
        words for words in ("printed", "from a process", "past the kernel", "from a fork") if words not in out
    ] == []
    assert [
        words for words in ("complained", "beware", "angry process", "beside it") if words not in err
    ] == []


def test_neither_a_run_nor_its_kernel_has_an_internet_socket(noisy: Noisy) -> None:
    assert noisy.cells[5]["outputs"][0]["data"]["text/plain"] == ["[]"]


def test_a_process_that_a_cell_leaves_behind_does_not_keep_the_run_s_output_open(
    noisy: Noisy,
) -> None:
    assert psutil.pid_exists(noisy.left_behind)


DIES = {"exits": "import os; os._exit(0)", "crashes": "import ctypes; ctypes.string_at(0)"}


@pytest.mark.parametrize("source", DIES.values(), ids=DIES)
def test_a_kernel_that_dies_prints_nothing(
    outside_pytest: None, tmp_path: Path, capfd: pytest.CaptureFixture[str], source: str
) -> None:
    with PreparedKernel(()) as prepared:
        _, states = execute.run(Path(notebook(tmp_path / "mine.ipynb", source, "2")), {}, prepared=prepared)

    assert capfd.readouterr() == ("", "")
    assert [each["state"] for each in states.to_json()] == ["aborted", "not-run"]
    assert states.ending == "KernelDied"


def test_a_hundred_thousand_lines_are_all_there(tmp_path: Path) -> None:
    path = Path(notebook(tmp_path / "mine.ipynb", "for i in range(100_000): print(i)", "2"))
    executed, states = execute.run(path, {})
    printed = "".join(each.text for each in executed.cells[0].outputs)

    assert printed.splitlines() == [str(number) for number in range(100_000)]
    assert [each["state"] for each in states.to_json()] == ["completed", "completed"]


def test_binary_data_is_in_the_notebook_as_text(tmp_path: Path) -> None:
    shown = "display({'image/png': b'\\x89PNG\\xff', 'application/octet-stream': bytes([0, 255])}, raw=True)"
    executed, _ = execute.run(Path(notebook(tmp_path / "mine.ipynb", shown, "'\\udcff'")), {})
    (output,) = executed.cells[0].outputs

    assert output.data == {"image/png": "iVBOR/8=", "application/octet-stream": "AP8="}
    assert executed.cells[1].outputs[0].data["text/plain"] == "'\\udcff'"
