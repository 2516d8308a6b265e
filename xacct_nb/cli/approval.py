"""The options that go with an approval: --note and --ticket."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click


def approval_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --note and --ticket to a command, which gets them among its parameters (`options`)."""

    @click.option("--note", default="", metavar="TEXT", help="Note for the record.")
    @click.option("--ticket", default="", metavar="TEXT", help="Ticket or change number for the record.")
    @wraps(command)
    def with_note(*args: Any, note: str, ticket: str, options: Any, **given: Any) -> Any:
        added = [(name, text) for name, text in (("note", note), ("ticket", ticket)) if text]
        return command(*args, options=(*options, *added), **given)

    return with_note
