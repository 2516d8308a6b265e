"""Text for bash: words that stay words, comments that stay comments, documents that stay documents."""

import json
import shlex
from collections.abc import Iterable
from itertools import chain
from typing import Any

from xacct_nb.errors import InvalidInput
from xacct_nb.handoff.forms.half import EXTERNAL_ID
from xacct_nb.redaction.invisible import on_one_line

_END = "END_OF_DOCUMENT"
INDENT = 4
"""The indent with which the AWS CLI prints JSON."""


def word(text: str) -> str:
    """Return a text as one word in single quotes. Raises InvalidInput for a NUL, which no word can have."""
    if "\0" in text:
        raise InvalidInput(
            f"A shell cannot pass on {on_one_line(text)!r}.",
            why="It has the character NUL.",
            hint="Remove the character.",
        )
    quoted = shlex.quote(text)
    return quoted if quoted.startswith("'") else f"'{quoted}'"


def option(name: str, text: str) -> str:
    """Return an option of the AWS CLI with its value; a value that begins with - is no other option."""
    return f"--{name}={word(text)}" if text.startswith("-") else f"--{name} {word(text)}"


def command(*words: str) -> str:
    """Return a command of several words, one option a line."""
    return " \\\n  ".join(words)


def comment(text: str) -> list[str]:
    """Return a text as lines of a comment: control characters are shown as their codes."""
    return [f"# {on_one_line(line)}".rstrip() for line in text.split("\n")]


def document(name: str, value: Any, *, external_id: bool = False) -> list[str]:
    """Return lines that write a document to the file `name` in the folder $work.

    JSON in ASCII has no line that begins with a letter, so that none of its lines ends the heredoc. With
    `external_id`, the value of the variable XACCT_EXTERNAL_ID is written in its place.
    """
    text = json.dumps(value, indent=INDENT)
    first, *others = text.split(json.dumps(EXTERNAL_ID)) if external_id else [text]
    if not others:
        return _heredoc(f'cat > "$work/{name}"', text)
    rest = (['printf \'"%s"\' "$XACCT_EXTERNAL_ID"', *_heredoc("cat", each)] for each in others)
    return ["{", *_heredoc("cat", first), *chain.from_iterable(rest), f'}} > "$work/{name}"']


def _heredoc(writer: str, text: str) -> list[str]:
    return [f"{writer} <<'{_END}'", *text.split("\n"), _END]


def script(*parts: Iterable[str]) -> str:
    """Return a script of several parts, an empty line between them."""
    return "\n\n".join("\n".join(part) for part in map(list, parts) if part) + "\n"
