"""The notebooks that can be run: where they are, their names, and the parameters that each declares."""

import json
import os
import re
from pathlib import Path
from typing import Any

from xacct_nb.errors import InvalidParameters, UnknownNotebook
from xacct_nb.grants.declarations import Parameter, parse_declarations
from xacct_nb.grants.help import NotebookHelp, notebook_help
from xacct_nb.storage.shipped import NOTEBOOKS, SHIPPED
from xacct_nb.validation import nearest

NOTEBOOKS_VARIABLE = "XACCT_NOTEBOOKS"
_NO_NOTEBOOKS = f"There are none: install xacct-nb again, or correct ${NOTEBOOKS_VARIABLE} where it is set."


def find_notebook(name: str) -> Path:
    """Return the notebook at a path, or of a name with or without its number. Raises UnknownNotebook."""
    if name.endswith(".ipynb") and os.path.isfile(name):  # a Path would refuse a name that is too long
        return Path(name).absolute()
    known = list_notebooks()
    wanted = name.removesuffix(".ipynb")
    if found := next((path for path in known if wanted in (path.stem, notebook_name(path))), None):
        return found
    names = [notebook_name(path) for path in known]
    suggestion = f"Did you mean {closest}? " if (closest := nearest(wanted, names)) else ""
    raise UnknownNotebook(
        f"There is no notebook {name!r}.",
        why=f"Looked in {notebooks_folder()}.",
        hint=f"{suggestion}Known notebooks: {', '.join(names)}." if names else _NO_NOTEBOOKS,
    )


def list_notebooks() -> list[Path]:
    """Return the notebooks that can be run by name, in the order of their numbers."""
    return sorted(notebooks_folder().glob("[0-9]*.ipynb"))


def notebook_name(path: Path) -> str:
    """Return a notebook's name without its number."""
    return re.sub(r"^\d+_", "", path.stem)


def notebooks_folder() -> Path:
    """Return $XACCT_NOTEBOOKS, else the notebooks of this installation."""
    return Path(os.environ.get(NOTEBOOKS_VARIABLE) or SHIPPED / NOTEBOOKS).absolute()


def known_parameters(path: Path) -> dict[str, Parameter]:
    """Return what the parameters cell declares. Raises UnknownNotebook, InvalidParameters."""
    return _declared(path, _cells(path))


def notebook_manual(name: str) -> NotebookHelp:
    """Return the help of the notebook at a path or of a name. Raises UnknownNotebook, InvalidParameters."""
    path = find_notebook(name)
    cells = _cells(path)
    return notebook_help(notebook_name(path), cells, _declared(path, cells))


def _cells(path: Path) -> list[dict[str, Any]]:
    """Return the cells, each with its type, source and tags. Raises UnknownNotebook."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        cells = [
            {
                "cell_type": each["cell_type"],
                "source": "".join(each["source"]),
                "tags": list(each["metadata"].get("tags", [])),
            }
            for each in content["cells"]
        ]
        kernel = content["metadata"].get("kernelspec", {})
        language, version = kernel.get("language", "python"), content["nbformat"]
    except KeyError as problem:
        raise _not_a_notebook(path, f"A part of it has no {problem}.") from problem
    except (TypeError, AttributeError) as problem:
        raise _not_a_notebook(path, "It is JSON, but not that of a notebook.") from problem
    except (OSError, ValueError, RecursionError) as problem:
        raise _not_a_notebook(path, str(problem)) from problem
    if language != "python" or version != 4:
        raise _not_a_notebook(path, f"Its language is {language}, its format {version}.")
    return cells


def _declared(path: Path, cells: list[dict[str, Any]]) -> dict[str, Parameter]:
    sources = [cell["source"] for cell in cells if "parameters" in cell["tags"]]
    if len(sources) > 1:
        raise InvalidParameters(
            f"{path.name!r} has {len(sources)} parameters cells.",
            why="The second would overwrite the values that are given.",
            hint="Leave the tag parameters on one cell.",
        )
    return parse_declarations(next(iter(sources), ""))


def _not_a_notebook(path: Path, why: str) -> UnknownNotebook:
    hint = "Name an .ipynb file of format 4 with a Python kernel."
    return UnknownNotebook(f"{str(path)!r} is no notebook that can be run.", why=why, hint=hint)
