"""The commands that bring the notebooks to a person: xacct-nb lab, page, notebooks copy."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from xacct_nb.cli.output import PATH, CommandGroup, print_value, with_json

if TYPE_CHECKING:
    from xacct_nb.runs.lab import LabFolder


_FOLDER = click.option(
    "--folder",
    default="",
    metavar="DIR",
    help="Folder for the notebooks and docs (default: ./xacct-nb; in a clone its own).",
)


@click.command(context_settings={"ignore_unknown_options": True})
@_FOLDER
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[JUPYTERLAB OPTIONS]...")
def lab(folder: str, options: tuple[str, ...]) -> None:
    """Open JupyterLab on the start notebook, with the sandbox up.

    JupyterLab serves the current folder, with a copy of the notebooks and docs in DIR and the records in
    ./records. A file that you changed is kept. In a clone, JupyterLab serves the clone without a copy.

    All other options go to JupyterLab, for example: --port 8890
    """
    _prepared(folder).serve(options)


@click.command(context_settings={"ignore_unknown_options": True})
@_FOLDER
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[VOILA OPTIONS]...")
def page(folder: str, options: tuple[str, ...]) -> None:
    """Open the whole path of a grant on one page, in a browser.

    The page is that of the notebook 15_on_one_page, with the sandbox up: it applies, proves and undoes for
    real. It is served on this machine only, behind a token. The folders are those of xacct-nb lab. It needs
    the extra voila: pip install 'xacct-nb[voila]'

    All other options go to Voila, for example: --port 8890 --theme dark --no-browser
    """
    _prepared(folder).serve_page(options)


def _prepared(folder: str) -> "LabFolder":
    """Return the folder to serve, and start the sandbox; say what was copied, and how to end the sandbox."""
    from xacct_nb.runs.lab import prepare_lab
    from xacct_nb.runs.sandboxes import open_sandbox

    prepared = prepare_lab(folder)
    if prepared.copied:
        click.echo(str(prepared.copied), err=True)
    click.echo(f"Sandbox: {open_sandbox().endpoint}  (end it with: xacct-nb sandbox down)", err=True)
    return prepared


@click.group(cls=CommandGroup)
def notebooks() -> None:
    """Copy the notebooks into a folder of yours."""


@notebooks.command("copy")
@click.argument("folder", metavar="DIR", type=PATH)
@with_json
def notebooks_copy(folder: Path, as_json: bool) -> None:
    """Copy the notebooks and their docs into DIR.

    A file that you changed is kept and named. Files that you did not change are brought up to date.
    """
    from xacct_nb.storage.shipped import copy_notebooks

    copied = copy_notebooks(folder)
    print_value(copied, copied.to_json(), as_json)
