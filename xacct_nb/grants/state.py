"""The live state of what a grant is about: a flat table of resources."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from xacct_nb.iam.arns import Arn
from xacct_nb.redaction.redact import mask_secrets
from xacct_nb.views import Shown, Table, Text, View


@dataclass(frozen=True, order=True)
class ResourceKey:
    """Which thing: its kind, the ARN it belongs to, and its name there.

    `role` (role ARN), `managed-policy` (policy ARN), `inline-policy` (ARN of user, group or role; policy
    name), `attachment` (ARN of user, group or role; policy ARN), `group` (group ARN; its members).
    """

    kind: str
    target: str
    name: str = ""

    @property
    def account(self) -> str:
        """The account that the thing is in."""
        return Arn.parse(self.target).account


@dataclass(frozen=True, repr=False)
class State(Shown):
    """What is there now: the things of the grant that exist, each with its value.

    role: {path, description, session_seconds, boundary, tags, trust}; managed-policy: {document,
    description, tags, version}; inline-policy: the document; attachment: True; group: [user names].
    """

    resources: Mapping[ResourceKey, Any]

    def of(self, kind: str, target: str = "") -> dict[ResourceKey, Any]:
        """The things of one kind, of one target if given."""
        return {
            key: value
            for key, value in self.resources.items()
            if key.kind == kind and target in ("", key.target)
        }

    def to_json(self) -> list[dict[str, Any]]:
        """One object a thing; external IDs as fingerprints."""
        return [
            {"kind": key.kind, "target": key.target, "name": key.name, "value": mask_secrets(value)}
            for key, value in sorted(self.resources.items())
        ]

    @classmethod
    def from_json(cls, resources: Iterable[Mapping[str, Any]]) -> "State":
        """The State that `to_json` was made from."""
        return cls(
            {ResourceKey(each["kind"], each["target"], each["name"]): each["value"] for each in resources}
        )

    def view(self) -> View:
        """The things that exist."""
        rows = tuple(
            (key.kind, key.target, key.name) for key in sorted(self.resources) if key.kind != "group"
        )
        return (
            Table(("kind", "of", "name"), rows)
            if rows
            else Text("None of the grant's roles and policies exist.")
        )
