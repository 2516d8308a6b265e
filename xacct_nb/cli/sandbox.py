"""The commands for the embedded AWS: xacct-nb sandbox up, down, status, reset, env, faults, organization."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xacct_nb.cli.faults import fault_options, parse_fault, running_sandbox, set_fault
from xacct_nb.cli.output import PATH, CommandGroup, print_value, with_json

if TYPE_CHECKING:  # -h loads none of them
    from xacct_nb.sandbox.server.state import Sandbox


@click.group(cls=CommandGroup)
def sandbox() -> None:
    """Control the embedded AWS on this machine.

    It has the accounts 111111111111 and 222222222222.
    """


@sandbox.command("up")
@fault_options
@click.option("--organization", type=PATH, help="As with `sandbox organization FILE`.")
@with_json
def sandbox_up(as_json: bool, organization: Path | None, **given: Any) -> None:
    """Start the sandbox, or find the running one.

    --kind sets a fault, as `sandbox faults` does.
    """
    from xacct_nb.runs.sandboxes import load_organization, open_sandbox

    fault, found = parse_fault(given), open_sandbox()
    set_fault(found, fault, given["seed"])
    if organization:
        load_organization(found, organization)
    _print_sandbox(found, as_json)


@sandbox.command("organization")
@click.argument("file", type=PATH)
def sandbox_organization(file: Path) -> None:
    """Put accounts into an organization with control policies.

    FILE is JSON: id, accounts (account -> path), management (an account), service_control_policies and
    resource_control_policies (account -> a list of policies for each level, root first), names, tags,
    states, units and delegated_administrators (docs/sandbox.md).
    """
    from xacct_nb.runs.sandboxes import load_organization

    click.echo(f"In the organization: {', '.join(load_organization(running_sandbox(), file))}.")


@sandbox.command("faults")
@fault_options
@click.option("--add", is_flag=True, help="Keep the present faults.")
@click.option("--clear", is_flag=True, help="Remove all faults.")
@with_json
def sandbox_faults(as_json: bool, add: bool, clear: bool, **given: Any) -> None:
    """Show the faults of the sandbox, or set one.

    For example: --kind throttling --on CreateRole --share 0.3
    """
    from xacct_nb.sandbox.server.client import behave

    fault, found = parse_fault(given), running_sandbox()
    shown = behave(found) if clear else set_fault(found, fault, given["seed"], add=add)
    print_value(shown, shown.to_json(), as_json)


@sandbox.command("status")
@with_json
def sandbox_status(as_json: bool) -> None:
    """Print where the sandbox runs (exit code 1 if it does not)."""
    from xacct_nb.sandbox.server import server

    if found := server.status():
        return _print_sandbox(found, as_json)
    print_value("No sandbox runs. Start it with: xacct-nb sandbox up", {"endpoint": None}, as_json)
    sys.exit(1)


@sandbox.command("down")
def sandbox_down() -> None:
    """End the sandbox."""
    from xacct_nb.sandbox.server import server

    click.echo("The sandbox has ended." if server.down() else "No sandbox was running.")


@sandbox.command("reset")
@with_json
def sandbox_reset(as_json: bool) -> None:
    """Empty the accounts and create them again."""
    from xacct_nb.runs.sandboxes import reset_sandbox

    _print_sandbox(reset_sandbox(), as_json)


@sandbox.command("env")
def sandbox_env() -> None:
    """Print exports for boto3 and the AWS CLI.

    The sandbox is started where none runs. Use the exports so: eval "$(xacct-nb sandbox env)"

    Variables that would lead elsewhere are unset.
    """
    import shlex

    from xacct_nb.runs.sandboxes import open_sandbox
    from xacct_nb.sandbox.server.variables import variables_for

    wanted, unset = variables_for(open_sandbox(), os.environ)
    for name in unset:
        click.echo(f"unset {shlex.quote(name)}")
    for name, value in wanted.items():
        click.echo(f"export {name}={shlex.quote(value)}")


def _print_sandbox(found: "Sandbox", as_json: bool) -> None:
    fields = found.to_json()
    print_value("\n".join(f"{name}: {value}" for name, value in fields.items()), fields, as_json)
