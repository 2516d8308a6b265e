"""Each run has its own kernel, which a prepared process becomes, and which ends with the run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import papermill
import psutil
import pytest
from zmq import ZMQError

from support.desk import notebook
from support.processes import wait_until
from xacct_nb.jupyter import execute
from xacct_nb.jupyter.kernels import QuickClient
from xacct_nb.jupyter.prepared import PreparedKernel

WHO = "import os, pathlib\npathlib.Path('{}').write_text(str(os.getpid()))"


def kernels() -> set[int]:
    """Return the ids of the processes below this one."""
    return {child.pid for child in psutil.Process().children(recursive=True)}


def sockets(tmp_path: Path) -> list[Path]:
    return list(tmp_path.glob("xacct-nb-*"))


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder for temporary files of this process; a socket's path must be short."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    "source", ["1", "1 / 0", "import os; os.kill(os.getpid(), 9)", "import time; time.sleep(60)"]
)
def test_no_kernel_and_no_socket_outlives_its_run(temporary: Path, source: str) -> None:
    before = kernels()
    execute.run(Path(notebook(temporary / "mine.ipynb", source)), {}, timeout=1)

    assert kernels() == before
    assert sockets(temporary) == []


def test_a_temporary_folder_with_a_long_name_is_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("long" * 40)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with PreparedKernel(()) as kernel:
        executed = execute.run(Path(notebook(tmp_path / "mine.ipynb", "1")), {}, prepared=kernel)

    assert executed[1].status == ""
    assert list(long.iterdir()) == []


def test_a_client_whose_sockets_cannot_be_opened_leaves_nothing_that_keeps_the_process() -> None:
    client = QuickClient(transport="ipc", ip="/tmp/" + "long" * 40, shell_port=1, iopub_port=2)
    with pytest.raises(ZMQError, match="too long"):
        client.start_channels()
    with pytest.raises(ZMQError, match="too long"):
        client.stop_channels()

    assert client.context.closed


def test_what_a_cell_started_ends_with_a_kernel_that_dies(tmp_path: Path) -> None:
    starts = (
        "import os, pathlib, subprocess\nchild = subprocess.Popen(['sleep', '60'])\n"
        f"pathlib.Path('{tmp_path / 'pid'}').write_text(str(child.pid))\nos._exit(0)"
    )
    execute.run(Path(notebook(tmp_path / "mine.ipynb", starts)), {})

    assert wait_until(lambda: not runs(int((tmp_path / "pid").read_text())))


def runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_prepared_process_that_is_not_needed_ends() -> None:
    with PreparedKernel(()) as prepared:
        pid = prepared.process.pid

    assert not psutil.pid_exists(pid)


def test_a_prepared_process_becomes_the_kernel_and_its_environment_is_in_no_process_list(
    tmp_path: Path,
) -> None:
    path = notebook(tmp_path / "mine.ipynb", WHO.format(tmp_path / "pid"), "os.environ['HIDDEN']", "[][0]")
    with PreparedKernel(()) as prepared:
        prepared.environment = {"HIDDEN": "hunter2"}
        executed, states = execute.run(Path(path), {}, prepared=prepared)
        pid = prepared.process.pid

    assert (tmp_path / "pid").read_text() == str(pid)
    assert executed.cells[1].outputs[0]["data"]["text/plain"] == "'hunter2'"
    assert states.ending == "IndexError"


def test_a_kernel_ends_when_its_run_is_killed(tmp_path: Path) -> None:
    slow = notebook(tmp_path / "slow.ipynb", WHO.format(tmp_path / "pid"), "import time; time.sleep(60)")
    command = [Path(sys.executable).parent / "xacct-nb", "run", slow, "--records", tmp_path / "records"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    assert any("[3/3]" in line for line in process.stderr)
    kernel = psutil.Process(int((tmp_path / "pid").read_text()))
    process.kill()
    process.communicate()

    assert wait_until(lambda: not kernel.is_running() or kernel.status() == psutil.STATUS_ZOMBIE)


def test_two_runs_at_once_have_kernels_of_their_own(tmp_path: Path) -> None:
    paths = [notebook(tmp_path / f"{name}.ipynb", WHO.format(tmp_path / name)) for name in ("a", "b")]
    command = [Path(sys.executable).parent / "xacct-nb", "run"]
    around = ["--records", tmp_path / "records"]
    processes = [subprocess.Popen([*command, path, *around], stdout=subprocess.DEVNULL) for path in paths]

    assert [process.wait(300) for process in processes] == [0, 0]
    assert (tmp_path / "a").read_text() != (tmp_path / "b").read_text()


def test_papermill_takes_the_engine_by_its_name(tmp_path: Path) -> None:
    before = kernels()
    out = tmp_path / "out.ipynb"
    executed = papermill.execute_notebook(
        notebook(tmp_path / "mine.ipynb", 'name: str = "x"  # a name', "name"),
        out,
        {"name": "given"},
        engine_name="xacct-nb",
        progress_bar=False,
    )

    assert executed.cells[-1].outputs[0]["data"]["text/plain"] == "'given'"
    assert out.exists()
    assert kernels() == before


def test_the_title_of_a_step_is_the_heading_above_its_cell(tmp_path: Path) -> None:
    path = Path(notebook(tmp_path / "mine.ipynb", "1", "2"))
    written = json.loads(path.read_text())
    prose = {"cell_type": "markdown", "id": "prose", "metadata": {}, "source": "## The plan\n\nShows it."}
    written["cells"].insert(1, prose)
    path.write_text(json.dumps(written))
    told: list[tuple[int, int, str]] = []
    execute.run(path, {}, report=lambda *step: told.append(step))

    assert told == [(0, 2, ""), (1, 2, "The plan")]


def test_a_run_does_not_end_when_the_reader_of_its_output_ends(tmp_path: Path) -> None:
    path = notebook(tmp_path / "mine.ipynb", "1", "2")
    heard, told = os.pipe()
    os.close(heard)
    command = [Path(sys.executable).parent / "xacct-nb", "run", path, "--records", tmp_path / "records"]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=told, text=True, check=False)
    os.close(told)

    assert "succeeded in" in ended.stdout
    assert ended.returncode == 0


def test_the_file_saved_during_a_run_names_the_cell_in_progress(tmp_path: Path) -> None:
    saved: list[list[str]] = []
    execute.run(
        Path(notebook(tmp_path / "mine.ipynb", "1", "1 / 0", "3")),
        {},
        save=lambda now: saved.append([cell.metadata.xacct_nb.state for cell in now.cells]),
    )

    assert saved == [
        ["not-run", "not-run", "not-run"],
        ["running", "not-run", "not-run"],
        ["completed", "running", "not-run"],
        ["completed", "failed", "not-run"],
    ]


def test_no_module_in_the_current_folder_runs_in_the_place_of_an_installed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("xacct_nb", "boto3", "awscrt", "yaml", "signal", "ipykernel", "sitecustomize", "readline")
    for name in names:
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write('{name} ')")
    source = "import xacct_nb, boto3, botocore.compat, yaml, signal\nxacct_nb.Grant, boto3.Session, yaml.load"
    monkeypatch.chdir(tmp_path)
    with PreparedKernel(("xacct_nb.runs.startup:warm_up",)) as kernel:
        executed = execute.run(Path(notebook(tmp_path / "mine.ipynb", source)), {}, prepared=kernel)

    assert executed[1].status == ""
    assert not (tmp_path / "ran").exists()
