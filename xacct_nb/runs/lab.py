"""JupyterLab with the notebooks, the docs and the records inside one folder, so that every link opens."""

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from xacct_nb.errors import MissingTool
from xacct_nb.jupyter.missing_names import startup_environment
from xacct_nb.jupyter.served import LAB_VARIABLE
from xacct_nb.runs.sealing import RECORDS_VARIABLE
from xacct_nb.storage.shipped import (
    IS_CLONE,
    NOTEBOOKS,
    SHIPPED,
    CopiedNotebooks,
    copy_notebooks,
    require_notebooks,
)

PAGE_NOTEBOOK = "15_on_one_page.ipynb"


@dataclass(frozen=True)
class LabFolder:
    """The folder that JupyterLab serves, the start notebook in it, and what was copied into it.

    `variables` are further ones of the server's environment.
    """

    root: Path
    start: Path
    copied: CopiedNotebooks | None
    variables: Mapping[str, str] = field(default_factory=dict)

    def serve(self, options: Iterable[str]) -> None:
        """Become JupyterLab, open on the start notebook; `options` are JupyterLab's own.

        The records are in the same folder, unless $XACCT_RECORDS names another.
        """
        # Also the address that JupyterLab prints, for a browser elsewhere, leads to the start notebook.
        address = f"--LabApp.default_url=/lab/tree/{quote(self.start.relative_to(self.root).as_posix())}"
        # Else JupyterLab asks whether it may fetch news, over the first cells that a newcomer sees.
        no_news = "--LabApp.news_url=None"
        server = ["--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={self.root}", address, no_news]
        self._become("jupyterlab", *server, *options, str(self.start))

    def serve_page(self, options: Iterable[str]) -> None:
        """Become Voila with the page of a grant, behind a token; `options` are Voila's own.

        Raises MissingTool where Voila is not installed.
        """
        if find_spec("voila") is None:
            raise MissingTool(
                "The page needs Voila, which is not installed.",
                why="It is an extra, because JupyterLab shows the same page.",
                hint="pip install 'xacct-nb[voila]', or xacct-nb lab and 15_on_one_page.ipynb in it",
            )
        server = ["--Voila.ip=127.0.0.1", f"--Voila.root_dir={self.root}", "--show_tracebacks=True"]
        self._become(
            "xacct_nb.jupyter.voila_app", *server, *options, str(self.start.with_name(PAGE_NOTEBOOK))
        )

    def _become(self, module: str, *arguments: str) -> None:
        """Run the server in place of this process, so that only the server gets Ctrl-C."""
        command = [sys.executable, "-P", "-m", module, *arguments]
        records = {RECORDS_VARIABLE: str(self.root / "records")}
        own = {**startup_environment(os.environ), **self.variables, LAB_VARIABLE: str(self.root)}
        os.execve(command[0], command, {**records, **os.environ, **own})


def prepare_lab(folder: str) -> LabFolder:
    """Copy the notebooks and docs into `folder`, by default ./xacct-nb; a clone is served as it is.

    The served folder is the current one, so that `run` and JupyterLab have the same records; a folder
    elsewhere is served itself. Raises InvalidParameters where the folder cannot be written, UnknownNotebook
    where this installation has no notebooks.
    """
    require_notebooks()
    first = Path(NOTEBOOKS, "00_start_here.ipynb")
    if IS_CLONE and not folder:
        return LabFolder(SHIPPED, SHIPPED / first, None)
    copied, here = copy_notebooks(Path(folder or "xacct-nb").resolve()), Path.cwd()
    root = here if copied.folder.is_relative_to(here) else copied.folder
    return LabFolder(root, copied.folder / first, copied)
