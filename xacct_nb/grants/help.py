"""The help page of a notebook: what it does, its parameters, and how to give each on the command line."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xacct_nb.grants.declarations import Parameter
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.parameters import CONDITIONS, accepted_parameters
from xacct_nb.grants.settings import RunFile
from xacct_nb.views import Page, Shown, Table, Text, View

_LINK, _MARKS = re.compile(r"\[([^]]*)\]\([^)]*\)"), re.compile(r"[*`]+")
# How a value of each type is given on the command line.
_GIVEN = {
    "str": ("VALUE", "the text as it is"),
    "int": ("NUMBER", "a whole number in digits"),
    "float": ("NUMBER", "a number"),
    "bool": ("true", "or false"),
    "list": ("ITEM", 'once for each item, or all of them as JSON: \'["...", "..."]\''),
    "dict": ("JSON", "or one field of it by a dotted name: -p {name}.FIELD VALUE"),
    "reference": ("env:NAME", "or file:PATH: where the value is found; the value is never written"),
}


@dataclass(frozen=True, repr=False)
class NotebookHelp(Shown):
    """The help of a notebook: its name, its title, what it does, and what its parameters cell declares."""

    name: str
    title: str
    about: str
    declared: Mapping[str, Parameter]

    def parameters(self) -> list[Parameter]:
        """Return the grant's fields first, each condition among them, then all other parameters."""
        known = accepted_parameters(self.declared)
        if "destinations" not in self.declared:
            return list(known.values())
        grant: list[Parameter] = []
        for name in Grant.model_fields:
            grant += [known.pop(name), *(CONDITIONS.values() if name == "conditions" else ())]
        # The grant's external ID is among its conditions.
        known.pop("external_id", None)
        return [*grant, *known.values()]

    def view(self) -> View:
        """Return the parameters as a table, and how to give each type."""
        parameters = self.parameters()
        rows = tuple(map(_row, parameters))
        about = [Text(self.about)] if self.about else []
        heads = ("parameter", "type", "default", "what it is")
        table = Table(heads, rows, caption="Parameters", unbroken=(0,))
        given = Table(("on the command line", ""), tuple(_option_forms(parameters)))
        settings = ", ".join(RunFile.model_fields)
        note = f"A run file of your own (-r run.yaml) may set {settings}. -p overrides it."
        if "destinations" in self.declared:
            note += (
                "\nA grant file (-f grant.yaml) sets the fields of the grant only.\nWith such a file, "
                "the notebook's example grant is ignored."
            )
        return Page(self.title, (*about, table, given, Text(note, "note")))


def notebook_help(
    name: str, cells: Iterable[Mapping[str, Any]], known: Mapping[str, Parameter]
) -> NotebookHelp:
    """Return the help of a notebook with these cells; title and description are those of its first text."""
    texts = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    title, _, rest = next(texts, "").strip().partition("\n")
    if not title.startswith("# "):
        return NotebookHelp(name, name, "", known)
    return NotebookHelp(name, _plain(title.lstrip("# ")), _first_paragraph(rest), known)


def _first_paragraph(text: str) -> str:
    """Return the first paragraph without a last sentence that introduces a list."""
    paragraph = _plain(text.strip().partition("\n\n")[0])
    return paragraph if not paragraph.endswith(":") else paragraph[: paragraph.rfind(". ") + 1]


def _plain(text: str) -> str:
    return " ".join(_MARKS.sub("", _LINK.sub(r"\1", text)).split())


def _row(parameter: Parameter) -> tuple[str, ...]:
    return parameter.name, _kind(parameter), _shown(parameter.default), parameter.help


def _kind(parameter: Parameter) -> str:
    return "reference" if parameter.reference else parameter.type


def _shown(default: object) -> str:
    """Return a default as `-p` would give it, one item a line; "" where there is none."""
    if isinstance(default, list | tuple) and all(isinstance(each, str) for each in default):
        return "\n".join(default)
    if isinstance(default, bool | int | float) or (isinstance(default, list | dict) and default):
        return json.dumps(default)
    return default if isinstance(default, str) else ""


def _option_forms(parameters: Iterable[Parameter]) -> Iterator[tuple[str, str]]:
    firsts: dict[str, Parameter] = {}
    for parameter in parameters:
        firsts.setdefault(_kind(parameter), parameter)
    for kind, first in firsts.items():
        value, description = _GIVEN.get(kind, _GIVEN["str"])
        yield f"-p {first.name} {value}", description.format(name=first.name)
