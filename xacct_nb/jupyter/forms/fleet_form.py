"""The form of a fleet of one grant: its fields to edit, its accounts, and the policies in one of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xacct_nb.errors import InvalidInput
from xacct_nb.fleets.expansion import ExpandedFleet, expand
from xacct_nb.fleets.fleet import ANY_ACCOUNT, Fleet, FleetGrant
from xacct_nb.fleets.organization import Organization, accounts_without_tags
from xacct_nb.fleets.typed_fleet import (
    FLEET_FIELDS,
    FLEET_GROUPS,
    FLEET_RUN_FIELDS,
    fleet_as_typed,
    fleet_field_of,
    fleet_problems,
    typed_fleet,
)
from xacct_nb.grants.documents import SOURCE, Documents, build
from xacct_nb.grants.form.choices import AccountChoices
from xacct_nb.grants.form.field_kinds import Typed
from xacct_nb.grants.form.form_fields import settings_as_typed, typed_settings
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.settings import Settings
from xacct_nb.grants.templates import TEMPLATES
from xacct_nb.iam.arns import Arn
from xacct_nb.jupyter.forms.fields_form import FieldsForm
from xacct_nb.linting.findings import Findings, lint
from xacct_nb.views import Page, Text, View

if TYPE_CHECKING:
    from xacct_nb.jupyter.forms.form_widget import FormWidget

_NOT_READ = (
    "The accounts of the units and tags are known once the organization is read: name an organization "
    "profile, then press the button above, or run the cells below."
)
_NO_TAGS = "The tags of these accounts were not read: press the button above once more."
Found = tuple[AccountChoices, Organization | None]


class FleetForm(FieldsForm):
    """One grant over many accounts as fields to edit; `.fleet` is the fleet in them, `.settings` the run's.

    `look_up` reads what the accounts and the organization have. Raises InvalidInput, UnresolvedSecret,
    OverQuota.
    """

    model, run, groups = FLEET_FIELDS, FLEET_RUN_FIELDS, FLEET_GROUPS
    waiting = "The accounts and the policies appear here when every field is valid."
    search_help = (
        "Reads users, groups, roles and buckets with the profiles below, and the accounts and units of the "
        "organization where a profile may; then each field can search in them."
    )

    def __init__(
        self,
        grant: FleetGrant,
        resolve: Callable[[Grant], Grant],
        *,
        live: bool,
        settings: Settings,
        look_up: Callable[[Settings, Fleet], Found] | None = None,
    ) -> None:
        super().__init__(live=live, settings=settings)
        self._resolve, self._look_up = resolve, look_up
        self.organization: Organization | None = None
        self._use(grant)

    @property
    def fleet(self) -> Fleet:
        """Return the fleet in the fields. Raises InvalidGrant while they are not valid."""
        self.check()
        return self._fleet

    @property
    def declared(self) -> Grant:
        """Return the grant as it was typed: an external ID is a reference."""
        return self._given.template

    @property
    def searches(self) -> bool:
        """Return whether the form can read what the accounts have."""
        return self._look_up is not None

    def read_choices(self) -> AccountChoices:
        """Return what the accounts and the organization have. Raises XacctError."""
        if self._look_up is not None:
            self.choices, self.organization = self._look_up(self._settings or Settings(), self._fleet)
            self._use(self._given)
        return self.choices

    def template(self, name: str) -> dict[str, Typed]:
        """Return the fields of a template's grant as they are typed; the accounts stay."""
        target, source = self._given.target, self._given.template.source_accounts[0]
        grant = TEMPLATES[name].grant(source, ANY_ACCOUNT, target.partition)
        role = Arn.parse(grant.destinations[0]).name
        return typed_fleet(FleetGrant(target.model_copy(update={"role": role}), grant))

    def take(self, typed: Mapping[str, Any]) -> None:
        """Take what is typed. Raises InvalidInput."""
        try:
            settings = settings_as_typed(typed, self._settings or Settings(), self.run)
            self._use(fleet_as_typed(typed, self._given))
        except InvalidInput as problem:
            self.problems = fleet_problems(typed, self._given) | {fleet_field_of(problem): problem}
            raise
        self._settings, self.problems = settings, {}

    def arrange(self, page: "FormWidget") -> Sequence[Any]:
        """Return the form's templates and search above its fields, which stand in groups."""
        from xacct_nb.jupyter.forms.grant_form_layout import arrange_grant

        return arrange_grant(self, page)

    def typed_now(self) -> dict[str, Typed]:
        """Return the valid fields as they are typed."""
        return typed_fleet(self._given) | typed_settings(self._settings or Settings(), self.run)

    def valid_view(self) -> View:
        """Return the declaration with its accounts and policies."""
        return Page(f"Fleet {self._fleet.name}", (self._fleet.view(), *self.sides))

    @property
    def sides(self) -> tuple[View, ...]:
        """Return the accounts of the fleet, those left out, the findings, and the policies in one account."""
        accounts = self._expanded.view() if self._expanded else Text(self._not_expanded, "note")
        findings = (self.findings.view(),) if self.findings.found else ()
        account = self._documents.grant.destination_accounts[0]
        where = f"in account {account}, and likewise in the others" if self._expanded else "in any account"
        return accounts, *findings, Page(f"The policies {where}", (self._documents.view(),))

    def _use(self, given: FleetGrant) -> None:
        grant = replace(given, template=self._resolve(given.template))
        fleet = Fleet(name=grant.name, grants=[grant])
        expanded, why = _expanded(fleet, self.organization)
        documents, findings = _in_one_account(expanded, grant)
        self._given, self._fleet, self._expanded, self._not_expanded = given, fleet, expanded, why
        self._documents, self.findings = documents, findings


def _expanded(fleet: Fleet, organization: Organization | None) -> tuple[ExpandedFleet | None, str]:
    """Return the fleet with its accounts, or None and why they are not known yet.

    Raises InvalidGrant, InvalidOrganization.
    """
    target = fleet.grants[0].target
    if organization is None and target.by_organization:
        return None, _NOT_READ
    asked = target.accounts, target.organization_units, target.tags, target.except_accounts
    if organization and accounts_without_tags(organization, *asked):
        return None, _NO_TAGS
    return expand(fleet, organization), ""


def _in_one_account(expanded: ExpandedFleet | None, grant: FleetGrant) -> tuple[Documents, Findings]:
    """Return the policies and findings in the first account. Raises OverQuota for those of all roles."""
    if expanded:
        build(expanded.grants[0].source, SOURCE)
    documents = build(grant.in_account(expanded.accounts[0] if expanded else ANY_ACCOUNT))
    return documents, lint(documents)
