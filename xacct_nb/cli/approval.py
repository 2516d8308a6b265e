"""The words that the command line takes with an approval."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click


def approval_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command with --note and --ticket, which reach it as the parameters of these names."""

    @click.option("--note", default="", metavar="TEXT", help="A note for the record of what is approved.")
    @click.option("--ticket", default="", metavar="TEXT", help="The ticket or change that it belongs to.")
    @wraps(command)
    def with_words(*args: Any, note: str, ticket: str, options: Any, **given: Any) -> Any:
        words = [(name, each) for name, each in (("note", note), ("ticket", ticket)) if each]
        return command(*args, options=(*options, *words), **given)

    return with_words
