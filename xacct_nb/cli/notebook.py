"""The help of `run`: the parameters of a notebook, or the list of notebooks."""

import sys
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import click

from xacct_nb.cli.output import interrupt_on_signals, progress_bar
from xacct_nb.errors import XacctError

if TYPE_CHECKING:  # -h does not load it
    from xacct_nb.runs.runner import RunResult
from xacct_nb.views import Shown

_COLUMNS = 110  # where the output is no terminal
_TWO_ARGUMENTS = "Give a parameter's name and value as two arguments: -p NAME VALUE"


class NotebookCommand(click.Command):
    """A command whose help also describes the NOTEBOOK that is given with -h."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note the notebook for the help, which click shows first; explain NAME=VALUE."""
        given = list(args)
        try:
            ctx.meta[__name__] = self.make_parser(ctx).parse_args(list(args))[0].get("notebook")
            return super().parse_args(ctx, args)
        except click.UsageError as problem:
            if any(option == "-p" and "=" in text for option, text in pairwise(given)):
                raise click.UsageError(f"{problem.message}\n{_TWO_ARGUMENTS}", ctx) from problem
            raise

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the notebook's help; without a notebook, one line for each."""
        from xacct_nb.runs.notebooks import list_notebooks, notebook_manual

        super().format_epilog(ctx, formatter)
        try:
            if isinstance(name := ctx.meta.get(__name__), str):
                return formatter.write(f"\n{_on_terminal(notebook_manual(name))}\n")
            manuals = [notebook_manual(str(path)) for path in list_notebooks()]
        except XacctError as problem:
            raise _NoHelp(problem) from problem
        if manuals:
            with formatter.section("Notebooks (add -h to see the parameters)"):
                formatter.write_dl([(each.name, each.title) for each in manuals])


def _on_terminal(manual: Shown) -> str:
    from xacct_nb.cli.terminal import terminal

    found = terminal(sys.stdout)
    return replace(found, columns=found.columns or _COLUMNS).text(manual.view())


def run_headless(notebook: str, **given: Any) -> "RunResult":
    """Run a notebook with what `runs.runner.run` takes, with progress, interrupted by the usual signals."""
    from xacct_nb.runs.startup import single_run

    interrupt_on_signals()
    with single_run() as prepared, progress_bar() as report:
        from xacct_nb.runs.runner import run

        return run(notebook, report=report, prepared=prepared, **given)


class _NoHelp(click.ClickException):
    """The error of -h for a notebook that does not exist."""

    exit_code = 2

    def __init__(self, problem: XacctError) -> None:
        super().__init__(f"{problem.code}: {problem}")

    def show(self, file: Any = None) -> None:
        """Print the error as every command does."""
        click.echo(self.message, err=True)
