"""The folder of a run in progress: readable by its owner only, and abandoned only by killed processes."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from xacct_nb.errors import InvalidParameters
from xacct_nb.storage.run_folder import (
    WORK,
    RunLock,
    abandoned_runs,
    create_run_folder,
    read_about,
    remove_run_folder,
    write_about,
)

ABOUT: dict[str, Any] = {"notebook": "mine", "headless": True}
HOLD = """
import pathlib, sys
from xacct_nb.storage.run_folder import create_run_folder
held = create_run_folder(pathlib.Path(sys.argv[1]), "other", {"notebook": "other"})
print("held", flush=True)
sys.stdin.read()
"""
# Its child, with a share of the lock, ends a moment after its parent was killed.
OUTLIVED = """
import os, pathlib, sys, time
from xacct_nb.storage.run_folder import RunLock, create_run_folder
held, parent = create_run_folder(pathlib.Path(sys.argv[1]), "other", {"notebook": "other"}), os.getpid()
if os.fork():
    time.sleep(60)
shared = RunLock(held.folder)
held.release()
print("held", flush=True)
while os.getppid() == parent:
    time.sleep(0.01)
time.sleep(0.3)
"""


def left(records: Path) -> list[str]:
    return [folder.name for folder in abandoned_runs(records)]


def test_only_its_owner_can_read_it_and_each_run_has_its_own(tmp_path: Path) -> None:
    mine, other = create_run_folder(tmp_path, "mine", ABOUT), create_run_folder(tmp_path, "other", ABOUT)
    mode = mine.folder.stat().st_mode & 0o777
    remove_run_folder(tmp_path, "mine")

    assert mode == 0o700
    assert (mine.folder.exists(), other.folder.exists()) == (False, True)


def test_one_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(InvalidParameters, match=r"The records folder .* cannot be used"):
        create_run_folder(tmp_path / "file", "mine", ABOUT)


def test_there_is_one_of_a_name(tmp_path: Path) -> None:
    held = create_run_folder(tmp_path, "mine", ABOUT)

    with held, pytest.raises(InvalidParameters):
        create_run_folder(tmp_path, "mine", ABOUT)


def test_what_was_noted_about_the_run_is_replaced_as_a_whole(tmp_path: Path) -> None:
    with create_run_folder(tmp_path, "mine", ABOUT) as folder:
        before = read_about(folder)
        write_about(folder, {"notebook": "mine", "around": {}})

    assert before.items() > ABOUT.items()
    assert read_about(folder).items() > {"notebook": "mine", "around": {}}.items()
    assert "headless" not in read_about(folder)


def test_it_is_abandoned_when_its_last_lock_is_released(tmp_path: Path) -> None:
    first = create_run_folder(tmp_path, "mine", ABOUT)
    second = RunLock(first.folder)
    both = left(tmp_path)
    first.release()
    one = left(tmp_path)
    second.release()

    assert (both, one, left(tmp_path)) == ([], [], ["mine"])


def test_a_killed_process_abandons_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"held\n"
    alive = left(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.communicate()

    assert (alive, left(tmp_path)) == ([], ["other"])


def test_a_killed_process_abandons_it_though_its_child_lives_for_another_moment(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", OUTLIVED, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"held\n"
    alive = left(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.wait()

    assert (alive, left(tmp_path)) == ([], ["other"])


def test_the_first_finder_locks_it_against_others(tmp_path: Path) -> None:
    create_run_folder(tmp_path, "mine", ABOUT).release()

    for _ in abandoned_runs(tmp_path):
        assert left(tmp_path) == []
    assert left(tmp_path) == ["mine"]


def test_one_of_another_machine_is_abandoned_after_a_day_without_writes(tmp_path: Path) -> None:
    create_run_folder(tmp_path, "mine", ABOUT).release()
    folder = tmp_path / WORK / "mine"
    path, there = folder / "about.json", read_about(folder)
    path.write_text(json.dumps({**there, "machine": {"name": "elsewhere", "start": "another"}}))
    young = left(tmp_path)
    for each in (*folder.iterdir(), folder):
        os.utime(each, (0, 0))

    assert (young, left(tmp_path)) == ([], ["mine"])


@pytest.mark.parametrize("changed", [{"name": "another container"}, {"start": "after a power cut"}])
def test_a_machine_is_recognized_by_its_name_or_its_boot(tmp_path: Path, changed: dict[str, str]) -> None:
    create_run_folder(tmp_path, "mine", ABOUT).release()
    folder = tmp_path / WORK / "mine"
    there = read_about(folder)
    (folder / "about.json").write_text(json.dumps({**there, "machine": {**there["machine"], **changed}}))

    assert left(tmp_path) == ["mine"]


def test_what_was_removed_meanwhile_is_not_found(tmp_path: Path) -> None:
    for name in ("a", "b"):
        create_run_folder(tmp_path, name, ABOUT).release()
    found = abandoned_runs(tmp_path)
    first = next(found)
    remove_run_folder(tmp_path, "b")

    assert (first.name, list(found)) == ("a", [])


def test_one_that_was_not_completed_is_removed_when_it_is_old(tmp_path: Path) -> None:
    for name, age in ((".new-old", 7200.0), (".new-young", 0.0)):
        folder = tmp_path / WORK / name
        folder.mkdir(parents=True)
        when = folder.stat().st_mtime - age
        os.utime(folder, (when, when))

    assert left(tmp_path) == []
    assert [path.name for path in (tmp_path / WORK).iterdir()] == [".new-young"]


def test_runs_that_begin_and_end_at_once_do_not_meet_in_the_folder_of_all(tmp_path: Path) -> None:
    def begin_and_end(runner: int) -> None:
        for number in range(60):
            create_run_folder(tmp_path, f"{runner}-{number}", ABOUT).release()
            remove_run_folder(tmp_path, f"{runner}-{number}")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(begin_and_end, range(4)))

    assert list(tmp_path.iterdir()) == []
