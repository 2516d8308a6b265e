"""The commands for a records folder: xacct-nb records list, show, verify, repair, sign, diff, export."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xacct_nb.cli.output import PATH, CommandGroup, add_options, print_value, with_json
from xacct_nb.redaction.invisible import on_one_line

if TYPE_CHECKING:  # -h loads none of them
    from xacct_nb.runs.ledger import Ledger
    from xacct_nb.runs.recovery import Recovery

_RECORDS_HELP = "Records folder (default: $XACCT_RECORDS, else ./records)."
records_option = click.option("--records", default="", metavar="DIR", help=_RECORDS_HELP)
_SINCE_HELP = "Only runs that started then (UTC) or later: 2026-11-24."
_filters = add_options(
    click.option("--status", default="", help="Only runs with this status, such as proof-failed."),
    click.option("--grant", default="", help="Only runs of this grant."),
    click.option("--notebook", default="", help="Only runs of this notebook, such as plan_and_apply."),
    click.option("--since", default="", metavar="TIME", help=_SINCE_HELP),
    click.option("--until", default="", metavar="TIME", help="Only runs that started then or before."),
    click.option("--limit", type=click.IntRange(0), default=0, help="Only so many, the newest (0: all)."),
)


@click.group(cls=CommandGroup)
def records() -> None:
    """List, show, verify, repair, sign, compare and export records."""


@records.command("list")
@_filters
@records_option
@with_json
def records_list(records: str, as_json: bool, **query: Any) -> None:
    """Print one line for each record, the newest last."""
    from xacct_nb.records.history import History, LedgerQuery

    select, ledger = LedgerQuery(**query).select, _opened(records)
    lines = select(ledger.lines)
    printed = {"records": lines, "notes": list(ledger.notes)}
    print_value(History(lines, len(ledger.lines)), printed, as_json)


@records.command("show")
@click.argument("record")
@records_option
@with_json
def records_show(record: str, records: str, as_json: bool) -> None:
    """Print one record.

    RECORD is an id, the beginning or end of an id, or a path.
    """
    found: Any = _opened(records).show(record)
    print_value(found, found.to_json(), as_json)


@records.command("verify")
@click.option("--signers", type=PATH, help="File of allowed signers: name and key.")
@click.option("--expect", default="", metavar="HASH", help="Hash of a last line that you noted elsewhere.")
@records_option
@with_json
def records_verify(records: str, as_json: bool, signers: Path | None, expect: str) -> None:
    """Check that no record was changed, removed or added.

    The exit code is 1 where one was. Removed records at the end of the ledger are found
    only with a signature (xacct-nb records sign), or with --expect and the hash of the last line. This
    command prints that hash.
    """
    from xacct_nb.runs.ledger import verify_ledger
    from xacct_nb.runs.sealing import records_folder

    found = verify_ledger(records_folder(records), signers, expect)
    print_value(found, found.to_json(), as_json)
    sys.exit(1 if found.broken else 0)


@records.command("repair")
@click.option("--yes", is_flag=True, help="Do it; without it, only show what would be done.")
@records_option
@with_json
def records_repair(records: str, as_json: bool, yes: bool) -> None:
    """Close killed runs, and set broken lines of the ledger aside.

    A broken line is moved to a file of its own, and the ledger gets a line that says so.
    No whole line is changed, and nothing is lost.
    """
    from xacct_nb.runs.repair import plan_repair_of, repair_records
    from xacct_nb.runs.sealing import records_folder

    folder = records_folder(records)
    found = repair_records(folder) if yes else plan_repair_of(folder)
    print_value(found, found.to_json(), as_json)


@records.command("sign")
@click.option(
    "--key",
    type=PATH,
    required=True,
    help="Your SSH key, such as ~/.ssh/id_ed25519, or its .pub file where an agent has the key.",
)
@records_option
@with_json
def records_sign(key: Path, records: str, as_json: bool) -> None:
    """Sign the last line of the ledger with an SSH key.

    Each line holds the hash of the one before it, so the signature covers all lines.
    """
    from xacct_nb.storage.signatures import sign

    path = sign(_opened(records).records, key.expanduser())
    print_value(f"Signature: {on_one_line(str(path))}", {"signature": str(path)}, as_json)


@records.command("diff")
@click.argument("first")
@click.argument("second")
@records_option
@with_json
def records_diff(first: str, second: str, records: str, as_json: bool) -> None:
    """Print what differs between two records.

    It compares status, parameters, plan, state and proof.
    """
    from xacct_nb.runs.ledger import compare_records

    found = compare_records(_opened(records).records, first, second)
    print_value(found, found.to_json(), as_json)


@records.command("export")
@click.argument("record")
@click.option("-o", "--out", type=PATH, required=True, metavar="FILE", help="The file to write.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["page", "ocsf"]),
    default="page",
    help="page: HTML or PDF, by the end of FILE. ocsf: one event a line, for each call.",
    show_default=True,
)
@records_option
@with_json
def records_export(record: str, out: Path, form: str, records: str, as_json: bool) -> None:
    """Write one record as an HTML or PDF page, or its calls as OCSF events for a SIEM."""
    from xacct_nb.runs.ledger import export_record

    path = export_record(_opened(records).records, record, out, form)
    print_value(f"Written: {on_one_line(str(path))}", {"file": str(path)}, as_json)


def _opened(records: str) -> "Ledger":
    from xacct_nb.runs.ledger import show_ledger

    ledger = show_ledger(records)
    for note in ledger.notes:
        click.echo(on_one_line(note), err=True)
    return ledger


def print_recovery(recovery: "Recovery") -> None:
    """Print to standard error what was recovered, if anything was."""
    if text := str(recovery):
        click.echo(text, err=True)
