"""The form of a denial: the error text, who called what, and where the rest is found."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.diagnosis.conflicts import conflicts_view, find_conflicts
from xacct_nb.diagnosis.denial import read_denial
from xacct_nb.grants.coercion import coerce
from xacct_nb.grants.declarations import Parameter
from xacct_nb.grants.settings import Settings, settings_of
from xacct_nb.jupyter.forms.form import Field, Form, FormState, region
from xacct_nb.views import Page, Table, Text, View, html

_FIELDS = {
    "error_text": (
        "Error text",
        "An error occurred (AccessDenied) when calling the AssumeRole operation: ...",
    ),
    "caller": ("Caller ARN", "empty: the error text's, or the profile's"),
    "role": ("Role ARN", "empty: the error text's"),
    "external_id": ("External ID", "none; or env:NAME or file:PATH"),
    "through": ("Roles before it", 'none; or those of a chain: ["arn:aws:iam::111111111111:role/hub"]'),
    "carried": (
        "Carried by the session",
        'none; or from an earlier role: {"Tags": {"team": "books"}, "SourceIdentity": "alice"}',
    ),
    "action": ("Denied action", "empty; or, after the role was assumed, such as s3:GetObject"),
    "resource": ("Denied resource", "empty; or the ARN that was denied"),
    "snapshot": ("Snapshot file", "empty; or the file that the other owner sent"),
}
# Fields of data: JSON in the form.
_EMPTY: dict[str, list[Any] | dict[str, Any]] = {"through": [], "carried": {}}
DENIAL_LABELS = {name: label for name, (label, _) in _FIELDS.items()}


class DenialForm(Form):
    """A denial as fields to edit; `.settings` are the last valid ones."""

    def __init__(self, settings: Settings, *, live: bool) -> None:
        super().__init__(live=live)
        self.settings = settings

    def view(self) -> View:
        """Return what was given and what was read out of the error text; or what is not valid."""
        if self.problem is not None:
            return Page("Not valid. The last valid fields are used until it is.", self.explanation())
        rows = [(label, self._text(name)) for name, label in DENIAL_LABELS.items()]
        given = Table(("", "given"), tuple((label, value) for label, value in rows if value))
        if not given.rows:
            return Page(
                "Denial", (Text("Nothing is given: in the sandbox, its own example is tried.", "note"),)
            )
        return Page("Denial", (given, *self._read()))

    def _read(self) -> Iterator[View]:
        """Yield what the error text says, and where it contradicts the fields: the text counts."""
        if not self.settings.error_text:
            return
        denial = read_denial(self.settings.error_text)
        yield denial.view()
        fields = {name: getattr(self.settings, name) for name in ("caller", "role", "action", "resource")}
        if found := tuple(find_conflicts(Attempt(**fields), denial, None, None)):
            yield conflicts_view(found)

    def _text(self, name: str) -> str:
        """Return the value of a field as it is typed; "" for an empty one."""
        value = getattr(self.settings, name)
        return (json.dumps(value, ensure_ascii=False) if value else "") if name in _EMPTY else str(value)

    def take(self, typed: Mapping[str, str]) -> None:
        """Take what is typed. Raises InvalidInput."""
        given = {name: _value(name, text.strip()) for name, text in typed.items()}
        self.settings = settings_of({**dict(self.settings), **given})

    def state(self) -> FormState:
        """Return what the fields mean."""
        return FormState(region("status", html(self.view())))

    @property
    def reference(self) -> str:
        """Return where the external ID is found."""
        return self.settings.external_id

    def fields(self) -> list[Field]:
        """Return the parameters of the denial that a person edits."""
        values = {name: self._text(name) for name in _FIELDS}
        return [
            # Half a reference would be taken for the external ID itself.
            Field(name, label, values[name], example, 2 if name == "error_text" else 1, follows=False)
            for name, (label, example) in _FIELDS.items()
        ]


def _value(name: str, text: str) -> Any:
    """Return what is typed into a field. Raises InvalidParameters."""
    if name not in _EMPTY:
        return text
    empty = _EMPTY[name]
    return coerce(Parameter(name, type(empty).__name__, empty, ""), text) if text else empty
