"""The form of a grant: its fields to edit, where the run acts, and the policies of both sides."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xacct_nb.changes.access_picture import picture
from xacct_nb.errors import InvalidGrant, InvalidInput
from xacct_nb.grants.documents import build
from xacct_nb.grants.form.choices import AccountChoices
from xacct_nb.grants.form.field_kinds import Typed
from xacct_nb.grants.form.form_fields import (
    EXTERNAL_ID,
    GRANT_FIELDS,
    RUN_FIELDS,
    FormField,
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
from xacct_nb.jupyter.forms.form import Field, Form, FormState
from xacct_nb.linting.findings import lint
from xacct_nb.views import Page, Text, View, html

if TYPE_CHECKING:
    from xacct_nb.jupyter.forms.form_widget import FormWidget

_FIELDS = GRANT_FIELDS | RUN_FIELDS
LABELS = {name: field.label for name, field in _FIELDS.items()}
_LINES = {"permissions": 3, "arns": 2, "lines": 2, "tags": 2}
_WAITING = "The policies of both sides appear here when every field is valid."


class GrantForm(Form):
    """The grant as fields to edit; `.grant` is the grant in them, its external ID looked up.

    With `settings` also where the run acts and its profiles, `.settings`. `used` returns what a name is used
    for already; `look_up` reads the accounts' choices. Raises UnresolvedSecret, OverQuota.
    """

    secret_field = EXTERNAL_ID

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
        super().__init__(live=live)
        self._resolve, self._used, self._look_up = resolve, used, look_up
        self._settings = settings
        self._problems: Mapping[str, InvalidInput] = {}
        self.choices = AccountChoices()
        self._use(grant)

    @property
    def grant(self) -> Grant:
        """Return the grant in the fields. Raises InvalidGrant while they are not valid."""
        self._check()
        return self._grant

    @property
    def settings(self) -> Settings:
        """Return where the run acts, and its profiles. Raises InvalidGrant while the fields are not valid."""
        self._check()
        return self._settings or Settings()

    @property
    def reference(self) -> str:
        """Return where the external ID is found; "" where there is none, or where it was given itself."""
        return str(GRANT_FIELDS[EXTERNAL_ID].typed(self._given.conditions.external_id))

    @property
    def name_warning(self) -> str:
        """Return what the name of the grant is used for already; "" where it is free, or this grant's."""
        if (use := self._used(self._grant.name, self._settings or Settings())) is not None:
            return use.warning(self._grant)
        made = self.choices.policy_with(policy_name(self._grant))
        return NameUse(self._grant.name, f"the policy {made} has it").warning(self._grant) if made else ""

    @property
    def invalid_fields(self) -> tuple[str, ...]:
        """Return the fields that are not valid; none where all are, or where several together are not."""
        return tuple(name for name in self._problems if name)

    @property
    def headline(self) -> str:
        """Return which fields are not valid; the same text while one field is typed in."""
        if self.valid:
            return ""
        subject = ", ".join(LABELS[name] for name in self.invalid_fields) or "The grant"
        return f"{subject}: not valid. The cells below wait until it is."

    @property
    def sides(self) -> tuple[View, ...]:
        """Return the findings in both sides' policies, if there are any, the picture, and the policies."""
        findings = (self._findings.view(),) if self._findings.found else ()
        return *findings, picture(self._grant).view(), self._documents.view()

    def view(self) -> View:
        """Return the grant and both sides' policies, or what is not valid in the fields."""
        if self.problem is not None:
            return Page(self.headline, tuple(map(_message, self._problems.values())))
        warning = [Text(self.name_warning, "change")] if self.name_warning else []
        return Page(f"Grant {self._grant.name}", (self._grant.view(), *warning, *self.sides))

    def take(self, typed: Mapping[str, Any]) -> None:
        """Take what is typed. Raises InvalidInput."""
        try:
            settings = self._settings and settings_as_typed(typed, self._settings)
            self._use(grant_as_typed(typed, self._given))
        except InvalidInput as problem:
            self._problems = problems_as_typed(typed, self._given) | {field_of(problem): problem}
            raise
        self._settings, self._problems = settings, {}

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

    def state(self) -> FormState:
        """Return the policies of both sides, or what is not valid; `accept` only where a finding needs it."""
        waiting = self.explanation() if "" in self._problems else (Text(_WAITING, "note"),)
        below = "".join(map(html, self.sides if self.valid else waiting))
        return FormState(
            f'<div style="min-height: 24em">{below}</div>',
            self.headline,
            self._messages(),
            frozenset() if self._findings.unaccepted or self._grant.accept else frozenset({"accept"}),
        )

    def fields(self) -> tuple[Field, ...]:
        """Return the fields of the grant, and those of the run."""
        values = typed_grant(self._given) | (typed_settings(self._settings) if self._settings else {})
        return tuple(self._field(_FIELDS[name], value) for name, value in values.items())

    def arrange(self, page: "FormWidget") -> Sequence[Any]:
        """Return the form's templates and search above its fields, which stand in groups."""
        from xacct_nb.jupyter.forms.grant_form_layout import arrange_grant

        return arrange_grant(self, page)

    @property
    def place(self) -> str:
        """Return where the run acts, as the form has it."""
        places = {value: shown for shown, value in RUN_FIELDS["sandbox"].options}
        return places[self._settings.sandbox] if self._settings else ""

    def changed(self, names: Iterable[str]) -> str:
        """Return which of these fields have another value than the default, by their labels."""
        given = typed_grant(self._given)
        return ", ".join(LABELS[name] for name in names if given[name] != _FIELDS[name].default)

    def _field(self, field: FormField, value: Typed) -> Field:
        # An external ID itself, given in the parameters, is kept and not shown.
        hidden = (
            field.name == EXTERNAL_ID and not value and self._given.conditions.external_id.get_secret_value()
        )
        return Field(
            field.name,
            field.label,
            value,
            "the one in the parameters, not shown" if hidden else field.example,
            _LINES.get(field.kind, 1),
            field.options,
            # Half a reference would be taken for the external ID itself.
            follows=field.name != EXTERNAL_ID,
            help=field.help,
            required=field.required,
            wide=field.kind == "permissions" or field.name == "name",
        )

    def _messages(self) -> dict[str, Text]:
        """Return what is not valid by field, in one text for each, and a name that is taken."""
        if self.valid:
            return {"name": Text(self.name_warning, "change")} if self.name_warning else {}
        return {name: _message(each, _FIELDS[name].help) for name, each in self._problems.items() if name}

    def _check(self) -> None:
        if self.problem is None:
            return
        subject = ", ".join(LABELS[name] for name in self.invalid_fields) or "The grant"
        raise InvalidGrant(
            f"The form is not valid. {subject}: {_without_path(self.problem)}",
            why=self.problem.why,
            hint=f"{self.problem.hint} Correct the field in the form; then run this cell again.".strip(),
        )

    def _use(self, given: Grant) -> None:
        grant = self._resolve(given)
        documents = build(grant)
        self._given, self._grant, self._documents, self._findings = given, grant, documents, lint(documents)


def _without_path(problem: InvalidInput) -> str:
    """Return what is not valid, without the path of the field, which has a label."""
    path, _, rest = problem.what.partition(": ")
    return rest if field_of(problem) and rest and " " not in path else problem.what


def _message(problem: InvalidInput, help_text: str = "") -> Text:
    lines = (_without_path(problem), problem.why, problem.hint)
    return Text("\n".join(line for line in lines if line not in ("", help_text)), "bad")
