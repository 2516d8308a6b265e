"""The command line: xacct-nb. The notebooks are the commands; this is what is around them."""

import json
import sys
import warnings
from pathlib import Path

import click

from xacct_nb.cli.approval import approval_options
from xacct_nb.cli.lab import lab, notebooks
from xacct_nb.cli.notebook import NotebookCommand
from xacct_nb.cli.output import (
    as_json_option,
    handle_errors,
    interrupt_on_signals,
    print_result,
    progress_bar,
)
from xacct_nb.cli.records import records, records_option
from xacct_nb.cli.sandbox import sandbox
from xacct_nb.errors import EXIT_CODES

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(context_settings=_CONTEXT)
@click.version_option(package_name="xacct-nb")
def main() -> None:
    """Let one AWS account in to another: planned, approved, applied, proven, recorded."""
    # A user reads the message; the line of our source that warned says nothing to them.
    warnings.formatwarning = lambda message, *_: f"Note: {message}\n"


@main.command()
@records_option
@as_json_option
@handle_errors
def demo(records: str, as_json: bool) -> None:
    """The main job for the article's own case, in a throw-away sandbox."""
    from xacct_nb.runs.demo import demonstrate

    interrupt_on_signals()
    with progress_bar() as tell:
        shown = demonstrate(records, tell)
    print_result(shown, shown.to_json(), shown.ended.record.error, as_json)
    sys.exit(EXIT_CODES[shown.ended.record.status])


@main.command()
@as_json_option
@handle_errors
def doctor(as_json: bool) -> None:
    """Check Python, packages, kernel, browser, sandbox and AWS profiles; each line says how to mend it."""
    from xacct_nb.runs.doctor import examine

    found = examine()
    click.echo(json.dumps({"well": found.well, "checks": found.to_json()}) if as_json else str(found))
    sys.exit(0 if found.well else 1)


for group in (lab, notebooks, sandbox, records):
    main.add_command(group)


@main.command("run", cls=NotebookCommand)
@click.argument("notebook")
@click.option(
    "-f",
    "--file",
    type=click.Path(path_type=Path),
    help="Grant file (YAML or JSON); other parameters may stand in it too.",
)
@click.option(
    "-p",
    "--parameter",
    "options",
    nargs=2,
    multiple=True,
    metavar="NAME VALUE",
    help="One parameter; conditions.external_id names a field, -p sources twice adds a second item.",
)
@click.option("--approve", default="", metavar="DIGEST", help="The digest of the plan that was approved.")
@approval_options
@click.option("--timeout", type=click.IntRange(1), help="Seconds that a cell may run.")
@records_option
@as_json_option
@handle_errors
def run_command(
    notebook: str,
    file: Path | None,
    options: tuple[tuple[str, str], ...],
    approve: str,
    timeout: int | None,
    records: str,
    as_json: bool,
) -> None:
    """One recorded headless run. NOTEBOOK is a path, or a name with or without its number (plan_and_apply).

    Without --approve it plans and changes nothing; with the plan's digest it applies, proves and records.
    """
    from xacct_nb.runs.startup import single_run

    interrupt_on_signals()
    with single_run() as prepared, progress_bar() as tell:
        from xacct_nb.runs.runner import run

        ended = run(
            notebook,
            file=file,
            options=options,
            approve=approve,
            records=records,
            timeout=timeout,
            tell=tell,
            prepared=prepared,
        )
    print_result(ended, ended.to_json(), ended.record.error, as_json)
    sys.exit(EXIT_CODES[ended.record.status])
