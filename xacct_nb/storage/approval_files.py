"""The folder `approvals` beside the records, whose files are written once and never changed."""

import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from xacct_nb.errors import UnknownRecord
from xacct_nb.redaction.invisible import on_one_line

APPROVALS = "approvals"
USED, SIGNED = ".used.json", ".signed.json"
_MOST = 65_536
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NAME = re.compile(r"[0-9a-f]{16}(-[A-Za-z0-9._+-]+)?(\.used|\.signed)\.json")


def approval_file(digest: str, about: str, suffix: str) -> str:
    """Return the name of a file on the approval of a digest."""
    return f"{digest[:16]}{'-' * bool(about)}{about}{suffix}"


def subject_of(name: str, suffix: str) -> str:
    """Return what `approval_file` was given about the approval."""
    return name.removesuffix(suffix)[17:]


def is_approval_file(name: str) -> bool:
    """Return whether the name is one that `approval_file` gives."""
    return _NAME.fullmatch(name) is not None


def write_approval_file(records: Path, name: str, content: Any) -> None:
    """Write a new file of JSON. Raises FileExistsError, and OSError where it cannot be written.

    A link in place of the folder or of the file is never followed.
    """
    with suppress(FileExistsError):
        (records / APPROVALS).mkdir()
        _sync(records)
    with _opened(records) as folder:
        handle = os.open(name, _CREATE, 0o644, dir_fd=folder)
        try:
            with open(handle, "wb") as file:
                file.write(
                    json.dumps(content, ensure_ascii=False, indent=1).encode(errors="backslashreplace")
                )
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            os.unlink(name, dir_fd=folder)
            raise
        os.fsync(folder)


def read_approval_files(records: Path, digest: str, suffix: str) -> Iterator[tuple[str, Any]]:
    """Yield the name and the content of each file on the approval of a digest; all with the digest "".

    The content is None where it cannot be read, is no JSON, or where the file is a link. Raises UnknownRecord
    where the folder itself cannot be read.
    """
    try:
        with _opened(records) as folder:
            names = sorted(os.listdir(folder))
            for name in names:
                if name.startswith(digest[:16]) and name.endswith(suffix):
                    yield name, _content(folder, name)
    except FileNotFoundError:
        return
    except OSError as problem:
        raise UnknownRecord(
            f"The approvals in {str(records / APPROVALS)!r} cannot be read.",
            why=f"{problem.strerror}. A link in place of the folder is not followed.",
            hint="Find the change with: xacct-nb records verify",
        ) from problem


def broken_approvals(records: Path) -> list[str]:
    """Return what in the folder is no approval, one line each; nothing where there is no folder."""
    try:
        with _opened(records) as folder:
            found = {name: _content(folder, name) for name in sorted(os.listdir(folder))}
    except FileNotFoundError:
        return []
    except OSError:
        return [f"{APPROVALS}: is no folder that can be read, or a link"]
    strange = [name for name in found if not is_approval_file(name)]
    unread = [name for name, content in found.items() if name not in strange and content is None]
    return [
        *(f"{APPROVALS}/{on_one_line(name)}: was added" for name in strange),
        *(f"{APPROVALS}/{name}: is incomplete, or was changed" for name in unread),
    ]


@contextmanager
def _opened(records: Path) -> Iterator[int]:
    folder = os.open(records / APPROVALS, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield folder
    finally:
        os.close(folder)


def _content(folder: int, name: str) -> Any:
    try:
        handle = os.open(name, _READ, dir_fd=folder)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    with open(handle, "rb") as file:
        text = file.read(_MOST + 1)
    try:
        return json.loads(text) if len(text) <= _MOST else None
    except (ValueError, RecursionError):
        return None


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
