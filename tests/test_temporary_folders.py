"""The temporary folders of sandboxes, kernels and runs go with their processes, however these end."""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from support.processes import wait_until
from xacct_nb.runs.sandboxes import throw_away_sandbox
from xacct_nb.sandbox.server import server
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.storage.temporary_folders import remove_abandoned_folders

THROW_AWAY = """
import time
from xacct_nb.sandbox.server import server
with server.throw_away() as sandbox:
    print(sandbox.pid, flush=True)
    time.sleep(600)
"""
PLAN = [sys.executable, "-m", "xacct_nb", "run", "plan_and_apply", "--json"]
SEEN, RARE = (signal.SIGKILL,), (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SIGNALS = [*SEEN, *RARE]


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary files of this test and its processes; its name is short enough for sockets."""
    with TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr("tempfile.tempdir", folder)
        yield Path(folder)


def left(scratch: Path) -> list[str]:
    return sorted(path.name for path in scratch.iterdir())


def grow_old(scratch: Path) -> None:
    for path in scratch.iterdir():
        os.utime(path, (0, 0))


@contextmanager
def started(*command: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A process of a group of its own, killed in the end."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | environment
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


class TestOfSandboxes:
    def test_none_is_left_after_many(self, scratch: Path) -> None:
        for _ in range(3):
            with throw_away_sandbox() as sandbox:
                assert left(scratch) == [sandbox.folder.name]

        assert left(scratch) == []

    @pytest.mark.parametrize("number", SIGNALS)
    def test_none_is_left_when_a_signal_ends_its_parent(self, scratch: Path, number: int) -> None:
        with started(sys.executable, "-c", THROW_AWAY) as parent:
            assert parent.stdout
            parent.stdout.readline()
            parent.send_signal(number)

        assert wait_until(lambda: left(scratch) == [])

    def test_none_is_left_when_the_server_is_killed(self, scratch: Path) -> None:
        with throw_away_sandbox() as sandbox:
            os.kill(sandbox.pid, signal.SIGKILL)

        assert left(scratch) == []

    def test_one_whose_server_and_parent_were_killed_goes_with_the_next_command(self, scratch: Path) -> None:
        with started(sys.executable, "-c", THROW_AWAY) as parent:
            assert parent.stdout
            os.kill(int(parent.stdout.readline()), signal.SIGKILL)
        grow_old(scratch)
        assert len(left(scratch)) == 1

        with throw_away_sandbox() as sandbox:
            assert left(scratch) == [sandbox.folder.name]

    def test_a_users_own_keeps_no_file_but_its_locks(self, scratch: Path, tmp_path: Path) -> None:
        server.up(tmp_path / "own")
        server.down(tmp_path / "own")

        assert left(scratch) == []
        assert left(tmp_path / "own") == ["command.lock", "server.lock"]


class TestOfRuns:
    def test_none_is_left_after_a_run(self, scratch: Path, sandbox: Sandbox, tmp_path: Path) -> None:
        where = {"XACCT_SANDBOX_DIR": str(sandbox.folder)}
        done = subprocess.run(
            [*PLAN, "--records", str(tmp_path / "records")], env=os.environ | where, check=True
        )

        assert (done.returncode, left(scratch)) == (0, [])

    @pytest.mark.parametrize(
        "number", [*SEEN, *(pytest.param(each, marks=pytest.mark.exhaustive) for each in RARE)]
    )
    def test_a_signal_leaves_none_and_a_killed_runners_goes_with_the_next(
        self, scratch: Path, sandbox: Sandbox, tmp_path: Path, number: int
    ) -> None:
        where, records = {"XACCT_SANDBOX_DIR": str(sandbox.folder)}, ["--records", str(tmp_path / "records")]
        with started(*PLAN, *records, **where) as runner:
            assert wait_until(lambda: left(scratch) != [])
            runner.send_signal(number)
            runner.wait()
        if number == signal.SIGKILL:
            grow_old(scratch)
            subprocess.run([*PLAN, *records], env=os.environ | where, check=True, stdout=subprocess.DEVNULL)

        assert wait_until(lambda: left(scratch) == [])


class TestAbandoned:
    @pytest.mark.parametrize("name", ["xacct-nb-kernel-a", "xacct-nb-sandbox-a"])
    def test_an_old_one_that_nobody_holds_is_removed(self, scratch: Path, name: str) -> None:
        (scratch / name / "within").mkdir(parents=True)
        grow_old(scratch)

        assert remove_abandoned_folders() == [name]
        assert left(scratch) == []

    def test_one_that_a_process_holds_stays(self, scratch: Path) -> None:
        (scratch / "xacct-nb-kernel-a").mkdir()
        grow_old(scratch)
        descriptor = os.open(scratch / "xacct-nb-kernel-a", os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)

        assert remove_abandoned_folders() == []
        os.close(descriptor)
        assert remove_abandoned_folders() == ["xacct-nb-kernel-a"]

    def test_what_is_young_or_of_others_or_a_link_stays(self, scratch: Path, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (scratch / "xacct-nb-kernel-link").symlink_to(tmp_path / "elsewhere")
        (scratch / "xacct-nb-notes").mkdir()
        (scratch / "xacct-nb-kernel-file").write_text("")
        grow_old(scratch)
        (scratch / "xacct-nb-kernel-young").mkdir()

        assert remove_abandoned_folders() == []
        assert len(left(scratch)) == 4
