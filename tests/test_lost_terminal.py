"""Whatever becomes of its terminal or its streams, a run is sealed, and its exit code is its status."""

import json
import os
import pty
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.desk import notebook
from support.processes import INTERRUPTIBLE, wait_until
from xacct_nb.storage.ledger import read_ledger, verify_records

COMMAND = str(Path(sys.executable).parent / "xacct-nb")
ODD = "the words \u00e9 \u6f22\u5b57 \U0001f600"
LATIN = {"PYTHONIOENCODING": "latin-1", "LC_ALL": "C"}
NARROW = {"COLUMNS": "0", "LINES": "0", "TERM": "dumb", "NO_COLOR": "1"}


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A notebook whose run succeeds, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return notebook(tmp_path / "mine.ipynb", "print('first')", f"print({ODD!r})")


def shell(line: str, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a line of bash, in which "$@" is the command; the exit code is that of the command."""
    done = ["bash", "-c", f'{line}; exit "${{PIPESTATUS[0]}}"', "bash", COMMAND, *words]
    return subprocess.run(
        done,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        errors="backslashreplace",
        timeout=120,
        check=False,
    )


def statuses() -> list[str]:
    return [line["status"] for line in read_ledger(Path("records"))]


QUICK = ("a reader that leaves after a line", "closed streams")
REDIRECTIONS = {
    "a reader that leaves at once": '"$@" | true',
    "a reader that leaves after a line": '"$@" 2>&1 | head -1 >&2',
    "a full disk": '"$@" > /dev/full',
    "a full disk for both": '"$@" > /dev/full 2>&1',
    "closed streams": '"$@" <&- >&- 2>&-',
    "no standard input": '"$@" <&-',
    "no standard error": '"$@" 2>&-',
}


class TestStreams:
    @pytest.mark.parametrize(
        "line",
        [
            pytest.param(line, id=name, marks=() if name in QUICK else pytest.mark.exhaustive)
            for name, line in REDIRECTIONS.items()
        ],
    )
    def test_a_run_is_sealed_and_its_exit_code_is_its_status(self, mine: str, line: str) -> None:
        failing = notebook(Path("failing.ipynb"), "1 / 0")
        ended = shell(line, "run", failing, "--json")

        assert ended.returncode == 1
        assert statuses() == ["failed"]
        assert verify_records(Path("records")) == []
        assert "Traceback" not in ended.stderr
        assert "Exception ignored" not in ended.stderr

    def test_a_listing_that_is_lost_is_told(self, mine: str) -> None:
        shell('"$@"', "run", mine)
        lost = shell('"$@" > /dev/full', "records", "list")
        left = shell('"$@" | true', "records", "list")

        assert lost.returncode == 1
        assert lost.stderr == ("output-lost: Standard output cannot be written: No space left on device.\n")
        assert (left.returncode, left.stderr) == (0, "")

    @pytest.mark.parametrize("environment", [LATIN, NARROW], ids=["latin", "narrow"])
    def test_letters_that_a_stream_does_not_have_are_codes(
        self, mine: str, environment: dict[str, str]
    ) -> None:
        failing = notebook(Path("failing.ipynb"), f"raise ValueError({ODD!r})")
        ended = shell('"$@" 2>&1', "run", failing, **environment)

        assert ended.returncode == 1
        assert ("\\u6f22" if "PYTHONIOENCODING" in environment else "\u6f22") in ended.stdout
        assert "Traceback" not in ended.stdout

    @pytest.mark.parametrize("path", [["-h"], ["run", "-h"], ["records"], ["doctor", "--json"], ["nothing"]])
    def test_no_command_prints_a_traceback_into_what_is_closed(self, tmp_path: Path, path: list[str]) -> None:
        os.chdir(tmp_path)
        lines = ('"$@" | true', '"$@" > /dev/full', '"$@" >&-')
        ended = [shell(line, *path).stderr for line in lines]

        assert "Traceback" not in "".join(ended)
        assert "Exception ignored" not in "".join(ended)


class TestTerminal:
    def test_a_terminal_that_is_closed_interrupts_the_run_which_is_sealed(self, tmp_path: Path) -> None:
        waiting = notebook(
            tmp_path / "w.ipynb", "import time, pathlib\npathlib.Path('at').touch()\ntime.sleep(60)"
        )
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(tmp_path)
            os.execv(COMMAND, [COMMAND, "run", waiting])
        assert wait_until((tmp_path / "at").exists)
        os.close(terminal)
        status = os.waitpid(child, 0)[1]

        assert os.waitstatus_to_exitcode(status) == 130
        assert [line["status"] for line in read_ledger(tmp_path / "records")] == ["interrupted"]
        assert verify_records(tmp_path / "records") == []


class TestInterruptions:
    @pytest.mark.parametrize("after", [0.4, 1.2])
    def test_it_is_sealed_or_never_began_and_answers(self, mine: str, after: float) -> None:
        assert [*wrong_interruption(mine, after, signal.SIGINT)] == []

    @pytest.mark.exhaustive
    def test_at_any_moment_it_is_sealed_or_never_began_and_answers(
        self, mine: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        moments = random.Random(10)
        wrong = [
            each
            for number in range(60)
            for each in wrong_interruption(
                mine, moments.uniform(0.15, 3), (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[number % 3]
            )
        ]
        with capsys.disabled():
            print(
                f"\ninterruptions: {60 - len(wrong)} of 60 answered, and sealed where a run had begun",
                end=" ",
            )

        assert wrong == []


def wrong_interruption(path: str, after: float, number: int) -> Iterator[str]:
    """Interrupt a run after so many seconds, twice, and yield what is wrong with its end."""
    started = subprocess.Popen(
        [*INTERRUPTIBLE, COMMAND, "run", path, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(after)
    started.send_signal(number)
    time.sleep(0.05)
    started.send_signal(number)
    out, err = started.communicate(timeout=60)
    # Before the command has set itself up, Python itself answers, or the system ends it.
    if started.returncode < 0 or (not out and "KeyboardInterrupt" in err):
        return
    told = json.loads(out)
    if started.returncode != {"interrupted": 130, "succeeded": 0}[told["status"]]:
        yield f"after {after}: exit code {started.returncode} of {told['status']}"
    if "Traceback" in err or "Exception ignored" in err:
        yield f"after {after}: {err}"
    if told["record"] and verify_records(Path(told["record"]).parent):
        yield f"after {after}: {told['record']} is not whole"
    if list(Path().glob("records/.work/2*")):
        yield f"after {after}: a run was left without its record"
