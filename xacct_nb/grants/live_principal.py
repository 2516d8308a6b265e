"""A user, role or group of a grant as it stands in its account, with what the grant does not write."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from xacct_nb.iam.arns import Arn


@dataclass(frozen=True)
class LivePrincipal:
    """A user, role or group: its policies, boundary, groups and tags.

    `attached` are policy ARNs, `inline` documents by name. `template` is the ARN of the role template that
    AWS made a role from. `unread` are the operations that AWS denied: what they return is not known.
    """

    arn: str
    attached: tuple[str, ...] = ()
    inline: Mapping[str, Any] = field(default_factory=dict)
    boundary: str = ""
    groups: tuple["LivePrincipal", ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    template: str = ""
    unread: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Return the kind and the name, as people read them."""
        return Arn.parse(self.arn).resource

    @property
    def holders(self) -> Iterator["LivePrincipal"]:
        """Yield the principal and its groups: each has policies that apply to it."""
        yield self
        yield from self.groups

    @property
    def denied_reads(self) -> tuple[str, ...]:
        """Return the operations that AWS denied, on the principal and on its groups."""
        return tuple(dict.fromkeys(name for holder in self.holders for name in holder.unread))
