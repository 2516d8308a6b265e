"""The command line: xacct-nb. The notebooks are the commands; this is what is around them."""

import atexit
import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from xacct_nb.errors import EXIT_CODES
from xacct_nb.fault_options import clear_faults, fault_from, fault_options, running, set_fault
from xacct_nb.telling import end_in_order, progress, tell_error, told

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_PREPARATIONS = ("xacct_nb.runs:warm_up",)
_records = click.option(
    "--records",
    default="",
    metavar="DIR",
    help="Folder of the records (default: $XACCT_RECORDS, else ./records).",
)
_json = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on standard output and nothing else there."
)


@click.group(context_settings=_CONTEXT)
@click.version_option(package_name="xacct-nb")
def main() -> None:
    """Let one AWS account in to another: planned, approved, applied, proven, recorded."""


@main.command()
@_records
@_json
@told
def demo(records: str, as_json: bool) -> None:
    """The main job for the article's own case, in a throw-away sandbox."""
    from xacct_nb.demo import demonstrate

    end_in_order()
    with progress() as tell:
        shown = demonstrate(records, tell)
    click.echo(json.dumps(shown.to_json()) if as_json else str(shown))
    sys.exit(EXIT_CODES[shown.ended.record.status])


@main.command()
@told
def lab() -> None:
    """JupyterLab on the start notebook, with the sandbox up."""
    from xacct_nb.orders import notebooks_folder
    from xacct_nb.worlds import open_sandbox

    sandbox = open_sandbox()
    click.echo(f"Sandbox: {sandbox.endpoint}  (end it with: xacct-nb sandbox down)", err=True)
    os.environ.setdefault("XACCT_RECORDS", str(Path("records").absolute()))
    start = notebooks_folder() / "00_start_here.ipynb"
    sys.exit(
        subprocess.call(
            [
                sys.executable,
                "-m",
                "jupyterlab",
                "--ServerApp.ip=127.0.0.1",
                f"--ServerApp.root_dir={start.parent}",
                str(start),
            ]
        )
    )


@main.command()
@_json
@told
def doctor(as_json: bool) -> None:
    """Check Python, packages, kernel, browser, sandbox and AWS profiles; each line says how to mend it."""
    from xacct_nb.doctor import examine

    found = examine()
    click.echo(json.dumps({"well": found.well, "checks": found.to_json()}) if as_json else str(found))
    sys.exit(0 if found.well else 1)


@main.group()
def sandbox() -> None:
    """The embedded AWS: accounts 111111111111 and 222222222222 on this machine."""


@sandbox.command("up")
@fault_options
@_json
@told
def sandbox_up(as_json: bool, **given: Any) -> None:
    """Start it, or find the one that runs.

    With --kind it misbehaves from then on, as with `sandbox faults`.
    """
    from xacct_nb.worlds import open_sandbox

    fault, found = fault_from(given), open_sandbox()
    set_fault(found, fault, given["seed"])
    _tell_sandbox(found, as_json)


@sandbox.command("faults")
@fault_options
@click.option("--add", is_flag=True, help="Keep the faults that are set.")
@click.option("--clear", is_flag=True, help="Let it behave again.")
@_json
@told
def sandbox_faults(as_json: bool, add: bool, clear: bool, **given: Any) -> None:
    """Show what goes wrong in it, or make it misbehave.

    For example: --kind throttling --on CreateRole --share 0.3
    """
    fault, found = fault_from(given), running()
    shown = clear_faults(found) if clear else set_fault(found, fault, given["seed"], add=add)
    click.echo(json.dumps(shown.to_json()) if as_json else str(shown))


@sandbox.command("status")
@_json
@told
def sandbox_status(as_json: bool) -> None:
    """Whether it runs, and where (exit code 1 if not)."""
    from xacct_nb.sandbox import server

    if found := server.status():
        return _tell_sandbox(found, as_json)
    click.echo(
        json.dumps({"endpoint": None}) if as_json else "No sandbox runs. Start it with: xacct-nb sandbox up"
    )
    sys.exit(1)


@sandbox.command("down")
@told
def sandbox_down() -> None:
    """End it."""
    from xacct_nb.worlds import close_sandbox

    click.echo("The sandbox has ended." if close_sandbox() else "No sandbox was running.")


@sandbox.command("reset")
@_json
@told
def sandbox_reset(as_json: bool) -> None:
    """Empty its accounts and furnish them anew."""
    from xacct_nb.worlds import reset_sandbox

    _tell_sandbox(reset_sandbox(), as_json)


@sandbox.command("env")
@told
def sandbox_env() -> None:
    """Print the exports that make boto3 and the AWS CLI use it: eval "$(xacct-nb sandbox env)"."""
    import shlex

    from xacct_nb.worlds import open_sandbox

    for name, value in open_sandbox().environment().items():
        click.echo(f"export {name}={shlex.quote(value)}")


@main.command("run")
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
@click.option("--timeout", type=click.IntRange(1), help="Seconds that a cell may run.")
@_records
@_json
@told
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
    from xacct_nb.jupyter.prepared import Prepared

    # A process that ends with its run has no garbage to collect, and nothing to take apart at its end.
    gc.disable()
    atexit.register(gc.freeze)
    end_in_order()
    # What will be the kernel loads what it needs while the parameters are checked here.
    with Prepared(_PREPARATIONS) as prepared, progress() as tell:
        from xacct_nb.runner import run

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
    click.echo(json.dumps(ended.to_json()) if as_json else str(ended))
    if as_json:
        tell_error(ended.record.error)
    sys.exit(EXIT_CODES[ended.record.status])


@main.group()
def records() -> None:
    """What was done: the records of a folder."""


@records.command("list")
@_records
@_json
@told
def records_list(records: str, as_json: bool) -> None:
    """One line a record, the newest last."""
    from xacct_nb.closing import show_ledger

    shown = show_ledger(records)
    click.echo(json.dumps({"records": shown.lines}) if as_json else str(shown))


@records.command("show")
@click.argument("record")
@_records
@_json
@told
def records_show(record: str, records: str, as_json: bool) -> None:
    """One record whole. RECORD is an id, its beginning or end, or a path."""
    from xacct_nb.closing import records_folder
    from xacct_nb.disk.ledger import read_record

    found = read_record(records_folder(records), record)
    click.echo(json.dumps(found.to_json()) if as_json else str(found))


@records.command("verify")
@_records
@_json
@told
def records_verify(records: str, as_json: bool) -> None:
    """Whether anything was changed, removed or added since (exit code 1 if so)."""
    from xacct_nb.closing import records_folder
    from xacct_nb.disk.ledger import ledger_lines, verify_records

    folder = records_folder(records)
    broken = verify_records(folder)
    count = len(ledger_lines(folder))
    whole = f"{count} record{'s' * (count != 1)}, all whole."
    click.echo(json.dumps({"whole": not broken, "broken": broken}) if as_json else "\n".join(broken) or whole)
    sys.exit(1 if broken else 0)


def _tell_sandbox(found: Any, as_json: bool) -> None:
    described = found.to_json()
    lines = (f"{name}: {value}" for name, value in described.items())
    click.echo(json.dumps(described) if as_json else "\n".join(lines))
