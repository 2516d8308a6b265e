"""The form of a denial: the error text, who called what, and where the rest is found."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from xacct_nb.diagnosis.denial import read_denial
from xacct_nb.errors import InvalidParameters
from xacct_nb.grants.parameters import Settings
from xacct_nb.jupyter.form import Form, is_literal
from xacct_nb.validation import as_input_error
from xacct_nb.views import Page, Table, View

DENIAL_LABELS = {
    "error_text": "Error text",
    "caller": "Caller ARN",
    "role": "Role ARN",
    "external_id": "External ID",
    "action": "Denied action",
    "resource": "Denied resource",
    "snapshot": "Snapshot file",
}
_EXAMPLES = {
    "error_text": "An error occurred (AccessDenied) when calling the AssumeRole operation: ...",
    "caller": "empty: the error text's, or the profile's",
    "role": "empty: the error text's",
    "external_id": "none; or env:NAME or file:PATH",
    "action": "empty; or, after the role was assumed, such as s3:GetObject",
    "resource": "empty; or the ARN that was denied",
    "snapshot": "empty; or the file that the other owner sent",
}


class DenialForm(Form):
    """A denial as fields to edit; `.settings` are the last valid ones."""

    def __init__(self, settings: Settings, *, live: bool) -> None:
        super().__init__(live=live)
        self.settings = settings

    def view(self) -> View:
        """Return what was given and what was read out of the error text; or what is not valid."""
        if self.problem is not None:
            return Page("Not valid. The last valid fields are used until it is.", self.explanation())
        rows = [(label, str(getattr(self.settings, name))) for name, label in DENIAL_LABELS.items()]
        given = Table(("", "asked"), tuple((label, value) for label, value in rows if value))
        text = self.settings.error_text
        return Page("Denial", (given, *((read_denial(text).view(),) if text else ())))

    def fill(self, typed: Mapping[str, str]) -> None:
        """Take what is typed, or note the problem."""
        self.try_to(lambda: self._take({name: value.strip() for name, value in typed.items()}))

    def build_widget(self) -> Any:
        """Return the fields over what they mean; an external ID itself never stays in its field."""
        import ipywidgets

        from xacct_nb.jupyter.widgets import box, observe, region, set_unobserved

        fields = {name: self._field(name) for name in DENIAL_LABELS}
        below = ipywidgets.HTML(region("status", self.view()))

        def changed(_: Any) -> None:
            self.fill({name: field.value for name, field in fields.items()})
            if is_literal(fields["external_id"].value, self.settings.external_id):
                set_unobserved(fields["external_id"], self.settings.external_id, changed)
            below.value = region("status", self.view())

        observe(fields.values(), changed)
        return box(*fields.values(), below)

    def _field(self, name: str) -> Any:
        import ipywidgets

        from xacct_nb.jupyter.widgets import field

        return field(
            ipywidgets.Textarea if name == "error_text" else ipywidgets.Text,
            DENIAL_LABELS[name],
            str(getattr(self.settings, name)),
            placeholder=_EXAMPLES[name],
            # Read when the field is left: half a reference would be taken for the external ID itself.
            continuous_update=False,
        )

    def _take(self, fields: Mapping[str, str]) -> None:
        try:
            self.settings = Settings(**{**dict(self.settings), **fields})
        except ValidationError as problem:
            raise as_input_error(problem, Settings, InvalidParameters) from problem
