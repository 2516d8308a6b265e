"""The folder of a run in progress: locked by the run's processes, and found again if they were killed."""

import json
import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import IO, Any

from xacct_nb.errors import InvalidParameters, XacctError
from xacct_nb.records.repair_entry import strict_json
from xacct_nb.storage.durable_files import replace_file
from xacct_nb.storage.locks import EXCLUSIVE, SHARED, lock_file
from xacct_nb.storage.plain_files import kind_of, read_plain, remove_folder, require_folder
from xacct_nb.storage.reserve import NO_ROOM, no_room, reserve

WORK, HANDOFFS = ".work", "handoffs"
_LOCK, _ABOUT = ".held", "about.json"
_CREATING, _REMOVING = ".new-", ".gone-"
_AN_HOUR, _A_DAY = 3600.0, 86_400.0
_LARGEST_ABOUT = 10_000_000
_LONGEST_ID = 20
_TRIES, _PAUSE = 200, 0.02


class RunLock:
    """The lock on a run's folder, which each process of the run shares until it releases it or dies.

    Where no file can be locked, a killed run is not found, and its record is never closed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = _try_lock(folder, SHARED)

    def sign(self) -> None:
        """Write this process's id into the lock, as that of the process which runs the run."""
        if self._file:
            self._file.write(str(os.getpid()).encode())
            self._file.flush()

    def release(self) -> None:
        """Release this process's share of the lock."""
        if self._file:
            self._file.close()

    def __enter__(self) -> Path:
        return self.folder

    def __exit__(self, *_: object) -> None:
        self.release()


def create_run_folder(records: Path, run: str, about: Mapping[str, Any]) -> RunLock:
    """Make a folder for what a run writes while it is in progress, locked by this process.

    `about` is for the record, in case the run is killed. The folder keeps room for the record. Raises
    DiskFull, and InvalidParameters where the folder cannot be made.
    """
    try:
        require_folder(records / WORK)
        folder = _new_folder(records / WORK)
        lock = RunLock(folder)
        with _removed_after_failure(records, folder):
            write_about(folder, about)
            reserve(folder)
            lock.sign()
            lock.folder = folder.rename(records / WORK / run)  # it appears under its name only when locked
    except OSError as problem:
        if problem.errno in NO_ROOM:
            raise no_room(records, problem) from problem
        raise InvalidParameters(
            f"The records folder {str(records)!r} cannot be used.",
            why=str(problem.strerror),
            hint="Name another folder with --records.",
        ) from problem
    return lock


@contextmanager
def _removed_after_failure(records: Path, folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, XacctError):
        remove_folder(folder)
        with suppress(OSError):
            (records / WORK).rmdir()
        raise


def write_about(folder: Path, about: Mapping[str, Any]) -> None:
    """Write what the record needs to know of the run in case the run is killed."""
    content = {**about, "machine": _machine()}
    replace_file(folder / _ABOUT, json.dumps(content, ensure_ascii=False).encode())


def is_run_folder(folder: Path) -> bool:
    """Return whether the folder is that of a run, and still where its run made it."""
    try:
        return (folder / _ABOUT).is_file()
    except OSError:
        return False


def read_about(folder: Path) -> dict[str, Any]:
    """Return what `write_about` wrote."""
    return dict(strict_json(read_plain(folder / _ABOUT, _LARGEST_ABOUT)))


def remove_run_folder(records: Path, run: str) -> None:
    """Remove the folder of a run, in one step for other processes."""
    removing = records / WORK / f"{_REMOVING}{run}"
    with suppress(OSError):  # there was none, or another process has just removed it
        (records / WORK / run).rename(removing)
    remove_folder(removing)
    with suppress(OSError):  # a file that a cell put in its place
        removing.unlink()
    with suppress(OSError):  # it holds the folder of another run
        (records / WORK).rmdir()


def abandoned_runs(records: Path) -> Iterator[Path]:
    """Yield the folders of runs whose processes have ended, each locked while the caller handles it.

    A run on another machine counts as abandoned after a day without writes: a shared disk may not show its
    lock here.
    """
    for folder in _folders(records / WORK):
        if folder.name.startswith(_REMOVING):
            remove_folder(folder)
        elif folder.name.startswith(_CREATING):
            # A process left it that was killed before its run began.
            with suppress(OSError):
                if _age(folder) > _AN_HOUR:
                    remove_folder(folder)
        else:
            yield from _if_abandoned(folder, writing=True)
    with suppress(OSError):  # it holds the folder of a run
        (records / WORK).rmdir()


def unclosed_runs(records: Path) -> Iterator[Path]:
    """Yield the folders of abandoned runs as `abandoned_runs` does, and write nothing."""
    for folder in _folders(records / WORK):
        if not folder.name.startswith((_CREATING, _REMOVING)):
            yield from _if_abandoned(folder, writing=False)


def _if_abandoned(folder: Path, *, writing: bool) -> Iterator[Path]:
    # A shared disk may lock only what is opened for writing.
    file = _try_lock(folder, EXCLUSIVE, create=writing) if kind_of(folder / _LOCK) else None
    for _ in range(_TRIES):
        if file or not _runner_is_dead(folder):
            break
        time.sleep(_PAUSE)  # the kernel of a killed runner dies with it, a moment later
        file = _try_lock(folder, EXCLUSIVE, create=writing)
    with file or nullcontext():
        if file and kind_of(folder) == "folder" and (_is_from_here(folder) or _age(folder) > _A_DAY):
            yield folder


def _runner_is_dead(folder: Path) -> bool:
    """Return whether the process that signed the lock has ended; False where that is not known."""
    try:
        os.kill(abs(int(read_plain(folder / _LOCK, _LONGEST_ID))), 0)
    except ProcessLookupError:
        return _is_from_here(folder)
    except (OSError, ValueError, OverflowError):
        return False
    return False


def _folders(work: Path) -> list[Path]:
    """Return the folders of runs; a link to one is none."""
    try:
        require_folder(work)
        return sorted(path for path in work.iterdir() if kind_of(path) == "folder")
    except (FileNotFoundError, NotADirectoryError):
        return []


def _new_folder(work: Path) -> Path:
    """Make a folder with a new name; retry where another run has just removed the empty parent folder."""
    for _ in range(9):
        with suppress(FileNotFoundError, FileExistsError):  # mkdir finds it, then finds that it is no folder
            work.mkdir(parents=True, exist_ok=True, mode=0o700)
            return Path(mkdtemp(prefix=_CREATING, dir=work))
    return Path(mkdtemp(prefix=_CREATING, dir=work))


def _try_lock(folder: Path, kind: int, *, create: bool = True) -> IO[Any] | None:
    try:
        return lock_file(folder / _LOCK, kind, wait=False, create=create)
    except OSError:
        return None


def _age(folder: Path) -> float:
    """Return the seconds since the last write in the folder."""
    return time.time() - max(path.lstat().st_mtime for path in (folder, *folder.iterdir()))


def _is_from_here(folder: Path) -> bool:
    """Return whether the run was on this machine; a container has its own name, and each boot its own id."""
    try:
        there = dict(read_about(folder).get("machine", {}))
    except (OSError, ValueError, TypeError, AttributeError):
        return True
    return not there or any(there.get(name) == value != "" for name, value in _machine().items())


@cache
def _machine() -> dict[str, str]:
    """Return the machine's name, and on Linux the id of its boot."""
    started = Path("/proc/sys/kernel/random/boot_id")
    return {"name": platform.node(), "start": started.read_text().strip() if started.exists() else ""}
