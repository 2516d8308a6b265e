"""The form of a run's fleet: what it reads for it, and the check that a plan is of what the form has."""

from collections.abc import Callable
from dataclasses import replace

from xacct_nb.aws.sessions import open_sessions
from xacct_nb.errors import AwsRefused, InvalidInput, OutOfDate
from xacct_nb.fleets.fleet import Fleet, fleet_of
from xacct_nb.fleets.organization import ACTIVE, Organization
from xacct_nb.fleets.typed_fleet import FLEET_RUN_FIELDS
from xacct_nb.grants.form.choices import AccountChoices
from xacct_nb.grants.parameters import to_display
from xacct_nb.grants.settings import Settings
from xacct_nb.jupyter.forms.fleet_form import FleetForm, Found
from xacct_nb.runs.fleet.organization_loading import load_organization
from xacct_nb.runs.grant_forms import FormRun, act_as

_NEWER = "A newer form has taken the place of this one."
_AGAIN = "Run the cells again from the one that makes the plan: plan = fleet.plan()"
_CHANGED = "The form was changed since this plan was made."


class FleetEdits:
    """The form of a run's fleet, and the plan that was made of what is in it.

    `forget` is called where the form was changed: what was made of it before is of no use.
    """

    def __init__(self, run: FormRun, forget: Callable[[], None]) -> None:
        self.run, self._forget = run, forget
        self._given = fleet_of(run.parameters)
        self._planned: tuple[str, Fleet, Settings] | None = None
        self.form = FleetForm(
            self._given.grants[0],
            run.look_up_secret,
            live=run.attended,
            settings=run.settings,
            look_up=self._look_up,
        )
        self.form.on_change(self._changed)
        guards = run.guards
        guards.check()
        for earlier in guards.forms:
            earlier.shut(_NEWER)
        guards.void(f"{_CHANGED} {_AGAIN}")
        guards.forms.append(self.form)
        guards.again = _AGAIN

    def fleet(self) -> Fleet:
        """Return the fleet in the form, and let the run act where the form says. Raises InvalidInput."""
        act_as(self.run, self.form.settings, FLEET_RUN_FIELDS)
        return self.form.fleet

    def note(self, digest: str) -> None:
        """Note the plan of what the form has now, and record what was edited."""
        self._planned = digest, self.form.fleet, self.form.settings
        before, now = (each.to_json()["grants"][0] for each in (self._given, self.form.fleet))
        changed = {name: value for name, value in now.items() if value != before.get(name)}
        given = Settings(**{name: self.run.parameters[name] for name in self._settings})
        changed |= {
            name: getattr(self.form.settings, name)
            for name in FLEET_RUN_FIELDS
            if getattr(self.form.settings, name) != getattr(given, name)
        }
        if changed:
            self.run.evidence.add("parameters", to_display(self.run.parameters) | changed)

    def check(self, digest: str) -> None:
        """Check that a plan is of what the form has now. Raises InvalidGrant, OutOfDate."""
        self.run.guards.check()
        if self._planned != (digest, self.form.fleet, self.form.settings):
            raise OutOfDate(
                "The plan was not made from what the form has now.",
                why=_CHANGED,
                hint=_AGAIN,
            )

    @property
    def _settings(self) -> list[str]:
        return [name for name in FLEET_RUN_FIELDS if name in self.run.parameters]

    def _changed(self) -> None:
        self._forget()
        form = self.form
        if not form.valid or (self._planned and self._planned[1:] != (form.fleet, form.settings)):
            self.run.guards.void(f"{_CHANGED} {_AGAIN}")

    def _look_up(self, settings: Settings, fleet: Fleet) -> Found:
        from xacct_nb.aws.choices import read_choices  # few forms need it

        act_as(self.run, settings, FLEET_RUN_FIELDS)
        partition = fleet.grants[0].target.partition
        endpoint = self.run.place.open(partition)
        found = read_choices(
            source_profiles=settings.source_profiles,
            destination_profiles=settings.destination_profiles,
            partition=partition,
            endpoint=endpoint,
        )
        if not (profile := settings.organization_profile):
            return found, None
        try:
            sessions = open_sessions(source_profiles=[profile], endpoint=endpoint)
            organization = load_organization(fleet, sessions, profile)
        except (AwsRefused, InvalidInput) as problem:
            note = f"The organization was not read by {profile}: {problem.what} {problem.hint}".strip()
            return replace(found, notes=(*found.notes, note)), None
        return _with_accounts(found, organization), organization


def _with_accounts(found: AccountChoices, organization: Organization) -> AccountChoices:
    """Return the choices with the accounts and the units of an organization."""
    accounts = [each for each in organization.accounts if each.state in (ACTIVE, "")]
    named = tuple(f"{each.id}  # {each.name}".removesuffix("  # ") for each in accounts)
    return replace(found, lists={**found.lists, "accounts": named, "units": organization.units})
