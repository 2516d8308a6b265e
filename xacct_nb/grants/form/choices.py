"""What the accounts have that a grant can name: the choices of its form's fields."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from xacct_nb.iam.arns import Arn
from xacct_nb.views import Shown, Text, View

# By field of a form: what is offered.
_OFFERED = {
    "sources": "principals",
    "destinations": "roles",
    "permissions": "buckets",
    "attach_to": "groups",
    "managed_policies": "policies",
    "permissions_boundary": "policies",
    "source_profiles": "profiles",
    "destination_profiles": "profiles",
    "caller_profiles": "profiles",
    "organization_profile": "profiles",
    "accounts": "accounts",
    "except_accounts": "accounts",
    "organization_units": "units",
}


@dataclass(frozen=True, repr=False)
class AccountChoices(Shown):
    """What was read: callers and groups of the source accounts; roles, policies, buckets of the others.

    `lists` has the ARNs by kind (principals, groups, roles, policies), the names of `buckets` and `profiles`;
    `policies_made` are the names of managed policies, also of the source accounts. `notes` say what could
    not be read, and why.
    """

    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    policies_made: tuple[str, ...] = ()
    partition: str = "aws"
    notes: tuple[str, ...] = ()

    def of(self, name: str) -> tuple[str, ...]:
        """Return what to offer for a field of the form, as it is typed there."""
        found = self.lists.get(_OFFERED.get(name, ""), ())
        if name == "permissions":
            return tuple(f"s3:GetObject on arn:{self.partition}:s3:::{bucket}/*" for bucket in found)
        return found

    def policy_with(self, name: str) -> str:
        """Return the ARN of a managed policy of this name; "" where none was read."""
        return next((arn for arn in self.policies_made if Arn.parse(arn).name == name), "")

    def view(self) -> View:
        """Return how much was found, and what could not be read."""
        counts = [f"{kind} {len(found)}" for kind, found in self.lists.items()]
        found = f"Found in the accounts: {', '.join(counts)}. Type a part of a name to search in them."
        return Text("\n".join((found, *self.notes)), "note")
