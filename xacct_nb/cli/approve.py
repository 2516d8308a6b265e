"""The command that approves a plan with an SSH signature: xacct-nb approve."""

from pathlib import Path

import click

from xacct_nb.cli.output import PATH, print_value, with_json
from xacct_nb.cli.records import print_recovery, records_option


@click.command()
@click.argument("digest")
@click.option(
    "--key",
    type=PATH,
    required=True,
    help="Your SSH key, such as ~/.ssh/id_ed25519, or its .pub file where an agent has the key.",
)
@click.option("--note", default="", metavar="TEXT", help="Note for the record.")
@click.option("--ticket", default="", metavar="TEXT", help="Ticket or change number for the record.")
@records_option
@with_json
def approve(digest: str, key: Path, note: str, ticket: str, records: str, as_json: bool) -> None:
    """Show a plan, and approve it with an SSH signature.

    DIGEST is that of a plan in the records folder, or its first 8 characters or more. The
    signature is for exactly this plan. A run with --approve needs one where its approvers are set.
    """
    from xacct_nb.cli.terminal import on_terminal
    from xacct_nb.runs.plan_signing import find_plan, sign_plan
    from xacct_nb.runs.recovery import recover
    from xacct_nb.runs.sealing import records_folder

    folder = records_folder(records)
    print_recovery(recover(folder))
    found = find_plan(folder, digest)
    click.echo(str(found) if as_json else on_terminal(found), err=as_json)
    click.echo(f"Signing with the key {str(key)!r}. A key on a device waits until you touch it.", err=True)
    signed = sign_plan(found, key.expanduser(), note, ticket)
    print_value(signed, signed.to_json(), as_json)
