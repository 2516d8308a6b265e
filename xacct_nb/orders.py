"""What is asked for: a notebook, its parameters from a file and from `-p`, checked before anything runs."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xacct_nb.closing import records_folder
from xacct_nb.declarations import Parameter, declared
from xacct_nb.disk.references import look_up
from xacct_nb.errors import InvalidParameters, UnknownNotebook
from xacct_nb.grants import external_id, resolve
from xacct_nb.parameters import accepted, check, grant_of, merged, without_secrets

NOTEBOOKS_VARIABLE = "XACCT_NOTEBOOKS"


@dataclass(frozen=True)
class Order:
    """One valid run: the notebook, the grant's name, the values for the kernel, the folder of the records.

    `secret` is an external ID that was given itself; `values` hold a reference in its place. `hidden` are all
    secrets that nothing written may hold.
    """

    path: Path
    grant: str
    values: Mapping[str, Any]
    records: Path
    secret: str
    hidden: frozenset[str]

    @property
    def notebook(self) -> str:
        """The notebook's name without its number."""
        return re.sub(r"^\d+_", "", self.path.stem)


def take_order(
    name: str, file: Path | None, options: Iterable[tuple[str, str]], approve: str, records: str
) -> Order:
    """Reads and checks what a run is given. Raises InvalidInput of every kind."""
    path = find_notebook(name)
    known = accepted(known_parameters(path))
    given = [*options, *([("approve", approve)] if approve else [])]
    values = merged(known, _fields(file) if file else {}, given)
    if file and "sources" in known:
        # What the file leaves out is the default of a grant, never the example that the notebook shows.
        values = json.loads(grant_of(values).model_dump_json()) | values
    folder = records_folder(records or values.get("records", ""))
    values["records"] = str(folder)
    hidden = frozenset(_secrets(known, values))
    shown, secret = without_secrets(values)
    grant = values.get("name") or (known["name"].default if "sources" in known else "")
    return Order(path, grant, shown, folder, secret, hidden)


def _fields(file: Path) -> dict[str, Any]:
    from xacct_nb.disk.grants import read_fields

    return read_fields(file)


def find_notebook(name: str) -> Path:
    """The notebook at a path, or of a name with or without its number. Raises UnknownNotebook."""
    if name.endswith(".ipynb") and Path(name).is_file():
        return Path(name).absolute()
    folder = notebooks_folder()
    known = {path.stem: path for path in sorted(folder.glob("[0-9]*.ipynb"))}
    found = [
        path for stem, path in known.items() if name.removesuffix(".ipynb") in (stem, stem.partition("_")[2])
    ]
    if not found:
        raise UnknownNotebook(
            f"There is no notebook {name!r}.",
            why=f"Looked in {folder}.",
            hint=f"Known notebooks: {', '.join(known)}.",
        )
    return found[0]


def notebooks_folder() -> Path:
    """$XACCT_NOTEBOOKS, else the notebooks beside the package, else `notebooks` here."""
    beside = Path(__file__).parent.parent / "notebooks"
    return Path(os.environ.get(NOTEBOOKS_VARIABLE) or (beside if beside.is_dir() else "notebooks")).absolute()


def known_parameters(path: Path) -> dict[str, Parameter]:
    """What the notebook's parameters cell declares. Raises UnknownNotebook, InvalidParameters."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        sources = ["".join(cell["source"]) for cell in content["cells"] if "parameters" in _tags(cell)]
        kernel = content["metadata"].get("kernelspec", {})
        language, version = kernel.get("language", "python"), content["nbformat"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise _no_notebook(path, str(problem)) from problem
    if language != "python" or version != 4:
        raise _no_notebook(path, f"Its language is {language}, its format {version}.")
    try:
        return declared(next(iter(sources), ""))
    except (SyntaxError, ValueError) as problem:
        raise InvalidParameters(
            f"The parameters cell of {path.name!r} cannot be read.",
            why=str(problem),
            hint="A line reads name: type = default  # help",
        ) from problem


def _tags(cell: Mapping[str, Any]) -> list[str]:
    return list(cell["metadata"].get("tags", []))


def _no_notebook(path: Path, why: str) -> UnknownNotebook:
    hint = "Name an .ipynb file of format 4 with a Python kernel."
    return UnknownNotebook(f"{str(path)!r} is no notebook that can be run.", why=why, hint=hint)


def _secrets(known: Mapping[str, Parameter], values: Mapping[str, Any]) -> set[str]:
    """Checks the grant and the settings in the values, and gives the secrets behind them."""
    grant = check(known, values)
    found = {external_id(resolve(grant, look_up))} if grant else set()
    if grant and values.get("external_id"):
        raise InvalidParameters(
            "external_id is not the grant's external ID here.",
            why="It belongs to the roll-back of a record.",
            hint="The grant's own is a condition: -p conditions.external_id env:NAME",
        )
    if reference := values.get("external_id", ""):
        found.add(look_up(reference) if reference.startswith(("env:", "file:")) else _literal())
    return found - {""}


def _literal() -> str:
    raise InvalidParameters(
        "external_id is the external ID itself.",
        why="It would stand in the notebook.",
        hint="Give a reference: env:NAME or file:PATH.",
    )
