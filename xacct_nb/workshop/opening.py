"""Opens a sheet for a participant: whose it is, where it is kept, and in which sandbox."""

import getpass
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xacct_nb.runs import confinement
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.workshop.open_sheet import OpenSheet
from xacct_nb.workshop.sheets import sheet_named

FOLDER_VARIABLE = "XACCT_WORKSHOP"
_NOT_IN_A_NAME = re.compile(r"[^\w.@+-]")


def open_sheet(name: str, given: Mapping[str, Any] | None = None) -> OpenSheet:
    """Open a sheet for its participant; `given` are the notebook's variables, such as `participant`.

    The two accounts are made the first time, and found again afterwards. From then on, every AWS client of
    this process, and of programs that it starts, uses these accounts in the sandbox only. Raises InvalidInput
    for another name, SandboxError if the sandbox does not start.
    """
    given = given or {}
    sheet = sheet_named(name)
    participant = participant_name(str(given.get("participant") or ""))
    folder = workshop_folder() / participant / sheet.name
    sandbox = _sandbox()
    confinement.use_sandbox(sandbox, folder)
    return OpenSheet(sheet, participant, folder, sandbox)


def participant_name(given: str = "") -> str:
    """Return a participant's name as it can name a folder; by default that of the user of this machine."""
    name = given or os.environ.get("JUPYTERHUB_USER") or getpass.getuser()
    return _NOT_IN_A_NAME.sub("_", name).lstrip(".")[:64] or "participant"


def workshop_folder() -> Path:
    """Return `$XACCT_WORKSHOP`, else `xacct-nb/workshop` in the user's state folder (XDG)."""
    if chosen := os.environ.get(FOLDER_VARIABLE):
        return Path(chosen)
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "xacct-nb" / "workshop"


def _sandbox() -> Sandbox:
    """Return the sandbox of this user; in a browser tab, the one within the process."""
    if sys.platform == "emscripten":
        from xacct_nb.runs.in_process_sandbox import start_in_process

        return start_in_process()
    from xacct_nb.runs.sandboxes import open_sandbox

    return open_sandbox()
