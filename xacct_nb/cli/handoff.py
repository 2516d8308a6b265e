"""The commands between the owners of two accounts: xacct-nb handoff request, show, answer, accept."""

from pathlib import Path
from typing import Any

import click

from xacct_nb.cli.notebook import run_headless
from xacct_nb.cli.output import PATH, CommandGroup, add_options, end_run, print_value, with_json
from xacct_nb.cli.records import records_option

_key = click.option("--key", default="", metavar="FILE", help="Your SSH key, which signs the file.")
_out = click.option("-o", "--out", default="", metavar="FILE", help="The file to write.")
_signers = click.option(
    "--signers", default="", metavar="FILE", help="File of allowed signers; with it, a signature is required."
)
_run_options = add_options(
    click.option("--profile", "profiles", multiple=True, metavar="NAME", help="AWS profile of your account."),
    click.option("--external-id", default="", metavar="REF", help="Where it is: env:NAME or file:PATH."),
    click.option("--accept", multiple=True, metavar="CODE", help="A finding that you accept."),
    click.option("-r", "--run-file", type=PATH, help="Run file of your own: how the run acts."),
    click.option("-p", "--parameter", "options", nargs=2, multiple=True, metavar="NAME VALUE",
                 help="A parameter of the notebook hand_over, such as: sandbox false"),
    click.option("--approve", default="", metavar="DIGEST", help="Digest of the approved plan."),
    click.option("--note", default="", metavar="TEXT", help="Note for the record and the answer."),
    _signers,
)  # fmt: skip


@click.group(cls=CommandGroup)
def handoff() -> None:
    """Let the owner of the other account make their side."""


@handoff.command("request")
@click.option("-f", "--file", type=PATH, required=True, help="Grant file or fleet file.")
@click.option(
    "--of", "side", type=click.Choice(["destination", "source"]), default="destination", show_default=True,
    help="Whose side is asked for.",
)  # fmt: skip
@click.option("--why", default="", metavar="TEXT", help="Why you ask.")
@click.option("--hours", type=click.IntRange(1, 8760), default=168, show_default=True, help="Time to answer.")
@click.option("--allow-reference", "references", multiple=True, metavar="REF",
              help="Let the grant file refer to this: env:NAME or file:PATH.")  # fmt: skip
@_key
@_out
@records_option
@with_json
def handoff_request(file: Path, as_json: bool, records: str, **about: Any) -> None:
    """Write the request file for the owner of the other account, with a readable page.

    For a fleet file, write one for each of its `owners`, into the folder -o.

    No session is opened. The file holds the exact policies of their side, and an external
    ID as a fingerprint only. Tell them the digest on another way than the file.
    """
    from xacct_nb.runs.handoff.fleet_requests import requests_for_fleet_file
    from xacct_nb.runs.handoff.writing import write_request
    from xacct_nb.runs.sealing import records_folder

    if of_fleet := requests_for_fleet_file(file, records=records_folder(records), **about):
        return print_value(of_fleet, of_fleet.to_json(), as_json)
    sent = write_request(file, records=records_folder(records), **about)
    print_value(sent, sent.to_json(), as_json)


@handoff.command("show")
@click.argument("file")
@click.option(
    "--form",
    default="",
    help="Print their side in this form: commands, cloudformation, stackset, ...",
)
@click.option("--account", default="", metavar="ID", help="The account of the form, where there are several.")
@click.option("--take-back", "back", is_flag=True, help="Print how to remove what the form made.")
@_signers
@records_option
@with_json
def handoff_show(file: str, records: str, as_json: bool, signers: str, form: str, **about: Any) -> None:
    """Show a request or an answer, its signature, and how far the hand-over is.

    With --form, print instead what an owner without xacct-nb can use.
    """
    from xacct_nb.runs.handoff.showing import show_form, show_handoff
    from xacct_nb.runs.sealing import records_folder

    if form:
        made = str(show_form(file, form, signers=signers, **about))
        return print_value(made, {"form": form, "text": made}, as_json)
    found = show_handoff(file, records_folder(records), signers)
    print_value(found, found.to_json(), as_json)


@handoff.command("answer")
@click.argument("request")
@click.option("--refuse", default="", metavar="REASON", help="Refuse the request; no session is opened.")
@click.option("--change", "changes", nargs=2, multiple=True, metavar="FIELD VALUE",
              help="Make the grant with another value: session_minutes 30")  # fmt: skip
@_run_options
@_key
@_out
@records_option
@with_json
def handoff_answer(request: str, as_json: bool, refuse: str, **given: Any) -> None:
    """Answer a request: plan your own side, apply it with --approve, and write the answer file.

    Without --approve it plans and changes nothing, and no answer is written.
    """
    from xacct_nb.runs.handoff.running import answer_request, refuse_by_command

    if refuse:
        sent = refuse_by_command(request, refuse, given)
        return print_value(sent, sent.to_json(), as_json)
    end_run(answer_request(request, given, run_headless), as_json)


@handoff.command("accept")
@click.argument("answer")
@click.option("--agree", default="", metavar="DIGEST", help="Digest of a changed answer that you agree to.")
@click.option("--caller-profile", "callers", multiple=True, metavar="NAME", help="AWS profile of a caller.")
@_run_options
@records_option
@with_json
def handoff_accept(answer: str, as_json: bool, **given: Any) -> None:
    """Accept the answer: plan your own side, apply it with --approve, and prove the access.

    The hand-over stays open until the proof holds.
    """
    from xacct_nb.runs.handoff.fleet_requests import accept_fleet_answer
    from xacct_nb.runs.handoff.running import accept_answer
    from xacct_nb.runs.sealing import records_folder

    about = {"records": records_folder(given["records"]), "signers": given["signers"]}
    if part := accept_fleet_answer(answer, **about):
        return print_value(part, part.to_json(), as_json)
    end_run(accept_answer(answer, given, run_headless), as_json)
