"""The help of a command that runs a notebook: what this notebook takes, or which notebooks there are."""

from itertools import pairwise
from typing import Any

import click

from xacct_nb.errors import XacctError

_APART = "A parameter's name and its value are two words: -p NAME VALUE"


class NotebookCommand(click.Command):
    """A command whose help goes on with the NOTEBOOK that stands beside it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Notes the notebook, which the help would not hear of; tells what NAME=VALUE should read."""
        given = list(args)
        try:
            ctx.meta[__name__] = self.make_parser(ctx).parse_args(list(args))[0].get("notebook")
            return super().parse_args(ctx, args)
        except click.UsageError as problem:
            if any(option == "-p" and "=" in word for option, word in pairwise(given)):
                raise click.UsageError(f"{problem.message}\n{_APART}", ctx) from problem
            raise

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The manual of the notebook; without one, a line for each notebook."""
        super().format_epilog(ctx, formatter)
        name = ctx.meta.get(__name__)
        try:
            _write_manual(name, formatter) if isinstance(name, str) else _write_list(formatter)
        except XacctError as problem:
            raise _Refused(problem) from problem


def _write_manual(name: str, formatter: click.HelpFormatter) -> None:

    from xacct_nb.runs.notebooks import notebook_manual

    formatter.write(f"\n{notebook_manual(name)}\n")


def _write_list(formatter: click.HelpFormatter) -> None:
    from xacct_nb.runs.notebooks import list_notebooks, notebook_manual

    manuals = [notebook_manual(str(path)) for path in list_notebooks()]
    with formatter.section("Notebooks (each with -h tells its parameters)"):
        formatter.write_dl([(each.name, each.title) for each in manuals])


class _Refused(click.ClickException):
    """A notebook that is not there has no help."""

    exit_code = 2

    def __init__(self, problem: XacctError) -> None:
        super().__init__(f"{problem.code}: {problem}")

    def show(self, file: Any = None) -> None:
        """Says so as every command does."""
        click.echo(self.message, err=True)
