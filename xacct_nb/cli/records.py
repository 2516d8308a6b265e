"""The commands over a records folder: xacct-nb records list, show, verify, sign, diff, export."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xacct_nb.cli.output import as_json_option, handle_errors
from xacct_nb.views import on_one_line

if TYPE_CHECKING:
    from xacct_nb.runs.ledger import Ledger
    from xacct_nb.runs.recovery import Recovery

records_option = click.option(
    "--records",
    default="",
    metavar="DIR",
    help="Folder of the records (default: $XACCT_RECORDS, else ./records).",
)


@click.group()
def records() -> None:
    """What was done: the records of a folder."""


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--limit", type=click.IntRange(0), default=0, help="Only so many, the newest."),
        click.option("--until", default="", metavar="TIME", help="Only those begun then or before."),
        click.option("--since", default="", metavar="TIME", help="Only those begun since (UTC): 2026-11-24."),
        click.option("--notebook", default="", help="Only runs of this notebook, such as plan_and_apply."),
        click.option("--grant", default="", help="Only those of this grant."),
        click.option("--status", default="", help="Only those that ended so, such as proof-failed."),
    ):
        command = option(command)
    return command


@records.command("list")
@_filters
@records_option
@as_json_option
@handle_errors
def records_list(records: str, as_json: bool, **wanted: Any) -> None:
    """One line a record, the newest last."""
    from xacct_nb.records.history import History, LedgerQuery

    asked, ledger = LedgerQuery(**wanted), _opened(records)
    lines = asked.select(ledger.lines)
    click.echo(json.dumps({"records": lines}) if as_json else str(History(lines, len(ledger.lines))))


@records.command("show")
@click.argument("record")
@records_option
@as_json_option
@handle_errors
def records_show(record: str, records: str, as_json: bool) -> None:
    """One record whole. RECORD is an id, its beginning or end, or a path."""
    from xacct_nb.storage.ledger import read_record

    found = read_record(_opened(records).records, record)
    click.echo(json.dumps(found.to_json()) if as_json else str(found))


@records.command("verify")
@click.option("--signers", type=click.Path(path_type=Path), help="File of allowed signers: name and key.")
@click.option("--expect", default="", metavar="HASH", help="A last line's hash as it was noted elsewhere.")
@records_option
@as_json_option
@handle_errors
def records_verify(records: str, as_json: bool, signers: Path | None, expect: str) -> None:
    """Whether anything was changed, removed or added since (exit code 1 if so).

    What is gone from the end with its folders shows only against what was noted elsewhere: a signature
    (xacct-nb records sign) or the hash of the last line, which this prints.
    """
    from xacct_nb.runs.ledger import verify_ledger
    from xacct_nb.runs.recovery import recover
    from xacct_nb.runs.sealing import records_folder

    folder = records_folder(records)
    _tell(recover(folder))
    found = verify_ledger(folder, signers, expect)
    click.echo(json.dumps(found.to_json()) if as_json else str(found))
    sys.exit(1 if found.broken else 0)


@records.command("sign")
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    required=True,
    help="Your SSH key, such as ~/.ssh/id_ed25519; or its .pub, where an agent holds it.",
)
@records_option
@as_json_option
@handle_errors
def records_sign(key: Path, records: str, as_json: bool) -> None:
    """Sign the last line of the ledger, and with it all before, with an SSH key."""
    from xacct_nb.storage.signatures import sign

    path = sign(_opened(records).records, key.expanduser())
    click.echo(json.dumps({"signature": str(path)}) if as_json else f"Signature: {on_one_line(str(path))}")


@records.command("diff")
@click.argument("first")
@click.argument("second")
@records_option
@as_json_option
@handle_errors
def records_diff(first: str, second: str, records: str, as_json: bool) -> None:
    """What differs between two records: how they went, parameters, plan, state, proof."""
    found = _opened(records).compared(first, second)
    click.echo(json.dumps(found.to_json()) if as_json else str(found))


@records.command("export")
@click.argument("record")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The file to write: .html, or .pdf.",
)
@records_option
@as_json_option
@handle_errors
def records_export(record: str, out: Path, records: str, as_json: bool) -> None:
    """One record as one file for a ticket, HTML or PDF, if it is still as it was sealed."""
    from xacct_nb.runs.ledger import export_record

    path = export_record(_opened(records).records, record, out)
    click.echo(json.dumps({"file": str(path)}) if as_json else f"Written: {on_one_line(str(path))}")


def _opened(records: str) -> "Ledger":
    from xacct_nb.runs.ledger import show_ledger

    ledger = show_ledger(records)
    _tell(ledger.recovered)
    return ledger


def _tell(recovered: "Recovery") -> None:
    if words := str(recovered):
        click.echo(words, err=True)
