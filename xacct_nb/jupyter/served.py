"""What the server of this kernel serves, and the address by which a file of it opens in the browser."""

import json
import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

LAB_VARIABLE = "XACCT_LAB"  # the folder that `xacct-nb lab` and `xacct-nb page` serve
FILES = "files/"  # where `xacct-nb page` serves the files of that folder


def address_of(path: Path, fragment: str = "") -> str:
    """Return the address that opens a file from this notebook's outputs, "" where it is not served."""
    root = served_folder()
    if root is None or not path.resolve().is_relative_to(root.resolve()):
        return ""
    hashed = f"#{quote(fragment)}" if fragment else ""
    if in_voila():
        inside = path.resolve().relative_to(root.resolve())
        return f"{os.environ['VOILA_BASE_URL']}{FILES}{quote(str(inside))}{hashed}"
    # A notebook's kernel runs in the notebook's folder, and JupyterLab resolves links from there.
    return f"{quote(os.path.relpath(path))}{hashed}"


def in_voila() -> bool:
    """Return whether Voila shows this notebook, without its cells."""
    return "VOILA_BASE_URL" in os.environ


def served_folder() -> Path | None:
    """Return the folder that this kernel's server serves, as far as that can be known."""
    if given := os.environ.get(LAB_VARIABLE):
        return Path(given)
    server = os.environ.get("JPY_PARENT_PID", "")
    if in_voila() or not server.isdigit():
        return None
    from jupyter_core.paths import jupyter_runtime_dir

    # jupyter_server writes this file for its clients; another process's id finds none.
    with suppress(OSError, ValueError):
        about = json.loads(Path(jupyter_runtime_dir(), f"jpserver-{server}.json").read_text())
        if isinstance(about, dict) and isinstance(about.get("root_dir"), str):
            return Path(about["root_dir"])
    return None
