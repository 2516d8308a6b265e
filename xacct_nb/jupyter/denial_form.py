"""The form of a denial: what was said, who called what, and where the rest is found."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from xacct_nb.diagnosis.denial import read_denial
from xacct_nb.errors import InvalidInput, InvalidParameters
from xacct_nb.grants.parameters import Settings
from xacct_nb.jupyter.forms import is_literal
from xacct_nb.validation import refused
from xacct_nb.views import Page, Shown, Table, Text, View, html

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


class DenialForm(Shown):
    """What is asked about a denial: `.settings` are the last valid ones, `.problem` what is wrong now."""

    def __init__(self, settings: Settings, *, live: bool) -> None:
        self.settings, self._live = settings, live
        self.problem: InvalidInput | None = None

    def view(self) -> View:
        """What is asked, and what was read out of the error text; or what is wrong."""
        if self.problem is not None:
            said = (self.problem.why, self.problem.hint)
            return Page(self.problem.what, tuple(Text(line) for line in said if line))
        told = [(label, str(getattr(self.settings, name))) for name, label in DENIAL_LABELS.items()]
        asked = Table(("", "asked"), tuple((label, value) for label, value in told if value))
        text = self.settings.error_text
        return Page("Denial", (asked, *((read_denial(text).view(),) if text else ())))

    def fill(self, typed: Mapping[str, str]) -> None:
        """Takes what is typed; what is not valid becomes `.problem`, and the settings stay as they were."""
        fields = {name: value.strip() for name, value in typed.items()}
        try:
            self.settings = Settings(**{**dict(self.settings), **fields})
            self.problem = None
        except ValidationError as problem:
            self.problem = refused(problem, Settings, InvalidParameters)
        except InvalidInput as problem:
            self.problem = problem

    @cached_property
    def widget(self) -> Any:
        """The form as one ipywidgets box, the same each time it is shown."""
        return denial_box(self)

    def _ipython_display_(self) -> None:
        from IPython.display import publish_display_data

        if self._live:
            elsewhere = {"text/plain": "A form stands here: run the cell to see it."}
            publish_display_data({**self.widget._repr_mimebundle_(), **elsewhere})
        else:
            publish_display_data({"text/plain": str(self), "text/html": html(self.view())})


def denial_box(form: DenialForm) -> Any:
    """Fields over what was read out of them; an external ID itself never stays in its field."""
    import ipywidgets

    from xacct_nb.jupyter.widgets import quietly

    fields = {name: _field(name, str(getattr(form.settings, name))) for name in DENIAL_LABELS}
    below = ipywidgets.HTML(f'<div role="status">{html(form.view())}</div>')

    def changed(_: Any) -> None:
        form.fill({name: field.value for name, field in fields.items()})
        if is_literal(fields["external_id"].value, form.settings.external_id):
            quietly(fields["external_id"], form.settings.external_id, changed)
        below.value = f'<div role="status">{html(form.view())}</div>'

    for field in fields.values():
        field.observe(changed, names="value")
    return ipywidgets.VBox([*fields.values(), below]).add_class("xacct-form")


def _field(name: str, value: str) -> Any:
    import ipywidgets

    kind = ipywidgets.Textarea if name == "error_text" else ipywidgets.Text
    # Read when a field is left: half a reference would be taken for the external ID itself.
    return kind(
        value=value,
        description=DENIAL_LABELS[name],
        placeholder=_EXAMPLES[name],
        continuous_update=False,
        style={"description_width": "12em"},
        layout={"width": "100%", "max_width": "62em"},
    )
