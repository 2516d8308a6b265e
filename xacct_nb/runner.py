"""One recorded headless run of a notebook: refused at the door, or executed, sealed and told."""

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xacct_nb.closing import circumstances, drafted, new_id, page, records_folder, utc
from xacct_nb.disk.evidence import Evidence, events
from xacct_nb.disk.grants import look_up, read_fields
from xacct_nb.disk.ledger import WORK, keep, work_folder
from xacct_nb.errors import InvalidParameters, UnknownNotebook, kinds
from xacct_nb.grants import external_id, resolve
from xacct_nb.jupyter.prepared import Prepared
from xacct_nb.parameters import (
    EXTERNAL_ID_VARIABLE,
    Parameter,
    accepted,
    check,
    declared,
    grant_of,
    merged,
    without_secrets,
)
from xacct_nb.plans import Plan
from xacct_nb.proofs import Proof
from xacct_nb.records import GOOD, NOTEBOOK, PAGE, Record
from xacct_nb.runs import FOLDER_VARIABLE
from xacct_nb.shields import redact_all
from xacct_nb.views import Page, Shown, Text, View

NOTEBOOKS_VARIABLE = "XACCT_NOTEBOOKS"
Tell = Callable[[int, int, str], None]


@dataclass(frozen=True, repr=False)
class Ended(Shown):
    """How a run ended: its record, where it is sealed, and the error that ended it."""

    record: Record
    folder: Path

    def view(self) -> View:
        """The plan, the proof and the outcome, with the way on."""
        record = self.record
        parts: list[View] = [Plan.from_json(record.plan).view()] if record.plan else []
        parts += [Proof.from_json(record.proof).view()] if record.proof else []
        error = record.error or {}
        parts += (
            [Text("\n".join(str(error[key]) for key in ("what", "why", "hint") if error.get(key)), "bad")]
            if error
            else []
        )
        parts.append(
            Text(f"{record.status} in {record.seconds:.2f} s", "good" if record.status in GOOD else "bad")
        )
        parts += (
            [Text(f"To apply exactly this plan: --approve {(record.plan or {})['digest']}")]
            if record.status == "planned"
            else []
        )
        return Page(record.notebook, (*parts, Text(f"Record: {self.folder}")))

    def to_json(self) -> dict[str, Any]:
        """What `run --json` prints."""
        record = self.record
        return {
            "status": record.status,
            "record": str(self.folder),
            "digest": (record.plan or {}).get("digest", ""),
            "summary": record.summary,
            "seconds": record.seconds,
            "error": record.error,
        }


def find_notebook(name: str) -> Path:
    """The notebook at a path, or of a name with or without its number (`plan_and_apply`). Raises UnknownNotebook."""
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
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError) as problem:
        raise UnknownNotebook(
            f"{str(path)!r} is no notebook.", why=str(problem), hint="Name an .ipynb file."
        ) from problem
    sources = (
        "".join(cell["source"]) for cell in cells if "parameters" in cell.get("metadata", {}).get("tags", [])
    )
    return declared(next(sources, ""))


def run(
    name: str,
    *,
    file: Path | None = None,
    options: Iterable[tuple[str, str]] = (),
    approve: str = "",
    records: str = "",
    tell: Tell | None = None,
    timeout: int | None = None,
    prepared: Prepared | None = None,
) -> Ended:
    """Runs the notebook in a kernel of its own and seals the record.

    `file` is a grant file, in which other parameters may stand too; `options` are names and texts as `-p` gives
    them; `timeout` is in seconds for each cell; `prepared` is a process that may become the kernel.

    Raises InvalidInput of any kind before a kernel starts; afterwards every end is in the record.
    """
    path = find_notebook(name)
    known = accepted(known_parameters(path))
    given = [*options, *([("approve", approve)] if approve else [])]
    values = merged(known, read_fields(file) if file else {}, given)
    if file and "sources" in known:
        # A field that the file leaves out is the grant's default, never what the notebook shows as an example.
        values = json.loads(grant_of(values).model_dump_json()) | values
    folder = records_folder(records or values.get("records", ""))
    if "records" in known:
        values["records"] = str(folder)
    hidden = _hide(known, values)
    named = values.get("name") or (known["name"].default if "sources" in known else "")
    with prepared or Prepared(()) as kernel:
        return _execute(path, named, values, folder, hidden, kernel, tell, timeout)


