"""The folders of the workshop: a participant's own, and the one in which a class shows its progress."""

import json
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xacct_nb.storage.durable_files import replace_file
from xacct_nb.storage.locks import state_folder
from xacct_nb.storage.plain_files import kind_of

PROGRESS_FILE = "progress.json"
STATUS_VARIABLE, FOLDER_VARIABLE = "XACCT_WORKSHOP_STATUS", "XACCT_WORKSHOP"
_READABLE_FOLDER, _READABLE_FILE = 0o755, 0o644
# In a browser tab: the folder beside the notebooks, which the browser keeps. It is there where the page has a
# service worker. All other files of the tab are gone when it is closed.
_KEPT_BY_THE_BROWSER = Path("/drive/progress")


def workshop_folder() -> Path:
    """Return `$XACCT_WORKSHOP`, else `xacct-nb/workshop` in the user's state folder (XDG)."""
    if chosen := os.environ.get(FOLDER_VARIABLE):
        return Path(chosen)
    return state_folder() / "workshop"


def shell_line(config_file: Path, credentials_file: Path) -> str:
    """Return the line with which a shell, and the AWS CLI in it, uses these AWS files."""
    files = {"AWS_CONFIG_FILE": config_file, "AWS_SHARED_CREDENTIALS_FILE": credentials_file}
    return f"export {' '.join(f'{name}={shlex.quote(str(path))}' for name, path in files.items())}"


def progress_path(folder: Path, sheet: str) -> Path:
    """Return the file with the progress of a sheet, whose other files are in `folder`."""
    if sys.platform == "emscripten" and _KEPT_BY_THE_BROWSER.is_dir():
        return _KEPT_BY_THE_BROWSER / f"{sheet}.json"
    return folder / PROGRESS_FILE


def status_folder() -> Path:
    """Return the folder in which a class shows its progress: `$XACCT_WORKSHOP_STATUS`, else one's own."""
    return Path(os.environ.get(STATUS_VARIABLE) or workshop_folder())


def share_progress(progress: Mapping[str, Any]) -> str:
    """Write the data of a progress into the class's folder, if there is one; return why it cannot be.

    In a folder with the sticky bit, only the participant's own user can change what is in it.
    """
    chosen = os.environ.get(STATUS_VARIABLE)
    if not chosen:
        return ""
    try:
        folder = Path(chosen)
        for name in (progress["participant"], progress["sheet"]):
            folder = _own_folder(folder / name)
        shown = {**progress, "sandbox": "", "world": ""}
        replace_file(folder / PROGRESS_FILE, json.dumps(shown, indent=1).encode())
        (folder / PROGRESS_FILE).chmod(_READABLE_FILE)
    except OSError as problem:
        return f"The trainer does not see your progress: {problem.strerror}: {problem.filename}"
    return ""


def _own_folder(folder: Path) -> Path:
    """Return a folder of this user, made if it is not there. Raises OSError for anybody else's."""
    if not kind_of(folder):
        folder.mkdir()
        folder.chmod(_READABLE_FOLDER)  # whatever the umask: the trainer has to read it
    if kind_of(folder) != "folder" or folder.lstat().st_uid != os.getuid():
        raise PermissionError(1, "Another user has what is of this name", str(folder))
    return folder
