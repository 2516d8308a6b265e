"""Writes files that are not there yet: one with other content is never replaced."""

from pathlib import Path

from xacct_nb.errors import InvalidInput
from xacct_nb.storage.bounded_read import read_small
from xacct_nb.validation import truncate

_LARGEST = 50_000_000


def write_new_file(path: Path, content: bytes, hint: str) -> Path:
    """Write a file that is not there yet, or has this content already, and the folders that it needs.

    Raises InvalidInput, with this hint, where it has another content, or cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not (path.is_file() and read_small(path, pipes=False, most=_LARGEST) == content):
            with path.open("xb") as written:
                written.write(content)
    except OSError as problem:
        raise InvalidInput(
            f"{truncate(str(path))!r} cannot be written.", why=f"{problem.strerror}.", hint=hint
        ) from problem
    return path
