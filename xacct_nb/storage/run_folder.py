"""The folder of a run that is going on: held by its processes, and found where they were killed."""

import fcntl
import json
import platform
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import IO, Any

from xacct_nb.errors import InvalidParameters

WORK = ".work"
_HELD, _ABOUT = ".held", "about.json"
_HALF_MADE, _HALF_GONE = ".new-", ".gone-"
_AN_HOUR, _A_DAY = 3600.0, 86_400.0


class RunLock:
    """Keeps a run's folder for this process and those that hold it too, until all of them let go or die.

    Where no file can be locked, nobody is told apart from the dead, and nothing is ever closed for them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = _locked(folder, fcntl.LOCK_SH)

    def release(self) -> None:
        """The run goes on without this process, or is over."""
        if self._file:
            self._file.close()

    def __enter__(self) -> Path:
        return self.folder

    def __exit__(self, *_: object) -> None:
        self.release()


def create_run_folder(records: Path, run: str, read_about: Mapping[str, Any]) -> RunLock:
    """A new folder for what a run leaves while it goes on, held by this process.

    `about` is what the record says of the run where nobody is left to say it. Raises InvalidParameters
    where there can be no such folder.
    """
    try:
        folder = _new_folder(records / WORK)
        held = RunLock(folder)
        write_about(folder, read_about)
        held.folder = folder.rename(records / WORK / run)  # nobody sees it before it is held
    except OSError as problem:
        raise InvalidParameters(
            f"The records folder {str(records)!r} cannot be used.",
            why=str(problem.strerror),
            hint="Name another folder with --records.",
        ) from problem
    return held


def write_about(folder: Path, read_about: Mapping[str, Any]) -> None:
    """Writes what the record says of the run where nobody is left to say it."""
    content = {**read_about, "machine": _machine()}
    replace_file(folder / _ABOUT, json.dumps(content, ensure_ascii=False).encode())


def read_about(folder: Path) -> dict[str, Any]:
    """What was noted about the run."""
    return dict(json.loads((folder / _ABOUT).read_text(encoding="utf-8")))


def remove_run_folder(records: Path, run: str) -> None:
    """Removes the work folder of a run, in one step for those who look."""
    gone = records / WORK / f"{_HALF_GONE}{run}"
    with suppress(OSError):  # it was never there, or somebody else has just removed it
        (records / WORK / run).rename(gone)
    shutil.rmtree(gone, ignore_errors=True)
    with suppress(OSError):  # another run has its folder there
        (records / WORK).rmdir()


def abandoned_runs(records: Path) -> Iterator[Path]:
    """The folders of runs whose processes are gone, each held against everybody else meanwhile.

    Of a run on another machine, whose lock a shared disk may not show here, a day without a word is awaited.
    """
    if not (records / WORK).is_dir():
        return
    for folder in sorted((records / WORK).iterdir()):
        if folder.name.startswith(_HALF_GONE):
            shutil.rmtree(folder, ignore_errors=True)
        elif folder.name.startswith(_HALF_MADE):
            _clear_if_old(folder)
        elif (folder / _HELD).exists():
            with _alone(folder) as mine:
                if mine and (_is_from_here(folder) or _age(folder) > _A_DAY):
                    yield folder
    with suppress(OSError):  # a run has its folder there
        (records / WORK).rmdir()


def replace_file(path: Path, data: bytes) -> None:
    """Writes a file in one step: whoever reads it, also after a crash, sees the old one or the new."""
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(data)
    new.replace(path)


def _new_folder(work: Path) -> Path:
    """A folder of a name of its own; again where another run, the last one there, just cleared the place."""
    for _ in range(9):
        with suppress(FileNotFoundError):
            work.mkdir(parents=True, exist_ok=True, mode=0o700)
            return Path(mkdtemp(prefix=_HALF_MADE, dir=work))
    return Path(mkdtemp(prefix=_HALF_MADE, dir=work))


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether the folder could be taken for this block, and is there still."""
    file = _locked(folder, fcntl.LOCK_EX)
    try:
        yield file is not None and folder.is_dir()
    finally:
        if file:
            file.close()


def _locked(folder: Path, how: int) -> IO[bytes] | None:
    try:
        file = (folder / _HELD).open("ab")
    except OSError:
        return None
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def _clear_if_old(folder: Path) -> None:
    """A process was killed between two calls, before its run began."""
    with suppress(OSError):
        if _age(folder) > _AN_HOUR:
            shutil.rmtree(folder, ignore_errors=True)


def _age(folder: Path) -> float:
    """The seconds since something in the folder was written."""
    return time.time() - max(path.stat().st_mtime for path in (folder, *folder.iterdir()))


def _is_from_here(folder: Path) -> bool:
    """Whether the run was on this machine: a container has another name here, and each start another id."""
    try:
        there = dict(read_about(folder).get("machine", {}))
    except (OSError, ValueError, TypeError):
        return True
    return not there or any(there.get(name) == value != "" for name, value in _machine().items())


@cache
def _machine() -> dict[str, str]:
    """The machine's name, and on Linux the id of its start."""
    started = Path("/proc/sys/kernel/random/boot_id")
    return {"name": platform.node(), "start": started.read_text().strip() if started.exists() else ""}
