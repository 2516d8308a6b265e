"""What is asked for: a notebook, its parameters from a file and from `-p`, checked before anything runs."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xacct_nb.errors import InvalidParameters, UnknownNotebook
from xacct_nb.grants.declarations import Parameter, parse_declarations
from xacct_nb.grants.grant import resolve
from xacct_nb.grants.help import NotebookHelp, notebook_help
from xacct_nb.grants.parameters import accepted_parameters, grant_of, merge, validate, without_secrets
from xacct_nb.runs.sealing import records_folder
from xacct_nb.runs.secrets import grant_secrets
from xacct_nb.storage.references import resolve_reference
from xacct_nb.validation import nearest

NOTEBOOKS_VARIABLE = "XACCT_NOTEBOOKS"


@dataclass(frozen=True)
class RunRequest:
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
        return notebook_name(self.path)


def check_request(
    name: str, file: Path | None, options: Iterable[tuple[str, str]], approve: str, records: str
) -> RunRequest:
    """Reads and checks what a run is given. Raises InvalidInput of every kind."""
    path = find_notebook(name)
    known = accepted_parameters(known_parameters(path))
    given = [*options, *([("approve", approve)] if approve else [])]
    values = merge(known, _fields(file) if file else {}, given)
    _check_text({"The notebook's path": str(path), "records": records, **values})
    if file and "sources" in known:
        # What the file leaves out is the default of a grant, never the example that the notebook shows.
        values = json.loads(grant_of(values).model_dump_json()) | values
    folder = records_folder(records or values.get("records", ""))
    values["records"] = str(folder)
    hidden = frozenset(_secrets(known, values))
    shown, secret = without_secrets(values)
    grant = values.get("name") or (known["name"].default if "sources" in known else "")
    return RunRequest(path, grant, shown, folder, secret, hidden)


def _check_text(given: Mapping[str, Any]) -> None:
    """Refuses what no file could keep: half of a surrogate pair, as bytes on the command line become one."""
    for name, value in given.items():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as problem:
            raise InvalidParameters(
                f"{name} is not UTF-8 text.",
                why="The record could not hold it.",
                hint="Write it in UTF-8; rename the file, if it is a file's name.",
            ) from problem


def _fields(file: Path) -> dict[str, Any]:
    from xacct_nb.storage.grant_file import read_fields

    return read_fields(file)


def find_notebook(name: str) -> Path:
    """The notebook at a path, or of a name with or without its number. Raises UnknownNotebook."""
    if name.endswith(".ipynb") and os.path.isfile(name):  # which takes a name of any length
        return Path(name).absolute()
    known = list_notebooks()
    asked = name.removesuffix(".ipynb")
    if found := next((path for path in known if asked in (path.stem, notebook_name(path))), None):
        return found
    names = [notebook_name(path) for path in known]
    meant = f"Did you mean {near}? " if (near := nearest(asked, names)) else ""
    raise UnknownNotebook(
        f"There is no notebook {name!r}.",
        why=f"Looked in {notebooks_folder()}.",
        hint=f"{meant}Known notebooks: {', '.join(names)}.",
    )


def list_notebooks() -> list[Path]:
    """The notebooks that can be run by their names, in the order of their numbers."""
    return sorted(notebooks_folder().glob("[0-9]*.ipynb"))


def notebook_name(path: Path) -> str:
    """A notebook's name without its number."""
    return re.sub(r"^\d+_", "", path.stem)


def notebooks_folder() -> Path:
    """$XACCT_NOTEBOOKS, else the notebooks beside the package, else `notebooks` here."""
    beside = Path(__file__).parents[2] / "notebooks"
    return Path(os.environ.get(NOTEBOOKS_VARIABLE) or (beside if beside.is_dir() else "notebooks")).absolute()


def known_parameters(path: Path) -> dict[str, Parameter]:
    """What the notebook's parameters cell declares. Raises UnknownNotebook, InvalidParameters."""
    return _declared(path, _cells(path))


def notebook_manual(name: str) -> NotebookHelp:
    """What the notebook at a path, or of a name, takes. Raises UnknownNotebook, InvalidParameters."""
    path = find_notebook(name)
    cells = _cells(path)
    return notebook_help(notebook_name(path), cells, _declared(path, cells))


def _cells(path: Path) -> list[Any]:
    """The cells of a notebook, each with its type, its source and its metadata. Raises UnknownNotebook."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        cells = [
            {"cell_type": each["cell_type"], "source": "".join(each["source"]), "tags": _tags(each)}
            for each in content["cells"]
        ]
        kernel = content["metadata"].get("kernelspec", {})
        language, version = kernel.get("language", "python"), content["nbformat"]
    except KeyError as problem:
        raise _no_notebook(path, f"A part of it has no {problem}.") from problem
    except (TypeError, AttributeError) as problem:
        raise _no_notebook(path, "It is JSON, but not that of a notebook.") from problem
    except (OSError, ValueError, RecursionError) as problem:
        raise _no_notebook(path, str(problem)) from problem
    if language != "python" or version != 4:
        raise _no_notebook(path, f"Its language is {language}, its format {version}.")
    return cells


def _declared(path: Path, cells: list[Any]) -> dict[str, Parameter]:
    sources = [cell["source"] for cell in cells if "parameters" in cell["tags"]]
    if len(sources) > 1:
        raise InvalidParameters(
            f"{path.name!r} has {len(sources)} parameters cells.",
            why="The second would overwrite what is given.",
            hint="Leave the tag parameters on one cell.",
        )
    return parse_declarations(next(iter(sources), ""))


def _tags(cell: Mapping[str, Any]) -> list[str]:
    return list(cell["metadata"].get("tags", []))


def _no_notebook(path: Path, why: str) -> UnknownNotebook:
    hint = "Name an .ipynb file of format 4 with a Python kernel."
    return UnknownNotebook(f"{str(path)!r} is no notebook that can be run.", why=why, hint=hint)


def _secrets(known: Mapping[str, Parameter], values: Mapping[str, Any]) -> set[str]:
    """Checks the grant and the settings in the values, and gives the secrets behind them."""
    grant = validate(known, values)
    found = grant_secrets(resolve(grant, resolve_reference)) if grant else set()
    if grant and values.get("external_id"):
        raise InvalidParameters(
            "external_id is not the grant's external ID here.",
            why="It belongs to the roll-back of a record.",
            hint="The grant's own is a condition: -p conditions.external_id env:NAME",
        )
    if reference := values.get("external_id", ""):
        found.add(resolve_reference(reference) if reference.startswith(("env:", "file:")) else _literal())
    return found - {""}


def _literal() -> str:
    raise InvalidParameters(
        "external_id is the external ID itself.",
        why="It would stand in the notebook.",
        hint="Give a reference: env:NAME or file:PATH.",
    )
