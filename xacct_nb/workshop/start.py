"""The workshop for a person who begins: the sheets in a folder, in JupyterLab, with the sandbox up."""

from pathlib import Path

from xacct_nb.errors import UnknownNotebook
from xacct_nb.runs.lab import LabFolder
from xacct_nb.runs.sandboxes import open_sandbox
from xacct_nb.storage.shipped import DOCS, IS_CLONE, NOTEBOOKS, SHIPPED, copy_shipped
from xacct_nb.workshop.exercise import Sheet
from xacct_nb.workshop.folders import shell_line, workshop_folder
from xacct_nb.workshop.opening import PARTICIPANT_VARIABLE, participant_name
from xacct_nb.workshop.sheets import sheet_named

_SHEETS = f"{NOTEBOOKS}/workshop"
# The solutions and the instructor's pages are left out.
_COPIED = ((_SHEETS, "[!.]*.ipynb"), (DOCS, "*.md"))


def prepare_workshop(folder: str, name: str, participant: str) -> tuple[LabFolder, tuple[str, ...]]:
    """Copy the sheets into `folder`, by default ./xacct-nb-workshop, and start the sandbox.

    Return what JupyterLab serves, open on the sheet of this name or number, and the lines that say it. A
    clone is served as it is, if no folder is named. Raises InvalidInput for another sheet, InvalidParameters
    where the folder cannot be written, SandboxError if the sandbox does not start.
    """
    sheet = sheet_named(name)
    variables = {PARTICIPANT_VARIABLE: participant} if participant else {}
    if IS_CLONE and not folder:
        root, copied = SHIPPED, None
    else:
        copied = copy_shipped(Path(folder or "xacct-nb-workshop").resolve(), _COPIED, "Sheets and docs")
        root = copied.folder
    start = _require(root / _SHEETS / f"{sheet.stem}.ipynb")
    told = ((str(copied),) if copied else ()) + _lines(sheet, participant)
    return LabFolder(root, start, copied, variables), told


def _lines(sheet: Sheet, participant: str) -> tuple[str, ...]:
    name = participant_name(participant)
    folder = workshop_folder() / name / sheet.name
    return (
        f"Sandbox: {open_sandbox().endpoint}  (end it with: xacct-nb sandbox down)",
        f"Participant: {name}  (progress: {workshop_folder() / name})",
        "For the AWS CLI in a terminal, once the sheet is open (each sheet shows its own line):",
        f"  {shell_line(folder / 'config', folder / 'credentials')}",
        "  aws sts get-caller-identity --profile alice",
    )


def _require(start: Path) -> Path:
    if start.exists():
        return start
    raise UnknownNotebook(
        "This installation does not have the notebook of this sheet.",
        why=f"There is no {start}.",
        hint="pip install --force-reinstall --no-deps xacct-nb",
    )
