"""Files of declared grants, as YAML; external IDs stand in them as references only."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from xacct_nb.storage.new_file import write_new_file

_HEAD = (
    "# Declared grants of what was there. An external ID is a reference: set the variable before you plan.\n"
)


def write_declared(fields: Mapping[str, Any], file: str | Path, head: str = _HEAD) -> Path:
    """Write the fields of a fleet or grant file, below a comment.

    Raises InvalidInput where the file exists with other content, or cannot be made.
    """
    path = Path(file).expanduser().absolute()
    text = head + yaml.safe_dump(dict(fields), sort_keys=False, allow_unicode=True, width=110)
    hint = "Name a file that does not exist yet, in a folder of your own."
    return write_new_file(path, text.encode(), hint)
