"""The papermill command with our engine leaves a true notebook, whatever ended it."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import nbformat
import papermill
import psutil
import pytest
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from support.desk import notebook
from support.processes import INTERRUPTIBLE, wait_until
from xacct_nb.errors import InvalidInput
from xacct_nb.jupyter.output_file import OutputFile
from xacct_nb.jupyter.signals import finish_on_signals

KEY = "AKIAIOSFODNN7EXAMPLE"
PAPERMILL = str(Path(sys.executable).parent / "papermill")
SECRET, PASSWORD = "an external id of the tests", "correct horse battery"
SLEEPS = (
    "import os, time\nprint('begun', flush=True)\ntime.sleep(1)\n"  # until it has been heard
    "open('pid.new', 'w').write(str(os.getpid()))\nos.rename('pid.new', 'pid')\ntime.sleep(60)"
)


def execute(folder: Path, *cells: str, **options: Any) -> Path:
    """Return the file that papermill writes for these cells."""
    out = folder / "out.ipynb"
    papermill.execute_notebook(
        notebook(folder / "in.ipynb", *cells), out, engine_name="xacct-nb", progress_bar=False, **options
    )
    return out


def read(file: Path) -> Any:
    return nbformat.read(file, as_version=4)


def statuses(file: Path) -> list[str]:
    """Return papermill's status of each cell; the banners that it adds have none."""
    return [cell.metadata.papermill.status for cell in read(file).cells if "papermill" in cell.metadata]


def ending(file: Path) -> str:
    return str(read(file).metadata.xacct_nb.ending)


@pytest.mark.parametrize(
    ("source", "raised", "state", "ends"),
    [
        ("1 / 0", PapermillExecutionError, "failed", "failed"),
        ("import sys; sys.exit(3)", PapermillExecutionError, "failed", "failed"),
        ("input()", PapermillExecutionError, "failed", "failed"),
        ("import os; os.kill(os.getpid(), 9)", DeadKernelError, "aborted", "kernel-died"),
        ("import os; os._exit(0)", DeadKernelError, "aborted", "kernel-died"),
        ("import time; time.sleep(60)", CellTimeoutError, "timed-out", "timed-out"),
    ],
)
def test_a_cell_has_the_status_of_its_end_and_no_later_cell_is_completed(
    tmp_path: Path, source: str, raised: type[Exception], state: str, ends: str
) -> None:
    with pytest.raises(raised):
        execute(tmp_path, "1", source, "3", execution_timeout=1)
    file = tmp_path / "out.ipynb"
    stamps = read(file).metadata.papermill

    assert statuses(file) == ["completed", state, "not-run"]
    assert ending(file) == ends
    assert (stamps.exception, stamps.duration > 0, stamps.end_time > stamps.start_time) == (True, True, True)


def test_a_notebook_that_comes_to_its_end_is_completed(tmp_path: Path) -> None:
    file = execute(tmp_path, "1", "", "3")
    seconds = [cell.metadata.xacct_nb.seconds for cell in read(file).cells]

    assert statuses(file) == ["completed"] * 3
    assert (ending(file), read(file).metadata.papermill.exception) == ("completed", None)
    assert [type(each) for each in seconds] == [float] * 3
    assert (seconds[0] > 0, seconds[2] > 0) == (True, True)


def test_sys_exit_0_is_no_error_to_papermill_and_the_later_cells_did_not_run(tmp_path: Path) -> None:
    file = execute(tmp_path, "1", "import sys; sys.exit(0)", "3")

    assert statuses(file) == ["completed", "failed", "not-run"]
    assert read(file).metadata.xacct_nb.error == {"code": "SystemExit", "what": "0"}


def test_an_error_that_a_cell_is_tagged_to_raise_is_a_failure_as_for_papermill(tmp_path: Path) -> None:
    path = Path(notebook(tmp_path / "in.ipynb", "1 / 0", "2"))
    written = json.loads(path.read_text())
    written["cells"][0]["metadata"]["tags"] = ["raises-exception"]
    path.write_text(json.dumps(written))
    out = tmp_path / "out.ipynb"
    with pytest.raises(PapermillExecutionError):
        papermill.execute_notebook(path, out, engine_name="xacct-nb", progress_bar=False)

    assert statuses(out) == ["failed", "completed"]
    assert ending(out) == "failed"


CUT = {
    "SIGINT": (["completed", "aborted", "not-run"], "interrupted"),
    "SIGTERM": (["completed", "aborted", "not-run"], "interrupted"),
    # Nobody is left to say how it ended: the file names the cell that was in progress.
    "SIGKILL": (["completed", "running", "not-run"], "running"),
}
EXIT_CODES = {"SIGINT": 1, "SIGTERM": -15, "SIGKILL": -9}


