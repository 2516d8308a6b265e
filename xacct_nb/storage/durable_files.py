"""File writes that survive a crash: replaced in one step, or on disk before the caller continues."""

import os
from contextlib import suppress
from pathlib import Path

from xacct_nb.storage.plain_files import open_plain


def replace_file(path: Path, data: bytes, *, synced: bool = False) -> None:
    """Write a file in one step: a reader sees the old content or the new one, also after a crash.

    If `synced`, return only when it is on disk.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        write_file(new, data, synced=synced)
        new.replace(path)
    except OSError:
        with suppress(OSError):  # half a file takes the room that others need
            new.unlink()
        raise
    if synced:
        sync_folder(path.parent)


def write_file(path: Path, data: bytes, mode: str = "wb", *, synced: bool = True) -> None:
    """Write the bytes; if `synced`, return only when they are on disk. `mode` is that of `open`.

    No link is followed. Raises OSError, also where something other than a file is at the path.
    """
    with open(path, mode, opener=lambda name, flags: open_plain(Path(name), flags)) as file:
        file.write(data)
        file.flush()
        if synced:
            os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Return when the names in a folder are on disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
