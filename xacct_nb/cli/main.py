"""The command line xacct-nb: it runs the notebooks, and manages records and the sandbox."""

import sys
import warnings
from pathlib import Path
from typing import Any

import click

from xacct_nb.cli.approve import approve
from xacct_nb.cli.check import check
from xacct_nb.cli.handoff import handoff
from xacct_nb.cli.lab import lab, notebooks, page
from xacct_nb.cli.notebook import NotebookCommand, run_headless
from xacct_nb.cli.output import (
    PATH,
    CommandLine,
    end_run,
    interrupt_on_signals,
    print_value,
    progress_bar,
    with_json,
)
from xacct_nb.cli.profile import profile
from xacct_nb.cli.records import records, records_option
from xacct_nb.cli.sandbox import sandbox
from xacct_nb.cli.workshop import workshop

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=CommandLine, context_settings=_CONTEXT)
@click.version_option(package_name="xacct-nb")
def main() -> None:
    """Give principals of one AWS account access to another: plan, approve, apply, prove, record."""
    # The user needs the message, not the line of our source that issued it.
    warnings.formatwarning = lambda message, *_: f"Note: {message}\n"


@main.command()
@records_option
@with_json
def demo(records: str, as_json: bool) -> None:
    """Plan, apply, prove and record an example in its own sandbox."""
    from xacct_nb.runs.demo import demonstrate

    interrupt_on_signals()
    with progress_bar() as report:
        demonstration = demonstrate(records, report)
    end_run(demonstration, as_json)


@main.command()
@click.option("--rights", "file", type=PATH, help="Print the IAM policies that this grant or fleet needs.")
@click.option("--side", default="", help="Of one side: source, destination, hub, organization.")
@click.option(
    "--step",
    "steps",
    multiple=True,
    help="Of some steps: plan, apply, prove, who-changed, narrow, diagnose, roll-back.",
)
@click.option("--account-role", default="", metavar="NAME", help="Role in each account that a hub assumes.")
@with_json
def doctor(as_json: bool, file: Path | None, **about: Any) -> None:
    """Check Python, packages, kernel, sandbox and AWS profiles; or print the rights that are needed."""
    from xacct_nb.runs.doctor import examine
    from xacct_nb.runs.rights import rights_for_file

    if file:
        needed = rights_for_file(file, **about)
        return print_value(needed, {"rights": needed.to_json()}, as_json)
    found = examine()
    print_value(found, {"well": found.well, "checks": found.to_json()}, as_json)
    sys.exit(0 if found.well else 1)


for command in (lab, page, notebooks, sandbox, records, approve, check, profile, handoff, workshop):
    main.add_command(command)


@main.command("run", cls=NotebookCommand)
@click.argument("notebook")
@click.option("-f", "--file", type=PATH, help="Grant file (YAML or JSON): who gets access to what.")
@click.option("-r", "--run-file", type=PATH, help="Run file (YAML or JSON) of your own: how the run acts.")
@click.option(
    "-p",
    "--parameter",
    "options",
    nargs=2,
    multiple=True,
    metavar="NAME VALUE",
    help="One parameter; a dot names a field (conditions.external_id), -p again adds an item.",
)
@click.option(
    "--allow-reference",
    "references",
    multiple=True,
    metavar="REF",
    help="Let the grant file refer to this: env:NAME or file:PATH.",
)
@click.option("--approve", default="", metavar="DIGEST", help="Digest of the approved plan.")
@click.option("--note", default="", metavar="TEXT", help="Note for the record.")
@click.option("--ticket", default="", metavar="TEXT", help="Ticket or change number for the record.")
@click.option("--timeout", type=click.IntRange(1), help="Longest time that a cell may run, in seconds.")
@records_option
@with_json
def run_command(
    notebook: str,
    file: Path | None,
    run_file: Path | None,
    options: tuple[tuple[str, str], ...],
    references: tuple[str, ...],
    approve: str,
    note: str,
    ticket: str,
    timeout: int | None,
    records: str,
    as_json: bool,
) -> None:
    """Run a notebook headless, and record the run.

    NOTEBOOK is a path, or a name such as plan_and_apply. Without --approve the run plans and changes
    nothing; with the plan's digest it applies, proves and records.
    """
    allowed = (("allow_references", each) for each in references)
    texts = (each for each in (("note", note), ("ticket", ticket)) if each[1])
    more = {"file": file, "run_file": run_file, "approve": approve, "records": records, "timeout": timeout}
    end_run(run_headless(notebook, options=(*options, *allowed, *texts), **more), as_json)
