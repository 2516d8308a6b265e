"""The commands that bring the notebooks to a person: xacct-nb lab, xacct-nb notebooks copy."""

from pathlib import Path

import click

from xacct_nb.cli.output import PATH, print_value, with_json


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--folder",
    default="",
    metavar="DIR",
    help="Folder for the notebooks and docs (default: ./xacct-nb; in a clone its own).",
)
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[JUPYTERLAB OPTIONS]...")
def lab(folder: str, options: tuple[str, ...]) -> None:
    """Open JupyterLab on the start notebook, with the sandbox up.

    JupyterLab serves the current folder, with a copy of the notebooks and docs in DIR and the records in
    ./records. A file that you changed is kept. In a clone, JupyterLab serves the clone without a copy.

    All other options go to JupyterLab, for example: --port 8890
    """
    from xacct_nb.runs.lab import prepare_lab
    from xacct_nb.runs.sandboxes import open_sandbox

    prepared = prepare_lab(folder)
    if prepared.copied:
        click.echo(str(prepared.copied), err=True)
    click.echo(f"Sandbox: {open_sandbox().endpoint}  (end it with: xacct-nb sandbox down)", err=True)
    prepared.serve(options)


@click.group()
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
