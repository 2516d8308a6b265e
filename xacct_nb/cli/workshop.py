"""The commands of the workshop: xacct-nb workshop list, start, status, grade, site."""

import sys
from pathlib import Path
from typing import Any

import click

from xacct_nb.cli.output import PATH, CommandGroup, add_options, json_to_file, print_value, with_json

_PORT = click.IntRange(0, 65535)
_NO_BROWSER = "Print the address, and open no browser."
_ALLOW_ROOT = "Let JupyterLab run as root, as in a container."
_START = add_options(
    click.option("--participant", default="", metavar="NAME", help="Your name (default: your user)."),
    click.option("--sheet", default="1", metavar="NAME", help="Sheet to open, by its name or number."),
    click.option("--port", default=0, type=_PORT, help="JupyterLab's port (default: 8888)."),
    click.option("--no-browser", "flags", flag_value="--no-browser", multiple=True, help=_NO_BROWSER),
    click.option("--allow-root", "flags", flag_value="--allow-root", multiple=True, help=_ALLOW_ROOT),
)
_STATUS = add_options(
    click.option("--follow", is_flag=True, help="Show it again and again, until Ctrl-C."),
    click.option("--page", is_flag=True, help="Serve it as a page on this machine, until Ctrl-C."),
    click.option("--port", default=0, type=_PORT, help="The page's port (default: a free one)."),
)
_SECONDS, _TIME_LIMIT = click.FloatRange(1, 86_400), "Seconds for the cells of a notebook (default: 120)."
_NUMBER, _JOBS = click.IntRange(0, 256), "Notebooks at once (default: one for each core)."
_GRADE = add_options(
    json_to_file("Write all grades as JSON; - prints it, and nothing else."),
    click.option("--csv", type=PATH, metavar="FILE", help="Write a line for each notebook as CSV."),
    click.option(
        "--gradescope", type=PATH, metavar="DIR", help="Write DIR/NAME/results.json for Gradescope."
    ),
    click.option("--time-limit", default=120.0, type=_SECONDS, metavar="SECONDS", help=_TIME_LIMIT),
    click.option("--jobs", default=0, type=_NUMBER, metavar="N", help=_JOBS),
    click.option("--sheet", default="", metavar="NAME", help="Grade this sheet only, by its name or number."),
)


@click.group(cls=CommandGroup)
def workshop() -> None:
    """Exercises on cross-account access that check themselves, for one person or a class."""


@workshop.command("list")
@with_json
def workshop_list(as_json: bool) -> None:
    """List the sheets: number, name, title, minutes, exercises."""
    from xacct_nb.workshop.sheet_list import list_sheets

    sheets = list_sheets()
    print_value(sheets, sheets.to_json(), as_json)


@workshop.command("start")
@click.argument("folder", required=False, default="", metavar="[DIR]")
@_START
def workshop_start(folder: str, participant: str, sheet: str, port: int, flags: tuple[str, ...]) -> None:
    """Open JupyterLab on the first sheet, with the sandbox up.

    The sheets are copied into DIR (default: ./xacct-nb-workshop), but never over one that you changed. In a
    clone, without DIR, JupyterLab serves the clone.
    """
    from xacct_nb.workshop.start import prepare_workshop

    prepared, lines = prepare_workshop(folder, sheet, participant)
    click.echo("\n".join(lines), err=True)
    prepared.serve([*([f"--port={port}"] if port else []), *flags])


@workshop.command("status")
@click.argument("folder", required=False, type=PATH, metavar="[FOLDER]")
@_STATUS
@with_json
def workshop_status(folder: Path | None, follow: bool, page: bool, port: int, as_json: bool) -> None:
    """Show where each participant is, and what the class is stuck on.

    FOLDER has the progress of the participants: by default $XACCT_WORKSHOP_STATUS, else your own workshop
    folder.
    """
    from xacct_nb.cli.class_status import show_status

    show_status(folder, follow=follow, port=port if page else None, as_json=as_json)


@workshop.command("site")
@click.argument("folder", type=PATH, metavar="DIR")
@with_json
def workshop_site(folder: Path, as_json: bool) -> None:
    """Build the browser edition into DIR: a static site in which the sheets run without a server.

    It needs npm, pip, and the extra xacct-nb[sandbox,lite]. What is fetched is kept for the next build.
    """
    from xacct_nb.workshop.site.build import build_site, default_cache

    built = build_site(folder, default_cache(), lambda line: click.echo(line, err=True))
    print_value(built, built.to_json(), as_json)


@workshop.command("grade")
@click.argument("folder", type=PATH)
@_GRADE
def workshop_grade(
    folder: Path, json_file: Path | None, csv: Path | None, gradescope: Path | None, **options: Any
) -> None:
    """Run the submitted notebooks in FOLDER, and count the exercises that are correct.

    FOLDER has NAME.ipynb, NAME_SHEET.ipynb or NAME/SHEET.ipynb. Each notebook has a sandbox of its own, but
    its code runs as your user: grade people whom you do not know in a container (docs/workshop-grading.md).

    The exit code is 0 if every notebook was graded, whatever its result, and 1 if one could not be graded.
    """
    from xacct_nb.cli.grading import grade

    files = {"json": json_file, "csv": csv, "gradescope": gradescope}
    sys.exit(grade(folder, files, **options))
