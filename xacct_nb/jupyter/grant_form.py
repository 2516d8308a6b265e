"""The form of a grant: its fields to edit, over the policies of both sides."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xacct_nb.errors import InvalidGrant, UnresolvedSecret
from xacct_nb.grants.conditions import Permission, is_reference
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.jupyter.form import Field, Form, FormState, is_literal
from xacct_nb.linting.findings import lint
from xacct_nb.views import Page, Text, View, html

_FIELDS = {
    "sources": ("Source ARN", "arn:aws:iam::111111111111:user/alice", 2),
    "destinations": ("Destination role", "arn:aws:iam::222222222222:role/reports-reader", 2),
    "permissions": ("What the role may do", "s3:GetObject on arn:aws:s3:::reports/*", 2),
    "external_id": ("External ID", "none; or env:NAME or file:PATH", 1),
    "session_minutes": ("Session minutes", "", 1),
    "accept": ("Accept findings", "codes of the findings below", 1),
}
LABELS = {name: label for name, (label, _, _) in _FIELDS.items()}


class GrantForm(Form):
    """The grant as fields to edit; `.grant` is the grant in them, its external ID looked up.

    Raises UnresolvedSecret, OverQuota.
    """

    def __init__(self, grant: Grant, resolve: Callable[[Grant], Grant], *, live: bool) -> None:
        super().__init__(live=live)
        self._resolve = resolve
        self._use(grant)

    @property
    def grant(self) -> Grant:
        """Return the grant in the fields. Raises InvalidGrant while they are not valid."""
        if self.problem is None:
            return self._grant
        subject = LABELS.get(self.invalid_field, "The grant")
        details = self.problem.what.removeprefix(f"{self.invalid_field}: ")
        raise InvalidGrant(
            f"The form is not valid. {subject}: {details}",
            why=self.problem.why,
            hint=f"{self.problem.hint} Correct the field in the form; then run this cell again.".strip(),
        )

    def view(self) -> View:
        """Return the grant and both sides' policies, or what is not valid in the fields."""
        if self.problem is not None:
            return Page(self.headline, self.details)
        return Page(f"Grant {self._grant.name}", (self._grant.view(), *self.sides))

    @property
    def sides(self) -> tuple[View, ...]:
        """Return the findings in both sides' policies, if there are any, and the policies."""
        return *([self._findings.view()] if self._findings.found else []), self._documents.view()

    @property
    def invalid_field(self) -> str:
        """Return the field that is not valid; "" where all are, or where several together are not."""
        if isinstance(self.problem, UnresolvedSecret):
            return "external_id"
        path = self.problem.what.partition(":")[0].split(".") if self.problem else []
        return next((name for name in LABELS if name in path), "")

    @property
    def headline(self) -> str:
        """Return what is not valid; the same text while one field is typed in."""
        subject = LABELS.get(self.invalid_field, "The grant")
        return f"{subject}: not valid. The cells below wait until it is." if self.problem else ""

    @property
    def details(self) -> tuple[Text, ...]:
        """Return what is not valid, why, and what to do, without the field's name that the headline has."""
        path, _, rest = self.problem.what.partition(": ") if self.problem else ("", "", "")
        named = self.invalid_field and self.invalid_field in path.split(".")
        return self.explanation(rest if named else "")

    @property
    def reference(self) -> str:
        """Return where the external ID is found; "" where there is none, or where it was given itself."""
        shown = str(self._given.to_json()["conditions"]["external_id"])
        return shown if is_reference(shown) else ""

    def take(self, typed: Mapping[str, Any]) -> None:
        """Take what is typed: an ARN a line, `actions on resources`, a reference. Raises InvalidInput."""
        conditions = dict(self._given.conditions)
        if typed["external_id"].strip() != self.reference:
            conditions["external_id"] = _reference(typed["external_id"].strip())
        fields = {
            "sources": _arns(typed["sources"]),
            "destinations": _arns(typed["destinations"]),
            "permissions": _permissions(typed["permissions"], self._given),
            "conditions": conditions,
            "session_minutes": typed["session_minutes"],
            "accept": typed["accept"].replace(",", " ").split(),
        }
        self._use(Grant(**{**dict(self._given), **fields}))

    def state(self) -> FormState:
        """Return the policies of both sides, or what is not valid; `accept` only where a finding needs it."""
        return FormState(
            f'<div style="min-height: 24em">{"".join(map(html, self.details or self.sides))}</div>',
            self.headline,
            self.invalid_field,
            "" if self._findings.unaccepted or self._grant.accept else "accept",
            self.reference,
        )

    def fields(self) -> tuple[Field, ...]:
        """Return the fields of the grant that a person edits."""
        grant = self._grant
        # An external ID itself, given in the parameters, is kept and not shown.
        hidden = bool(self._given.conditions.external_id.get_secret_value()) and not self.reference
        values: dict[str, str | int] = {
            "sources": "\n".join(grant.sources),
            "destinations": "\n".join(grant.destinations),
            "permissions": typed_permissions(grant),
            "external_id": self.reference,
            "session_minutes": grant.session_minutes,
            "accept": " ".join(grant.accept),
        }
        return tuple(
            Field(
                name,
                label,
                values[name],
                "the one in the parameters, not shown" if hidden and name == "external_id" else example,
                lines,
                # Half a reference would be taken for the external ID itself.
                follows=name != "external_id",
            )
            for name, (label, example, lines) in _FIELDS.items()
        )

    def _use(self, given: Grant) -> None:
        grant = self._resolve(given)
        documents = build(grant)
        self._given, self._grant, self._documents, self._findings = given, grant, documents, lint(documents)


def typed_permissions(grant: Grant) -> str:
    """Return the grant's permissions as a person types them."""
    lines = (f"{', '.join(each.actions)} on {', '.join(each.resources)}" for each in grant.permissions)
    return "\n".join(lines)


def _reference(typed: str) -> str:
    if is_literal(typed, ""):
        raise InvalidGrant(
            "conditions.external_id: The field takes a reference, not the external ID itself.",
            why="What is typed here can be saved with the notebook, and an external ID must stay secret.",
            hint="Put it into a file or an environment variable, and type file:PATH or env:NAME here.",
        )
    return typed


def _permissions(typed: str, grant: Grant) -> Sequence[Permission | dict[str, list[str]]]:
    if typed == typed_permissions(grant):
        return grant.permissions
    return [_permission(line.strip()) for line in typed.splitlines() if line.strip()]


def _permission(line: str) -> dict[str, list[str]]:
    actions, _, resources = line.partition(" on ")
    if not resources:
        raise InvalidGrant(
            f"permissions: {line!r} names no resource.",
            why="A line reads: actions on resources, each with commas between.",
            hint="Write it like s3:GetObject on arn:aws:s3:::reports/*.",
        )
    # The name of a resource may contain spaces and commas.
    parts = re.split(r",\s*(?=arn:|\*)", resources.strip())
    return {"actions": actions.replace(",", " ").split(), "resources": parts}


def _arns(typed: str) -> list[str]:
    """Return the ARNs, without the quotes and commas of a JSON document that they were copied from."""
    return [re.sub(r"""^(["'])(.*)\1,?$""", r"\2", each) for each in typed.split()]
