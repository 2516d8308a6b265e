"""The commands for the AWS config: xacct-nb profile show, write, undo."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xacct_nb.cli.output import PATH, CommandGroup, add_options, print_value, with_json

if TYPE_CHECKING:  # it loads boto3, and -h needs it not
    from xacct_nb.runs.profile_edits import ProfileEdit

_which = add_options(
    click.option("-f", "--file", type=PATH, required=True, help="Grant file (YAML or JSON)."),
    click.option("--role", default="", metavar="ARN", help="Role of the grant (default: its last one)."),
    click.option(
        "--through", type=PATH, multiple=True, help="Grant file of a role that is assumed before; in order."
    ),
    click.option("--name", default="", metavar="NAME", help="Name of the profile (default: the grant's)."),
    click.option("--config-file", default="", metavar="FILE", help="AWS config (default: ~/.aws/config)."),
    click.option(
        "--allow-reference",
        "references",
        multiple=True,
        metavar="REF",
        help="With --with-external-id: let a grant file refer to it.",
    ),
)
_how = add_options(
    click.option("--source-profile", required=True, metavar="NAME", help="Profile with your credentials."),
    click.option("--region", default="", metavar="REGION", help="Region (default: the partition's first)."),
    click.option("--mfa-serial", default="", metavar="ARN", help="Your MFA device, for a grant with MFA."),
    click.option(
        "--with-external-id",
        "with_external_ids",
        is_flag=True,
        help="Write the external ID, too: whoever can read the file knows it then.",
    ),
)


@click.group(cls=CommandGroup)
def profile() -> None:
    """Give your AWS config a profile for the role of a grant."""


@profile.command()
@_which
@_how
@with_json
def show(as_json: bool, **options: Any) -> None:
    """Show what would change in the AWS config, and how long a session lasts. Nothing is written."""
    edit = _edit(**options)
    print_value(edit, edit.to_json(), as_json)


@profile.command()
@_which
@_how
@click.option("--yes", is_flag=True, help="Write without a question.")
@with_json
def write(as_json: bool, yes: bool, **options: Any) -> None:
    """Show what would change in the AWS config, ask, and write it.

    All other lines stay to the byte. The old file is kept beside the new one.
    """
    edit = _edit(**options)
    if edit.is_needed:
        click.echo(str(edit), err=True)
    if edit.is_needed and not yes:
        _ask(edit)
    done = edit.write()
    print_value(done, done.to_json(), as_json)


@profile.command()
@_which
@with_json
def undo(as_json: bool, **options: Any) -> None:
    """Take the newest write of the profile back."""
    from xacct_nb.runs.profile_edits import undo_edit

    done = undo_edit(**_loaded(**options))
    print_value(done, done.to_json(), as_json)


def _edit(**options: Any) -> "ProfileEdit":
    from xacct_nb.runs.profile_edits import profile_edit

    return profile_edit(**_loaded(**options))


def _loaded(
    file: Path,
    through: tuple[Path, ...],
    references: tuple[str, ...],
    with_external_ids: bool = False,
    **rest: Any,
) -> dict[str, Any]:
    """Return the options with grants in place of files; external IDs are read only to be written."""
    from xacct_nb.runs.loading import load_grant, read_grant

    options = rest | ({"with_external_ids": True} if with_external_ids else {})
    if with_external_ids:
        grants = [load_grant(each, allow_references=references) for each in (*through, file)]
    else:
        grants = [read_grant(each) for each in (*through, file)]
    return {"grant": grants[-1], "through": grants[:-1], **options}


def _ask(edit: "ProfileEdit") -> None:
    if not sys.stdin.isatty():
        raise click.UsageError("Nothing was written: there is nobody to ask. Add --yes to write it.")
    click.confirm(f"Write it to {edit.config.path}?", abort=True, err=True)
