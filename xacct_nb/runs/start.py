"""The start of a run by a notebook's cell: its settings, its evidence, the hooks into the kernel."""

import atexit
import os
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xacct_nb.aws.clock import utc
from xacct_nb.grants.former_names import FORMER_NAMES, accept_former_names
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.parameters import redact_free_texts, to_display
from xacct_nb.grants.settings import Settings, settings_of
from xacct_nb.grants.target import Target
from xacct_nb.jupyter import cell_hooks
from xacct_nb.jupyter.executed_cells import note_executed_cells
from xacct_nb.jupyter.missing_names import explain_missing_names
from xacct_nb.records.fields import NOT_PROVEN
from xacct_nb.runs import confinement
from xacct_nb.runs.environment import describe_environment
from xacct_nb.runs.notebook_run import Run
from xacct_nb.runs.recovery import recover
from xacct_nb.runs.sealing import FOLDER_VARIABLE, new_run_id, records_folder
from xacct_nb.runs.secrets import protect_secrets
from xacct_nb.storage.evidence import Evidence
from xacct_nb.storage.references import resolve_reference
from xacct_nb.storage.run_folder import create_run_folder
from xacct_nb.views import Shown

_NEWER = "A newer run was started in this kernel. Run the cells below its start again."
_newest = list[weakref.ref[Run]]()  # at most one: the run that the cells of this kernel are of
_PROVING = ("prove_the_access", "prove_many")  # the notebooks whose run is nothing without its proof


def start_run(notebook: str, names: Mapping[str, Any]) -> Run:
    """Start a run with the parameters among `names` (a notebook's `globals()`).

    Raises InvalidParameters, InvalidGrant, UnresolvedSecret.
    """
    known = (*Grant.model_fields, *FORMER_NAMES, *Settings.model_fields, *Target.model_fields)
    given = accept_former_names({name: names[name] for name in known if name in names})
    given = redact_free_texts(given, ())
    settings = settings_of(given)
    if settings.records_of:  # the notebook's example grant is not what is proven
        given = {name: value for name, value in given.items() if name in Settings.model_fields}
    displayed = to_display(given)
    secrets = {resolve_reference(settings.external_id)} if settings.external_id else set()
    evidence = _evidence(settings, displayed.get("name", ""), notebook)
    run = Run(notebook, settings, given, evidence, start_run)
    run.status = NOT_PROVEN if notebook in _PROVING else run.status
    run.evidence.secrets |= secrets
    confinement.leave_sandbox()
    protect_secrets(run.evidence, run.headless)
    run.place.begin()
    run.evidence.add("parameters", displayed)
    cell_hooks.on_cell_end(run.note_cell)
    if not run.headless:
        _leave_earlier(run)
        run.executed = note_executed_cells()
        explain_missing_names()
        atexit.register(run.leave)
    return run


def _leave_earlier(run: Run) -> None:
    """Take back what was approved in the run before this one, whose cells are not run again yet."""
    for earlier in filter(None, (each() for each in _newest)):
        earlier.guards.give_up(_NEWER)
    _newest[:] = [weakref.ref(run)]


def record(run: Run) -> Shown:
    """Seal the run's record and return its summary; headless, the runner does it when the notebook has ended.

    The page of a grant seals its record itself, once a person has ended it there.
    """
    page = run.one_page
    return page.note if page is not None and page.live and run.finished is None else run.finish()


def _evidence(settings: Settings, grant: str, notebook: str) -> Evidence:
    """Return the evidence of a run, in the folder that its runner made, else in a new one."""
    if given := os.environ.get(FOLDER_VARIABLE):
        return Evidence(Path(given))
    records = records_folder(settings.records)
    recover(records)
    about = {"notebook": notebook, "started": utc(), "again": "", "headless": False}
    run = new_run_id(grant, notebook)
    with create_run_folder(records, run, {**about, "around": describe_environment()}) as folder:
        return Evidence(folder)