@dataclass
class InterruptedPapermill:
    """A papermill in a folder of its own that a signal ended in its second cell."""

    folder: Path
    process: "subprocess.Popen[bytes]"

    def kernel(self) -> psutil.Process:
        return psutil.Process(int((self.folder / "pid").read_text()))

    def left(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, InterruptedPapermill]]:
    """Start one for each signal, all at the same time."""
    folder = tmp_path_factory.mktemp("interrupted")
    started = {name: InterruptedPapermill(folder / name, papermill_in(folder / name)) for name in CUT}
    try:
        for name, each in started.items():
            assert wait_until((each.folder / "pid").exists, 60)
            each.process.send_signal(signal.Signals[name])
            each.process.wait(120)
        yield started
    finally:
        for each in started.values():
            each.process.kill()
            each.process.wait()


def papermill_in(folder: Path) -> "subprocess.Popen[bytes]":
    folder.mkdir()
    path = notebook(folder / "in.ipynb", "1", SLEEPS, "3")
    command = [PAPERMILL, "--engine", "xacct-nb", path, "out.ipynb"]
    around = os.environ | {"TMPDIR": str(folder)}
    return subprocess.Popen([*INTERRUPTIBLE, *command], cwd=folder, stderr=subprocess.DEVNULL, env=around)


@pytest.mark.parametrize("name", CUT)
def test_a_papermill_that_a_signal_ends_leaves_a_true_file_and_no_kernel(
    interrupted: dict[str, InterruptedPapermill], name: str
) -> None:
    file = interrupted[name].folder / "out.ipynb"

    assert (statuses(file), ending(file)) == CUT[name]
    assert interrupted[name].process.returncode == EXIT_CODES[name]
    assert wait_until(lambda: not psutil.pid_exists(int((interrupted[name].folder / "pid").read_text())))


def test_a_papermill_that_a_signal_ends_leaves_what_its_cell_printed_and_no_other_files(
    interrupted: dict[str, InterruptedPapermill],
) -> None:
    ended = [each for name, each in interrupted.items() if name != "SIGKILL"]

    assert [read(each.folder / "out.ipynb").cells[1].outputs[0].text for each in ended] == ["begun\n"] * 2
    assert [each.left() for each in ended] == [{"in.ipynb", "out.ipynb", "pid"}] * 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_process_that_gets_a_signal_twice_finishes_and_ends_by_that_signal(number: int) -> None:
    words = (
        "from signal import raise_signal\nfrom xacct_nb.jupyter.signals import finish_on_signals\n"
        f"with finish_on_signals():\n    try:\n        raise_signal({number})\n"
        f"    except KeyboardInterrupt:\n        raise_signal({number})\n"
        "        print('finished', flush=True)\nprint('went on')"
    )
    ended = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=False)

    assert (ended.stdout, ended.returncode) == ("finished\n", -number)


def test_a_handler_that_the_process_has_already_stays() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with finish_on_signals():
            signal.raise_signal(signal.SIGTERM)
        kept = signal.getsignal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)

    assert kept is signal.SIG_IGN


def test_no_secret_is_in_the_file_in_the_log_or_in_what_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XACCT_EXTERNAL_ID", SECRET)
    monkeypatch.setenv("MY_PASSWORD", PASSWORD)
    copy = StringIO()
    shows = f"print({KEY!r}, {SECRET!r}, {PASSWORD!r}, flush=True)\n{SECRET!r}"
    caplog.set_level("INFO")
    with pytest.raises(CellTimeoutError) as raised:
        execute(
            tmp_path,
            shows,
            f"{SECRET!r}; import time; time.sleep(60)",
            execution_timeout=1,
            log_output=True,
            stdout_file=copy,
        )
    seen = (tmp_path / "out.ipynb").read_text() + copy.getvalue() + caplog.text + str(raised.value)

    assert statuses(tmp_path / "out.ipynb") == ["completed", "timed-out"]
    assert [line[:16] for line in caplog.messages if " Cell " in line] == [
        "Executing Cell 1",
        "Ending Cell 1---",
        "Executing Cell 2",
    ]
    assert "[redacted] secret:" in copy.getvalue()
    assert [secret for secret in (KEY, SECRET, PASSWORD) if secret in seen] == []


def test_papermills_own_last_write_and_error_hold_no_secret_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XACCT_EXTERNAL_ID", SECRET)
    with pytest.raises(PapermillExecutionError) as raised:
        execute(tmp_path, f"raise ValueError({SECRET!r}, {KEY!r})", "2")
    words = (tmp_path / "out.ipynb").read_text()

    assert "An Exception was encountered at" in words
    assert "ValueError" in str(raised.value)
    assert [secret for secret in (KEY, SECRET) if secret in words + str(raised.value)] == []


def test_an_external_id_among_the_parameters_reaches_the_kernel_and_no_file(tmp_path: Path) -> None:
    asked = "conditions: dict = {}  # who\nname: str = ''  # grant"
    parameters = {"conditions": {"external_id": SECRET}}
    file = execute(tmp_path, asked, "print(len(conditions['external_id']))", "1 / 1", parameters=parameters)

    assert read(file).cells[2].outputs[0].text == f"{len(SECRET)}\n"
    assert SECRET not in file.read_text()


