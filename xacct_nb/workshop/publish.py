"""Makes what a sheet is published as: a notebook to fill in, one with solutions, the instructor's page.

python -m xacct_nb.workshop.publish FOLDER     (the folder of the project)
"""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from xacct_nb.workshop.exercise import SEED, Exercise, Sheet
from xacct_nb.workshop.instructor_page import instructor_page
from xacct_nb.workshop.sheets import all_sheets

_PARAMETERS = """\
participant: str = ""  # your name in the class; empty takes the name of your user
sandbox: bool = True  # true acts on the embedded AWS of this machine, false on two AWS accounts
source_profile: str = ""  # without the sandbox: the AWS profile that administers the source account
destination_profile: str = ""  # without the sandbox: that of the destination account
confirm: str = ""  # without the sandbox: the id of the destination account, once you know what is made"""
_SEED = """
seed: int = {seed}  # the exercises that are drawn; 0 takes those of your name, another number others"""
_ABOUT_PARAMETERS = """\
## Parameters

Leave them as they are to work in the [sandbox](../../docs/glossary.md#sandbox), an embedded AWS on this
machine. No AWS account is needed."""
_BEGIN = """\
## Begin

Makes two accounts of your own for this sheet, with their users, or finds them again. Your progress stays when
the kernel ends."""
_AFTER_BEGIN = """\
`sheet` has what you need:

- `sheet.source` and `sheet.destination` are the ids of your two accounts;
- `sheet.user_arn("alice")` and `sheet.role_arn("NAME")` give ARNs;
- `sheet.client("alice", "sts")` is a boto3 client with Alice's own keys. The administrators of the two
  accounts are `source-admin` and `destination-admin`.

You may use the AWS CLI in a terminal as well: copy the line that begins with `export`."""
_CHECK = """\
## Check exercise {number}

Asks AWS what is possible now, and says what it answered. For help, put `sheet.hint("{name}")` into a new
cell. After three hints, `sheet.solution("{name}")` shows a solution."""
_CLEAN_UP = """\
## Clean up

Removes everything in the accounts of this sheet, and lists them again: nothing may be left. Run it when you
are done. Your progress stays."""

Cell = dict[str, Any]


def starter_notebook(sheet: Sheet) -> dict[str, Any]:
    """Return the notebook in which a participant works."""
    return _notebook(sheet, "starter", lambda exercise: exercise.starter)


def solution_notebook(sheet: Sheet) -> dict[str, Any]:
    """Return the notebook with a solution of every exercise."""
    return _notebook(sheet, "solution", lambda exercise: exercise.solution)


def pages_of(sheet: Sheet) -> Iterator[tuple[str, str]]:
    """Yield the path, in the project's folder, and the content of each file of a sheet."""
    yield f"notebooks/workshop/{sheet.stem}.ipynb", _text(starter_notebook(sheet))
    yield f"notebooks/workshop/solutions/{sheet.stem}.ipynb", _text(solution_notebook(sheet))
    yield f"docs/workshop/{sheet.stem}.md", instructor_page(sheet)


def publish(folder: Path) -> list[str]:
    """Write the files of all sheets into the project's folder, and return the paths of those that changed."""
    changed = list[str]()
    for path, content in (page for sheet in all_sheets() for page in pages_of(sheet)):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_text(encoding="utf-8") != content:
            target.write_text(content, encoding="utf-8")
            changed.append(path)
    return changed


def _notebook(sheet: Sheet, kind: str, answer: Callable[[Exercise], str]) -> dict[str, Any]:
    cells = [
        {**cell, "id": hashlib.sha256(f"{kind} {sheet.name} {number}".encode()).hexdigest()[:8]}
        for number, cell in enumerate(_cells(sheet, answer, SEED if kind == "solution" else 0))
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _cells(sheet: Sheet, answer: Callable[[Exercise], str], seed: int) -> Iterator[Cell]:
    yield _markdown(
        f"# {sheet.number}. {sheet.title}\n\n{sheet.introduction}\n\nTime: about {sheet.minutes} minutes."
    )
    yield _markdown(_ABOUT_PARAMETERS)
    yield _code(_PARAMETERS + (_SEED.format(seed=seed) if sheet.drawn else ""), "parameters")
    yield _markdown(_BEGIN)
    yield _code(
        f'from xacct_nb import workshop\n\nsheet = workshop.open_sheet("{sheet.name}", globals())\nsheet'
    )
    yield _markdown(_AFTER_BEGIN)
    for number, exercise in enumerate(sheet.exercises, start=1):
        yield _markdown(f"## Exercise {number}: {exercise.title}\n\n{exercise.task}")
        if exercise.ticket:
            yield _code(f'sheet.task("{exercise.name}")')
            yield _markdown(f"## Answer exercise {number}\n\nMend it here, and set `answer`.")
        yield _code(answer(exercise))
        yield _markdown(_CHECK.format(number=number, name=exercise.name))
        yield _code(f'sheet.check("{exercise.name}", answer)')
    yield _markdown(_CLEAN_UP)
    yield _code("sheet.clean_up()")
    yield _markdown(sheet.closing)


def _markdown(source: str) -> Cell:
    return {"cell_type": "markdown", "metadata": {}, "source": source.strip().splitlines(keepends=True)}


def _code(source: str, *tags: str) -> Cell:
    metadata = {"tags": list(tags)} if tags else {}
    lines = source.strip().splitlines(keepends=True)
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": metadata,
        "outputs": [],
        "source": lines,
    }


def _text(notebook: dict[str, Any]) -> str:
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for each in publish(Path(sys.argv[1])):
        print(each)
