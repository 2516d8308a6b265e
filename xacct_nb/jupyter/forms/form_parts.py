"""What the forms and their widgets share: a field, the state of a form, HTML around them, the style sheet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from xacct_nb.views import Text

# In the place of a secret that was typed: the field stays invalid until a person changes this very field.
REFUSED = "(refused) type env:NAME or file:PATH, or nothing"
WIDE = {"width": "100%", "max_width": "62em"}


@dataclass(frozen=True)
class Field:
    """One field of a form: text of one line or more, yes or no, or one of some choices.

    A choice is its text, or its text and its value. With `follows` the form follows the typing; otherwise a
    value is read when the field is left.
    """

    name: str
    label: str
    value: str | bool
    example: str = ""
    lines: int = 1
    choices: tuple[str, ...] | tuple[tuple[str, str | bool], ...] = ()
    follows: bool = True
    help: str = ""
    required: bool = False
    narrow: bool = False
    wide: bool = False


@dataclass(frozen=True)
class FormState:
    """What a form shows with its fields: HTML below them, and a headline that a screen reader says at once.

    `messages` are those of the fields, bad ones of what is not valid; `hidden` fields are not shown.
    """

    below: str
    headline: str = ""
    messages: Mapping[str, Text] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()


def style() -> str:
    """Return the style sheet of values in a notebook and of a record's page."""
    return files("xacct_nb.jupyter").joinpath("style.css").read_text(encoding="utf-8")


def region(role: str, fragment: str) -> str:
    """Return the HTML as an ARIA live region: a screen reader says it when it changes."""
    return f'<div role="{role}">{fragment}</div>'


def box(*parts: Any) -> Any:
    """Return the widgets below each other, in the form's style."""
    from ipywidgets import VBox

    return VBox(parts).add_class("xacct-form")