def test_a_file_with_an_executed_notebook_is_refused_with_one_message(tmp_path: Path) -> None:
    file = execute(tmp_path, "1")
    before = file.read_bytes()
    command = [PAPERMILL, "--engine", "xacct-nb", "--no-progress-bar", str(tmp_path / "in.ipynb"), str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-3:] == [
        f"Error: invalid-input: {file} holds an executed notebook.",
        "It shows what was done, and is not overwritten.",
        "Name another output file, or move this one.",
    ]
    assert file.read_bytes() == before


def test_a_notebook_that_stock_papermill_executed_is_refused_too(tmp_path: Path) -> None:
    file = tmp_path / "out.ipynb"
    papermill.execute_notebook(notebook(tmp_path / "in.ipynb", "1"), file, progress_bar=False)

    with pytest.raises(InvalidInput):
        execute(tmp_path, "1")


def output_file(path: Path) -> OutputFile:
    return OutputFile(str(path), ())


def empty() -> Any:
    return nbformat.v4.new_notebook()


@pytest.mark.parametrize("words", ["", "{}", "no notebook", nbformat.writes(nbformat.v4.new_notebook())])
def test_a_file_that_holds_no_executed_notebook_is_not_refused(tmp_path: Path, words: str) -> None:
    file = tmp_path / "out.ipynb"
    file.write_text(words)
    output_file(file).refuse_executed()
    output_file(file).save(empty())

    assert read(file).cells == []


def test_a_reader_of_the_file_sees_the_old_notebook_whole_while_it_is_saved(tmp_path: Path) -> None:
    file = tmp_path / "out.ipynb"
    output_file(file).save(empty())
    with file.open() as opened:
        output_file(file).save(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]))

        assert nbformat.reads(opened.read(), 4).cells == []
        assert len(read(file).cells) == 1


def test_a_secret_that_is_learned_late_is_redacted_in_what_was_saved_before(tmp_path: Path) -> None:
    file, shown = tmp_path / "out.ipynb", nbformat.v4.new_notebook(cells=[nbformat.v4.new_raw_cell(SECRET)])
    late = output_file(file)
    late.save(shown)
    late.secrets.add(SECRET)
    late.save(shown)

    assert SECRET not in file.read_text()


def test_what_is_new_in_a_cell_that_was_saved_before_is_saved_and_redacted(tmp_path: Path) -> None:
    file, cell = tmp_path / "out.ipynb", nbformat.v4.new_code_cell("1")
    growing = OutputFile(str(file), {SECRET})
    growing.save(nbformat.v4.new_notebook(cells=[cell]))
    cell.outputs = [nbformat.v4.new_output("stream", text=f"more {SECRET}")]
    growing.save(nbformat.v4.new_notebook(cells=[cell]))

    assert read(file).cells[0].outputs[0].text.startswith("more secret:")


def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "out.ipynb"
    output_file(file).save(empty())
    with pytest.raises(UnicodeEncodeError):
        output_file(file).save(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("'\udcff'")]))

    assert read(file).cells == []
    assert list(tmp_path.iterdir()) == [file]


def test_a_saved_file_has_the_permissions_of_the_umask(tmp_path: Path) -> None:
    file = tmp_path / "out.ipynb"
    output_file(file).save(empty())
    (tmp_path / "plain").write_text("")

    assert file.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_folder_that_is_not_there_is_papermills_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"^output folder .* doesn't exist\.$"):
        output_file(tmp_path / "nowhere" / "out.ipynb").save(empty())


def test_a_link_and_a_pipe_stay_what_they_are(tmp_path: Path) -> None:
    link, pipe = tmp_path / "link.ipynb", tmp_path / "pipe.ipynb"
    link.symlink_to(tmp_path / "out.ipynb")
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    output_file(link).save(empty())
    output_file(pipe).save(empty())

    assert (link.is_symlink(), read(tmp_path / "out.ipynb").cells) == (True, [])
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert json.loads(os.read(reader, 10_000))["cells"] == []


def test_the_file_is_relative_to_papermills_folder_and_the_cells_run_in_cwd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    path = notebook(tmp_path / "in.ipynb", "import os; os.getcwd()")
    papermill.execute_notebook(path, "out.ipynb", engine_name="xacct-nb", progress_bar=False, cwd="elsewhere")

    assert read(tmp_path / "out.ipynb").cells[0].outputs[0].data["text/plain"] == repr(
        str(tmp_path / "elsewhere")
    )
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_thread_runs_notebooks_too_and_signals_are_as_they_were(tmp_path: Path) -> None:
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)]
    with ThreadPoolExecutor(1) as threads:
        file = threads.submit(execute, tmp_path, "1").result()

    assert ending(file) == "completed"
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)] == before
