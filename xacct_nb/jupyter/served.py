"""What the server of this kernel serves, and the address by which a file of it opens in the browser."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

LAB_VARIABLE = "XACCT_LAB"  # the folder that `xacct-nb lab` and `xacct-nb page` serve
FILES = "files/"  # where `xacct-nb page` serves the files of that folder


def address_of(path: Path, fragment: str = "", *, in_widget: bool = False) -> str:
    """Return the address that opens a file from this notebook's outputs, "" where it is not served."""
    root = served_folder()
    if root is None or not path.resolve().is_relative_to(root.resolve()):
        return ""
    hashed = f"#{quote(fragment)}" if fragment else ""
    if in_voila() or in_widget:
        inside = path.resolve().relative_to(root.resolve())
        return f"{_base_url()}{FILES}{quote(str(inside))}{hashed}"
    # A notebook's kernel runs in the notebook's folder. JupyterLab resolves links from there, but no link in
    # a widget.
    return f"{quote(os.path.relpath(path))}{hashed}"


def in_voila() -> bool:
    """Return whether Voila shows this notebook, without its cells."""
    return "VOILA_BASE_URL" in os.environ


def served_folder() -> Path | None:
    """Return the folder that this kernel's server serves, as far as that can be known."""
    if given := os.environ.get(LAB_VARIABLE):
        return Path(given)
    root = _server().get("root_dir")
    return Path(root) if isinstance(root, str) and not in_voila() else None


def _base_url() -> str:
    return os.environ.get("VOILA_BASE_URL") or str(_server().get("base_url", "/"))


def _server() -> dict[str, Any]:
    """Return what jupyter_server writes about itself for its clients; empty where another one started us."""
    from jupyter_core.paths import jupyter_runtime_dir

    server = os.environ.get("JPY_PARENT_PID", "")
    with suppress(OSError, ValueError):
        about = json.loads(Path(jupyter_runtime_dir(), f"jpserver-{server}.json").read_text())
        return about if isinstance(about, dict) else {}
    return {}
