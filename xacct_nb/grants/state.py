"""The live state of a grant's resources, as a flat table."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from xacct_nb.grants.expiry import has_ended
from xacct_nb.iam.arns import Arn
from xacct_nb.redaction.redact import mask_secrets
from xacct_nb.validation import Serializable
from xacct_nb.views import Shown, Table, Text, View

_OF_ROLES = ("role", "inline-policy", "attachment")


@dataclass(frozen=True, order=True)
class ResourceKey:
    """Which resource: its kind, the ARN it belongs to, and its name there.

    `role` (role ARN), `managed-policy` (policy ARN), `inline-policy` (ARN of user, group or role; policy
    name), `attachment` (ARN of user, group or role; policy ARN), `group` (group ARN; its members),
    `trust-statement` (role ARN; Sid): the grant's statement in the trust policy of a role of others.
    """

    kind: str
    target: str
    name: str = ""

    @property
    def account(self) -> str:
        """Return the account that the resource is in."""
        return Arn.parse(self.target).account


@dataclass(frozen=True)
class Resource(Serializable):
    """A resource that exists, as a record has it: its key and its value."""

    kind: str
    target: str
    name: str
    value: Any


@dataclass(frozen=True, repr=False)
class State(Shown):
    """The resources of a grant that exist, each with its value.

    role: {path, description, session_seconds, boundary, tags, trust}; managed-policy: {document,
    description, tags, version}; inline-policy and trust-statement: the document; attachment: True;
    group: [user names].

    `details` are read beside them, and are no part of the state: `policy` (policy ARN), which a role has or
    gets: {version, document} of the default version, None where it does not exist; `version` (policy ARN;
    version id), which a change deletes for good: the document; `role`, `inline-policy` and `attachment` of a
    role that others own. `read_at` is when they were read, by AWS's clock (UTC); "" where that is not known.
    """

    resources: Mapping[ResourceKey, Any]
    details: Mapping[ResourceKey, Any] = field(default_factory=dict, compare=False)
    read_at: str = field(default="", compare=False)

    def is_after(self, expires: str) -> bool:
        """Return whether the state was read after a grant that ends at `expires` had ended."""
        return has_ended(expires, self.read_at)

    def of(self, kind: str, target: str = "") -> dict[ResourceKey, Any]:
        """Return the resources of one kind, of one target if given."""
        found = self.resources.items()
        return {key: value for key, value in found if key.kind == kind and target in ("", key.target)}

    @property
    def of_others(self) -> dict[ResourceKey, Any]:
        """Return the roles that others own, with their policies: they are read and never changed."""
        return {key: value for key, value in self.details.items() if key.kind in _OF_ROLES}

    def role(self, arn: str) -> Any:
        """Return the role as it was read, whoever owns it; None where it does not exist."""
        key = ResourceKey("role", arn)
        return self.resources.get(key, self.details.get(key))

    def to_json(self) -> list[dict[str, Any]]:
        """Return one object for each resource, external IDs as fingerprints."""
        found = sorted(self.resources.items())
        return [{**asdict(key), "value": mask_secrets(value)} for key, value in found]

    @classmethod
    def from_json(cls, resources: Iterable[Resource | Mapping[str, Any]]) -> "State":
        """Return the State that `to_json` made the resources from."""
        found = map(Resource.from_json, resources)
        return cls({ResourceKey(each.kind, each.target, each.name): each.value for each in found})

    def view(self) -> View:
        """Return the resources that exist as a table."""
        keys = [key for key in sorted(self.resources) if key.kind != "group"]
        if not keys:
            return Text("None of the grant's roles and policies exist.")
        return Table(("kind", "of", "name"), tuple((key.kind, key.target, key.name) for key in keys))
