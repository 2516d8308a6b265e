"""The command for pipelines: xacct-nb check."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xacct_nb.cli.output import PATH, JsonAsked, print_value

if TYPE_CHECKING:  # -h loads none of it
    from xacct_nb.changes.check_report import CheckReport

_FORMATS = ("text", "json", "sarif")
_LEVELS = ("error", "warning", "new", "never")


def _note_format(ctx: click.Context, option: click.Parameter, value: str) -> str:
    if isinstance(ctx.obj, JsonAsked):
        ctx.obj.asked = value == "json"
    return value


def _levels(ctx: click.Context, option: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    if "never" in value and len(set(value)) > 1:
        raise click.BadParameter("never stands alone.", ctx, option)
    return value


@click.command()
@click.argument("files", nargs=-1, required=True, type=PATH)
@click.option(
    "--against",
    metavar="REF",
    default="",
    help="The commit to compare with, such as origin/main (default: HEAD, where the file is in git).",
)
@click.option("--against-file", type=PATH, metavar="FILE", help="The file to compare one file with.")
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default="text",
    show_default=True,
    is_eager=True,
    callback=_note_format,
    help="How the results are printed.",
)
@click.option(
    "--fail-on",
    type=click.Choice(_LEVELS),
    multiple=True,
    default=("error",),
    show_default=True,
    callback=_levels,
    help="What fails the check, beside an invalid file; may be given more than once.",
)
def check(
    files: tuple[Path, ...], against: str, against_file: Path | None, form: str, fail_on: tuple[str, ...]
) -> None:
    """Check grant and fleet files: are they valid, with which findings, and what they newly let in.

    Nothing is asked of AWS, and no secret is looked up. What a file newly lets in is decided by meaning,
    against its committed version: a file that is only reordered lets in nothing.

    --fail-on error fails on findings that widen access and that `accept` in the file does not name, as a run
    would refuse them. warning fails on warnings too, new also on whatever is newly let in: to let somebody in
    is what a grant is for, so it is shown, and only fails where a pipeline asks for it. An invalid file
    always fails: it was not checked.

    The exit code is 0, 2 for a file or a command that is not valid, or 10 for findings.
    """
    from xacct_nb.changes.check_report import CHECK_EXIT_CODES
    from xacct_nb.errors import InvalidParameters
    from xacct_nb.runs.check import EarlierVersion, check_files

    if against and against_file:
        raise InvalidParameters(
            "--against and --against-file are both given.",
            why="A file is compared with one other version.",
            hint="Give one of them.",
        )
    is_required = bool(against) or "new" in fail_on
    report = check_files(files, EarlierVersion(against, against_file, is_required), fail_on)
    _print(report, form)
    sys.exit(CHECK_EXIT_CODES[report.status])


def _print(report: "CheckReport", form: str) -> None:
    """Print the report; with JSON and SARIF, its summary goes to standard error."""
    if form == "sarif":
        from importlib.metadata import version

        from xacct_nb.linting.sarif import sarif_log

        click.echo(json.dumps(sarif_log(report.sarif_results(), version("xacct-nb")), indent=2))
    else:
        print_value(report, report.to_json(), form == "json")
    if form != "text":
        click.echo(report.summary, err=True)
