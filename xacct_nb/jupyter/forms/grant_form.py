"""The form of a grant: its fields to edit, where the run acts, and the policies of both sides."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xacct_nb.changes.access_picture import picture
from xacct_nb.errors import InvalidInput
from xacct_nb.grants.documents import build
from xacct_nb.grants.form.choices import AccountChoices
from xacct_nb.grants.form.field_kinds import Typed
from xacct_nb.grants.form.form_fields import (
    GRANT_FIELDS,
    GROUPS,
    RUN_FIELDS,
    field_of,
    grant_as_typed,
    problems_as_typed,
    settings_as_typed,
    typed_grant,
    typed_settings,
)
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.naming import NameUse, policy_name
from xacct_nb.grants.settings import Settings
from xacct_nb.grants.templates import TEMPLATES
from xacct_nb.jupyter.forms.fields_form import FieldsForm
from xacct_nb.linting.findings import lint
from xacct_nb.views import Page, Text, View

if TYPE_CHECKING:
    from xacct_nb.jupyter.forms.form_widget import FormWidget

LABELS = {name: field.label for name, field in (GRANT_FIELDS | RUN_FIELDS).items()}


class GrantForm(FieldsForm):
    """The grant as fields to edit; `.grant` is the grant in them, its external ID looked up.

    With `settings` also where the run acts and its profiles, `.settings`. `used` returns what a name is used
    for already; `look_up` reads the accounts' choices. Raises UnresolvedSecret, OverQuota.
    """

    model, run, groups = GRANT_FIELDS, RUN_FIELDS, GROUPS
    waiting = "The policies of both sides appear here when every field is valid."
    search_help = (
        "Reads users, groups, roles and buckets with the profiles below; then each field can search in them."
    )

    def __init__(
        self,
        grant: Grant,
        resolve: Callable[[Grant], Grant],
        *,
        live: bool,
        settings: Settings | None = None,
        used: Callable[[str, Settings], NameUse | None] = lambda *_: None,
        look_up: Callable[[Settings, Grant], AccountChoices] | None = None,
    ) -> None:
        super().__init__(live=live, settings=settings)
        self._resolve, self._used, self._look_up = resolve, used, look_up
        self._use(grant)

    @property
    def grant(self) -> Grant:
        """Return the grant in the fields. Raises InvalidGrant while they are not valid."""
        self.check()
        return self._grant

    @property
    def declared(self) -> Grant:
        """Return the grant as it was typed: an external ID is a reference."""
        return self._given

    @property
    def name_warning(self) -> str:
        """Return what the name of the grant is used for already; "" where it is free, or this grant's."""
        if (use := self._used(self._grant.name, self._settings or Settings())) is not None:
            return use.warning(self._grant)
        made = self.choices.policy_with(policy_name(self._grant))
        return NameUse(self._grant.name, f"the policy {made} has it").warning(self._grant) if made else ""

    @property
    def sides(self) -> tuple[View, ...]:
        """Return the findings in both sides' policies, if there are any, the picture, and the policies."""
        findings = (self.findings.view(),) if self.findings.found else ()
        return *findings, picture(self._grant).view(), self._documents.view()

    def valid_view(self) -> View:
        """Return the grant and both sides' policies."""
        warning = [Text(self.name_warning, "change")] if self.name_warning else []
        return Page(f"Grant {self._grant.name}", (self._grant.view(), *warning, *self.sides))

    def take(self, typed: Mapping[str, Any]) -> None:
        """Take what is typed. Raises InvalidInput."""
        try:
            settings = self._settings and settings_as_typed(typed, self._settings)
            self._use(grant_as_typed(typed, self._given))
        except InvalidInput as problem:
            self.problems = problems_as_typed(typed, self._given) | {field_of(problem): problem}
            raise
        self._settings, self.problems = settings, {}

    def template(self, name: str) -> dict[str, Typed]:
        """Return the fields of a template's grant between the accounts of this one, as they are typed."""
        source, destination = self._grant.source_accounts[0], self._grant.destination_accounts[0]
        return typed_grant(TEMPLATES[name].grant(source, destination, self._grant.partition))

    @property
    def searches(self) -> bool:
        """Return whether the form can read what the accounts have."""
        return self._look_up is not None

    def read_choices(self) -> AccountChoices:
        """Return what the accounts have, read with the last valid profiles in the form. Raises XacctError."""
        if self._look_up is not None:
            self.choices = self._look_up(self._settings or Settings(), self._grant)
        return self.choices

    def arrange(self, page: "FormWidget") -> Sequence[Any]:
        """Return the form's templates and search above its fields, which stand in groups."""
        from xacct_nb.jupyter.forms.grant_form_layout import arrange_grant

        return arrange_grant(self, page)

    def typed_now(self) -> dict[str, Typed]:
        """Return the valid fields as they are typed."""
        return typed_grant(self._given) | (typed_settings(self._settings) if self._settings else {})

    def _use(self, given: Grant) -> None:
        grant = self._resolve(given)
        documents = build(grant)
        self._given, self._grant, self._documents, self.findings = given, grant, documents, lint(documents)
