"""How much room is left in each policy, and on each user or role, before AWS's quotas."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from xacct_nb.grants.documents import Documents
from xacct_nb.grants.naming import ADOPTED_TAG, OWNER_TAG
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam import quotas
from xacct_nb.iam.arns import Arn
from xacct_nb.views import Shown, Table, View

CHARACTERS, POLICIES = "characters", "policies"


@dataclass(frozen=True)
class Quota:
    """One quota: what it is on, of whom, how much is used, what AWS takes as a rule and what at most.

    `more` of `items` fit in about, if they are as long as those that are there; `alike` others have as much.
    """

    what: str
    of: str
    used: int
    limit: int
    most: int
    unit: str
    more: int
    items: str
    alike: int = 0

    @property
    def name(self) -> str:
        """What it is on, and of whom."""
        return f"{self.what} of {self.of}" + (f" and {self.alike} more" if self.alike else "")

    @property
    def left(self) -> int:
        """What is left of the limit; below zero where it is passed."""
        return self.limit - self.used

    @property
    def is_little(self) -> bool:
        """Whether less than a tenth is left, but not nothing missing."""
        return 0 <= self.left * 10 < self.limit


@dataclass(frozen=True, repr=False)
class Headroom(Shown):
    """The room that is left, quota by quota."""

    quotas: tuple[Quota, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """One object a quota."""
        return [asdict(each) | {"left": each.left} for each in self.quotas]

    def view(self) -> View:
        """Every quota with what is used and left, and what that is good for."""
        tones = tuple("bad" if each.left < 0 else "change" if each.is_little else "" for each in self.quotas)
        headers = ("what", "used", "of", "left", "room for about")
        return Table(headers, tuple(map(_row, self.quotas)), "Room under AWS's quotas", tones)


def headroom(documents: Documents, state: State | None = None) -> Headroom:
    """The room that the grant leaves; with `state`, also for what is on its roles and users already.

    Source: IAM user guide, reference_iam-quotas; white space does not count.
    """
    known = state or State({})
    equal: dict[Quota, list[str]] = {}
    for quota in (*_callers(documents, known), *_trusts(documents), *_roles(documents, known)):
        equal.setdefault(replace(quota, of=""), []).append(quota.of)
    return Headroom(tuple(replace(each, of=names[0], alike=len(names) - 1) for each, names in equal.items()))


room = headroom  # the public name


def retained_policies(documents: Documents, state: State, role: str) -> dict[ResourceKey, Any]:
    """What hangs on a role that was not made for the grant: it stays, and counts."""
    live = state.resources.get(ResourceKey("role", role))
    tags: Mapping[str, str] = live["tags"] if live else {}
    if live is None or (tags.get(OWNER_TAG) == documents.grant.name and ADOPTED_TAG not in tags):
        return {}
    hanging = state.of("inline-policy", role) | state.of("attachment", role)
    own = {_policy_name(documents), *documents.grant.managed_policies}
    return {key: value for key, value in hanging.items() if key.name not in own}


def _callers(documents: Documents, state: State) -> Iterator[Quota]:
    grant = documents.grant
    for arn, policies in documents.caller_policies.items():
        if grant.caller_policy == "inline":
            others = [
                value
                for key, value in state.of("inline-policy", arn).items()
                if key.name != _policy_name(documents)
            ]
            total = quotas.INLINE_TOTAL[Arn.parse(arn).kind]
            used = sum(map(quotas.size, (*policies, *others)))
            yield _characters("inline policies", arn, used, total, total, grant.destinations, "destinations")
            continue
        number, whole = f" {len(policies)}" if len(policies) > 1 else "", quotas.MANAGED_POLICY
        used = quotas.size(policies[-1])
        yield _characters(
            f"caller policy{number}", arn, used, whole, whole, grant.destinations, "destinations"
        )
        yield _attached(arn, max(len(policies), len(state.of("attachment", arn))))


def _trusts(documents: Documents) -> Iterator[Quota]:
    for role, trust in documents.trust_policies.items():
        trusted = trust["Statement"][0]["Principal"]["AWS"]
        one = isinstance(trusted, str)
        # A single principal stands without brackets, which the second one brings.
        used = quotas.size(trust) + (2 if one else 0)
        limits = (quotas.TRUST_POLICY, quotas.TRUST_POLICY_MAX)
        found = _characters("trust policy", role, used, *limits, [trusted] if one else trusted, "sources")
        yield replace(found, used=quotas.size(trust))


def _roles(documents: Documents, state: State) -> Iterator[Quota]:
    grant, total = documents.grant, quotas.INLINE_TOTAL["role"]
    named = [resource for each in grant.permissions for resource in each.resources]
    for role in documents.trust_policies:
        hanging = retained_policies(documents, state, role)
        inline = [value for key, value in hanging.items() if key.kind == "inline-policy"]
        own = [documents.permissions_policies[role]] if grant.permissions else []
        if used := sum(map(quotas.size, (*own, *inline))):
            yield _characters("inline policies", role, used, total, total, named, "resources")
        if attached := len(grant.managed_policies) + len(hanging) - len(inline):
            yield _attached(role, attached)


def _characters(
    what: str, arn: str, used: int, limit: int, most: int, items: Sequence[str], name: str
) -> Quota:
    usual = -(-sum(map(len, items)) // len(items)) if items else 0
    # Each further one brings its quotation marks and a comma.
    more = max(0, limit - used) // (usual + 3) if items else 0
    return Quota(what, Arn.parse(arn).resource, used, limit, most, CHARACTERS, more, name)


def _attached(arn: str, used: int) -> Quota:
    kind = Arn.parse(arn).kind
    limits = quotas.ATTACHED[kind], quotas.ATTACHED_MAX[kind]
    return Quota(
        "attachments", Arn.parse(arn).resource, used, *limits, POLICIES, max(0, limits[0] - used), POLICIES
    )


def _policy_name(documents: Documents) -> str:
    # Not above: the plan asks for the findings, and these ask for the room.
    from xacct_nb.grants.naming import policy_name

    return policy_name(documents.grant)


def _row(quota: Quota) -> tuple[str, ...]:
    raised = f" ({quota.most:,} if raised)" if quota.most > quota.limit else ""
    limit = f"{quota.limit:,} {quota.unit}{raised}"
    return quota.name, f"{quota.used:,}", limit, f"{quota.left:,}", f"{quota.more:,} more {quota.items}"
