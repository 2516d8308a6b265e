"""Regular files in a folder that may come from others: nothing else is opened, and no link is followed."""

import errno
import hashlib
import os
import shutil
import stat
from pathlib import Path

_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}
_BLOCK = 1 << 20
_WRITING = os.O_WRONLY | os.O_RDWR


def kind_of(path: Path) -> str:
    """Return what is at a path: file, folder, link, pipe, socket or device; "" where there is nothing."""
    try:
        return _KINDS.get(stat.S_IFMT(path.lstat().st_mode), "device")
    except (FileNotFoundError, NotADirectoryError):
        return ""


def open_plain(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open a regular file, and return its descriptor; `flags` are those of `os.open`.

    A file that is written must have no second name (a hard link), which may be elsewhere. Raises OSError,
    whose strerror is the problem.
    """
    _check(path, path.lstat() if kind_of(path) else None, flags)
    # The file may have been replaced since: a link is not followed, and a pipe does not block.
    handle = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    try:
        _check(path, os.fstat(handle), flags)
    except OSError:
        os.close(handle)
        raise
    return handle


def read_plain(path: Path, most: int) -> bytes:
    """Return the content of a regular file of at most `most` bytes. Raises OSError."""
    with os.fdopen(open_plain(path), "rb") as file:
        require_size(os.fstat(file.fileno()).st_size, most, path)
        content = file.read(most + 1)
    require_size(len(content), most, path)
    return content


def hash_plain(path: Path, most: int) -> str:
    """Return the SHA-256 of a regular file of at most `most` bytes, in hexadecimal digits. Raises OSError."""
    digest, size = hashlib.sha256(), 0
    with os.fdopen(open_plain(path), "rb") as file:
        require_size(os.fstat(file.fileno()).st_size, most, path)
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
            require_size(size, most, path)
    return digest.hexdigest()


def require_folder(path: Path) -> None:
    """Check that there is a folder, which is no link, or nothing. Raises OSError."""
    if (kind := kind_of(path)) not in ("", "folder"):
        raise OSError(errno.ENOTDIR, f"It is a {kind}, and no folder", str(path))


def remove_folder(path: Path) -> None:
    """Remove a folder as far as that is possible; leave anything else, such as a pipe, as it is."""
    if kind_of(path) == "folder":
        shutil.rmtree(path, ignore_errors=True)


def require_size(size: int, most: int, path: Path) -> None:
    """Check that a file has at most so many bytes. Raises OSError."""
    if size > most:
        raise OSError(errno.EFBIG, f"It is longer than {most:,} bytes", str(path))


def _check(path: Path, found: os.stat_result | None, flags: int) -> None:
    kind = _KINDS.get(stat.S_IFMT(found.st_mode), "device") if found else "file"
    if kind != "file":
        raise OSError(errno.EINVAL, f"It is a {kind}, and no file", str(path))
    if found and flags & _WRITING and found.st_nlink > 1:
        raise OSError(
            errno.EMLINK, "It has a second name (a hard link), which would be written too", str(path)
        )
