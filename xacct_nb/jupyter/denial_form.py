"""The form of a denial: the error text, who called what, and where the rest is found."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from xacct_nb.diagnosis.denial import read_denial
from xacct_nb.errors import InvalidParameters
from xacct_nb.grants.parameters import Settings
from xacct_nb.jupyter.form import Field, Form, region
from xacct_nb.validation import as_input_error
from xacct_nb.views import Page, Table, View, html

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

_LINES = {**dict.fromkeys(DENIAL_LABELS, 1), "error_text": 2}


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

    @property
    def reference(self) -> str:
        """Return where the external ID is found."""
        return self.settings.external_id

    def build_widget(self) -> Any:
        """Return the fields over what they mean."""
        from xacct_nb.jupyter.widgets import form_box

        return form_box(self)

    def fields(self) -> list[Field]:
        """Return the parameters of the denial that a person edits."""
        return [
            # Half a reference would be taken for the external ID itself.
            Field(
                name, label, str(getattr(self.settings, name)), _EXAMPLES[name], _LINES[name], follows=False
            )
            for name, label in DENIAL_LABELS.items()
        ]

    def below(self) -> str:
        """Return what the fields mean."""
        return region("status", html(self.view()))

    def _take(self, fields: Mapping[str, str]) -> None:
        try:
            self.settings = Settings(**{**dict(self.settings), **fields})
        except ValidationError as problem:
            raise as_input_error(problem, Settings, InvalidParameters) from problem
