"""A form whose fields are those of a model: what is typed in them, and what is not valid at which field."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from xacct_nb.errors import InvalidGrant, InvalidInput
from xacct_nb.grants.form.choices import AccountChoices
from xacct_nb.grants.form.field_kinds import Typed
from xacct_nb.grants.form.form_fields import EXTERNAL_ID, GRANT_FIELDS, RUN_FIELDS, FormField
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.settings import Settings
from xacct_nb.jupyter.forms.form import Field, Form, FormState
from xacct_nb.linting.findings import Findings
from xacct_nb.views import Page, Text, View, html

_LINES = {"permissions": 3, "arns": 2, "accounts": 4, "lines": 2, "tags": 2}


class FieldsForm(Form):
    """A form of a grant, in one account or in many, and of the run's settings.

    `model` are the fields of the grant, `run` those of the settings; `groups` their groups with headings.
    """

    secret_field = EXTERNAL_ID
    model: ClassVar[Mapping[str, FormField]]
    run: ClassVar[Mapping[str, FormField]]
    groups: ClassVar[Mapping[str, str]]
    search_help: ClassVar[str]
    waiting: ClassVar[str]

    def __init__(self, *, live: bool, settings: Settings | None) -> None:
        super().__init__(live=live)
        self._settings = settings
        self.problems: Mapping[str, InvalidInput] = {}
        self.choices = AccountChoices()
        self.findings = Findings((), ())

    @property
    def declared(self) -> Grant:
        """Return the grant that the fields begin with, or that was typed last."""
        raise NotImplementedError

    @property
    def name_warning(self) -> str:
        """Return what the name of the grant is used for already; "" where it is free, or this grant's."""
        return ""

    @property
    def sides(self) -> tuple[View, ...]:
        """Return what valid fields mean: the findings, and the policies of both sides."""
        raise NotImplementedError

    @property
    def searches(self) -> bool:
        """Return whether the form can read what the accounts have."""
        raise NotImplementedError

    def read_choices(self) -> AccountChoices:
        """Return what the accounts have, read with the last valid profiles in the form. Raises XacctError."""
        raise NotImplementedError

    def template(self, name: str) -> dict[str, Typed]:
        """Return the fields of a template's grant between the accounts of this one, as they are typed."""
        raise NotImplementedError

    def typed_now(self) -> dict[str, Typed]:
        """Return the valid fields as they are typed."""
        raise NotImplementedError

    @property
    def settings(self) -> Settings:
        """Return where the run acts, and its profiles. Raises InvalidGrant while the fields are not valid."""
        self.check()
        return self._settings or Settings()

    @property
    def reference(self) -> str:
        """Return where the external ID is found; "" where there is none, or where it was given itself."""
        return str(GRANT_FIELDS[EXTERNAL_ID].typed(self.declared.conditions.external_id))

    @property
    def invalid_fields(self) -> tuple[str, ...]:
        """Return the fields that are not valid; none where all are, or where several together are not."""
        return tuple(name for name in self.problems if name)

    @property
    def headline(self) -> str:
        """Return which fields are not valid; the same text while one field is typed in."""
        return "" if self.valid else f"{self._subject}: not valid. The cells below wait until it is."

    @property
    def table(self) -> dict[str, FormField]:
        """Return all fields by their names."""
        return {**self.model, **self.run}

    @property
    def place(self) -> str:
        """Return where the run acts, as the form has it."""
        places = {value: shown for shown, value in RUN_FIELDS["sandbox"].options}
        return places[self._settings.sandbox] if self._settings else ""

    def changed(self, names: Iterable[str]) -> str:
        """Return which of these fields have another value than the default, by their labels."""
        now, table = self.typed_now(), self.table
        return ", ".join(table[name].label for name in names if now[name] != table[name].default)

    def fields(self) -> tuple[Field, ...]:
        """Return the fields of the grant, and those of the run."""
        return tuple(self._field(self.table[name], value) for name, value in self.typed_now().items())

    def state(self) -> FormState:
        """Return what the fields mean, or what is not valid; `accept` only where a finding needs it."""
        waiting = self.explanation() if "" in self.problems else (Text(self.waiting, "note"),)
        below = "".join(map(html, self.sides if self.valid else waiting))
        accepts = self.findings.unaccepted or self.declared.accept
        return FormState(
            f'<div style="min-height: 24em">{below}</div>',
            self.headline,
            self.messages(),
            frozenset() if accepts else frozenset({"accept"}),
        )

    def view(self) -> View:
        """Return the declaration and what it means, or what is not valid in the fields."""
        if self.problem is not None:
            return Page(self.headline, tuple(map(self.message, self.problems.values())))
        return self.valid_view()

    def valid_view(self) -> View:
        """Return the declaration and what it means."""
        raise NotImplementedError

    def messages(self) -> dict[str, Text]:
        """Return what is not valid by field, in one text for each, and a name that is taken."""
        if self.valid:
            return {"name": Text(self.name_warning, "change")} if self.name_warning else {}
        table = self.table
        return {name: self.message(each, table[name].help) for name, each in self.problems.items() if name}

    def message(self, problem: InvalidInput, help_text: str = "") -> Text:
        """Return what is not valid, why, and what to do, without what the help says."""
        lines = (self._without_path(problem), problem.why, problem.hint)
        return Text("\n".join(line for line in lines if line not in ("", help_text)), "bad")

    def check(self) -> None:
        """Check that the fields are valid. Raises InvalidGrant."""
        if self.problem is None:
            return
        raise InvalidGrant(
            f"The form is not valid. {self._subject}: {self._without_path(self.problem)}",
            why=self.problem.why,
            hint=f"{self.problem.hint} Correct the field in the form; then run this cell again.".strip(),
        )

    @property
    def _subject(self) -> str:
        return ", ".join(self.table[name].label for name in self.invalid_fields) or "The grant"

    def _field(self, field: FormField, value: Typed) -> Field:
        # An external ID itself, given in the parameters, is kept and not shown.
        hidden = (
            field.name == EXTERNAL_ID
            and not value
            and self.declared.conditions.external_id.get_secret_value()
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

    def _without_path(self, problem: InvalidInput) -> str:
        """Return what is not valid, without the path of the field, which has a label."""
        path, _, rest = problem.what.partition(": ")
        named = any(f"{path}.".startswith(f"{name}.") for name in self.table)
        return rest if named and rest and " " not in path else problem.what
