"""Files of declared grants, as YAML; external IDs stand in them as references only."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from xacct_nb.errors import InvalidInput

_HEAD = (
    "# Declared grants of what was there. An external ID is a reference: set the variable before you plan.\n"
)


def write_declared(fields: Mapping[str, Any], file: str | Path, head: str = _HEAD) -> Path:
    """Write the fields of a fleet or grant file, below a comment.

    Raises InvalidInput where the file exists with other content, or cannot be made.
    """
    path = Path(file).expanduser().absolute()
    text = head + yaml.safe_dump(dict(fields), sort_keys=False, allow_unicode=True, width=110)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not (path.is_file() and path.read_text(encoding="utf-8", errors="replace") == text):
            with path.open("x", encoding="utf-8") as written:
                written.write(text)
    except OSError as problem:
        raise InvalidInput(
            f"{str(file)!r} cannot be written.",
            why=f"{problem.strerror}.",
            hint="Name a file that does not exist yet, in a folder of your own.",
        ) from problem
    return path
