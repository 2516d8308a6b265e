"""The form of a run's grant: what it learns from the ledger and the accounts, and how the run follows it."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from xacct_nb.grants.form.choices import AccountChoices
from xacct_nb.grants.form.form_fields import RUN_FIELDS
from xacct_nb.grants.former_names import rename_former_fields
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.naming import NameUse
from xacct_nb.grants.parameters import grant_of
from xacct_nb.grants.settings import Settings, settings_of
from xacct_nb.jupyter.forms.grant_form import GrantForm
from xacct_nb.runs import confinement, outcome
from xacct_nb.runs.guards import Guards
from xacct_nb.runs.run_context import RunContext
from xacct_nb.runs.standing import Read, standing_records
from xacct_nb.storage.ledger import read_record


class FormRun(RunContext, Protocol):
    """A run whose grant is edited in a form."""

    parameters: Mapping[str, Any]
    guards: Guards

    def grant(self) -> Grant: ...
    def prepared(self, grant: Grant) -> Grant: ...
    def leave_place(self) -> None: ...
    @property
    def attended(self) -> bool: ...


def grant_form(run: FormRun) -> GrantForm:
    """Return the form of a run's grant. Raises UnresolvedSecret, OverQuota."""
    read, live = cache(read_record), run.attended

    def used(name: str, settings: Settings) -> NameUse | None:
        return name_use(run.records, name, settings.sandbox, read) if live else None

    def look_up(settings: Settings, grant: Grant) -> AccountChoices:
        from xacct_nb.aws.choices import read_choices  # few forms need it

        act_as(run, settings)
        return read_choices(
            source_profiles=settings.source_profiles,
            destination_profiles=settings.destination_profiles,
            partition=grant.partition,
            endpoint=run.place.open(grant.partition),
        )

    given = run.look_up_secret(grant_of(run.parameters))
    return GrantForm(given, run.prepared, live=live, settings=run.settings, used=used, look_up=look_up)


def act_as(run: FormRun, settings: Settings, fields: Iterable[str] = RUN_FIELDS) -> None:
    """Let the run act where the form says, with its profiles. Raises InvalidInput after the run's change."""
    if all(getattr(settings, name) == getattr(run.settings, name) for name in fields):
        return
    if run.applied is not None:
        raise outcome.already_changed()
    moved = settings.sandbox != run.settings.sandbox
    run.guards.forget_sessions()
    run.settings = settings
    if moved:
        confinement.leave_sandbox()
        run.leave_place()
        run.place.begin()


def name_use(records: Path, name: str, sandbox: bool, read: Read = read_record) -> NameUse | None:
    """Return what the newest record under this name did that stands; None where none does.

    The sandbox and AWS have names of their own.
    """
    for record in standing_records(records, name, read):
        if record.is_of_sandbox == sandbox:
            given = rename_former_fields(record.parameters)
            sources, destinations = (tuple(given.get(each, ())) for each in ("sources", "destinations"))
            return NameUse(name, f"record {record.id}", sources, destinations)
    return None


def edited(run: FormRun, grant: Grant) -> dict[str, Any]:
    """Return the parameters that were edited in the form of a run, as they are recorded."""
    if "sources" not in run.parameters:
        return {}
    given, before = run.grant().to_json(), settings_of(run.parameters)
    changed = {name: value for name, value in grant.to_json().items() if value != given[name]}
    now = {name: getattr(run.settings, name) for name in RUN_FIELDS}
    return changed | {name: value for name, value in now.items() if value != getattr(before, name)}
