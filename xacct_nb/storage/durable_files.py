"""File writes that survive a crash: replaced in one step, or on disk before the caller continues."""

import os
from contextlib import suppress
from pathlib import Path


def replace_file(path: Path, data: bytes) -> None:
    """Write a file in one step: a reader sees the old content or the new one, also after a crash."""
    new = path.with_name(f".{path.name}.new")
    try:
        new.write_bytes(data)
        new.replace(path)
    except OSError:
        with suppress(OSError):  # half a file takes the room that others need
            new.unlink()
        raise


def write_file(path: Path, data: bytes, mode: str = "wb", *, synced: bool = True) -> None:
    """Write the bytes; if `synced`, return only when they are on disk. `mode` is that of `open`."""
    with path.open(mode) as file:
        file.write(data)
        file.flush()
        if synced:
            os.fsync(file.fileno())
