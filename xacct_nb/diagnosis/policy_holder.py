"""A user or role with its policies and boundary, and the request that they must allow."""

from collections.abc import Sequence
from dataclasses import dataclass

from xacct_nb.diagnosis.snapshot import INLINE, SnapshotPolicy
from xacct_nb.iam.grammar import Document


@dataclass(frozen=True)
class PolicyHolder:
    """A user or role with its policies, in the order of the evaluation, and the request that they must allow.

    `new_policy` is the name of a policy that would allow it. `incomplete` says which policies were not read.
    """

    arn: str
    new_policy: str
    actions: tuple[str, ...]
    resource: str
    policies: Sequence[SnapshotPolicy]
    boundary: SnapshotPolicy | None
    incomplete: str = ""

    @property
    def documents(self) -> list[Document]:
        """The policies' documents."""
        return [each.document for each in self.policies if each.document]

    @property
    def policy_names(self) -> list[str]:
        """The names of its own inline policies, under which a new one would overwrite."""
        return [each.name for each in self.policies if each.kind == INLINE and each.holder == self.arn]

    @property
    def boundaries(self) -> list[Document] | None:
        """The boundary's document in a list, None where there is none or where it was not read."""
        return [self.boundary.document] if self.boundary and self.boundary.document else None

    @property
    def has_unread_boundary(self) -> bool:
        """Whether there is a boundary whose document was not read: nobody knows what it allows."""
        return self.boundary is not None and self.boundary.document is None