def _hide(known: Mapping[str, Parameter], values: dict[str, Any]) -> set[str]:
    """Checks the grant in the values, and gives the secrets that nothing written may hold."""
    grant = check(known, values)
    found = {external_id(resolve(grant, look_up))} if grant else set()
    if reference := values.get("external_id", ""):
        found.add(look_up(reference) if reference.startswith(("env:", "file:")) else _literal())
    return found - {""}


def _literal() -> str:
    raise InvalidParameters(
        "external_id is the external ID itself.",
        why="It would stand in the notebook.",
        hint="Give a reference: env:NAME or file:PATH.",
    )


def _execute(
    path: Path,
    name: str,
    values: Mapping[str, Any],
    records: Path,
    hidden: set[str],
    kernel: Prepared,
    tell: Tell | None,
    timeout: int | None,
) -> Ended:
    notebook, started, clock = path.stem.partition("_")[2] or path.stem, utc(), time.monotonic()
    work = work_folder(records, new_id(name, notebook))
    shown, secret = without_secrets(values)
    kernel.environment = {FOLDER_VARIABLE: str(work)} | ({EXTERNAL_ID_VARIABLE: secret} if secret else {})
    with ThreadPoolExecutor(1) as background:
        around = background.submit(circumstances)
        node, course = _run_in_kernel(path, shown, kernel, tell, timeout, background)
    said = list(events(work))
    ended = {
        "started": started,
        "seconds": round(time.monotonic() - clock, 3),
        "cells": tuple(course.states()),
        "error": _error(course, said),
    }
    record = drafted(records, work.name, notebook, _status(course, said), ended, around.result(), hidden)
    return _sealed(records, record, node, hidden)


def _run_in_kernel(
    path: Path,
    values: Mapping[str, Any],
    kernel: Prepared,
    tell: Tell | None,
    timeout: int | None,
    background: Executor,
) -> tuple[Any, Any]:
    """Runs the notebook; meanwhile the export's modules are loaded in the background."""
    from xacct_nb.jupyter import headless

    def step(done: int, total: int, title: str) -> None:
        if done == 0:
            background.submit(_warm_up)
        if tell:
            tell(done, total, title)

    return headless.run(path, values, tell=step, timeout=timeout, prepared=kernel)


def _warm_up() -> None:
    from xacct_nb.jupyter import export

    export.warm_up()


def _sealed(records: Path, record: Record, node: Any, hidden: set[str]) -> Ended:
    from xacct_nb.jupyter import export

    clean = export.as_notebook(redact_all(node, hidden))
    files = {NOTEBOOK: export.to_ipynb(clean).encode(), PAGE: page(record, clean).encode()}
    return Ended(record, keep(records, record, files))


def _status(course: Any, said: Iterable[Mapping[str, Any]]) -> str:
    """From the engine's course and the run's own word; a notebook that says nothing and ends well succeeded."""
    if course.ending:
        kind = kinds().get(course.ending)
        return kind.status if kind else "interrupted" if course.ending == "KeyboardInterrupt" else "failed"
    return str(_last(said, "status") or "succeeded")


def _error(course: Any, said: Iterable[Mapping[str, Any]]) -> Any:
    """The error as the run noted it, else as the kernel told it."""
    if not course.ending:
        return None
    return _last(said, "error") or {"code": course.ending, "what": course.words, "why": "", "hint": ""}


def _last(said: Iterable[Mapping[str, Any]], kind: str) -> Any:
    return next((event["value"] for event in reversed(list(said)) if event["kind"] == kind), None)
