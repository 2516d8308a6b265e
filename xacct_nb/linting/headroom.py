"""The headroom that AWS's quotas leave in each policy, and on each user and role."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from xacct_nb.grants.documents import Documents
from xacct_nb.grants.live_principal import LivePrincipal
from xacct_nb.grants.naming import ADOPTED_TAG, OWNER_TAG, is_caller_policy, policy_name
from xacct_nb.grants.own_statement import merged_trust
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam import quotas
from xacct_nb.iam.arns import Arn
from xacct_nb.views import Shown, Table, View

CHARACTERS, POLICIES = "characters", "policies"


@dataclass(frozen=True)
class Quota:
    """One quota: what it limits (`what`) on which user or role (`of`), what is used, AWS's limit and maximum.

    About `more` further `items` fit, if they are as long as the present ones; `alike` other users or roles
    have the same figures.
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
        """Return what the quota limits, on which user or role."""
        return f"{self.what} of {self.of}" + (f" and {self.alike} more" if self.alike else "")

    @property
    def left(self) -> int:
        """Return what is left of the limit; negative where it is exceeded."""
        return self.limit - self.used

    @property
    def is_little(self) -> bool:
        """Return whether less than a tenth is left, and the limit is not exceeded."""
        return 0 <= self.left * 10 < self.limit


@dataclass(frozen=True, repr=False)
class Headroom(Shown):
    """The headroom, quota by quota."""

    quotas: tuple[Quota, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """Return one object for each quota."""
        return [asdict(each) | {"left": each.left} for each in self.quotas]

    def view(self) -> View:
        """Return every quota with what is used and left, and how many more items fit."""
        tones = tuple("bad" if each.left < 0 else "change" if each.is_little else "" for each in self.quotas)
        headers = ("quota", "used", "of", "left", "room for about")
        return Table(headers, tuple(map(_row, self.quotas)), "Headroom under AWS's quotas", tones)


def headroom(documents: Documents, state: State | None = None) -> Headroom:
    """Return the headroom that a grant leaves; `state` adds what its roles and users already have.

    Source: IAM user guide, reference_iam-quotas (white space is not counted).
    """
    known = state or State({})
    equal: dict[Quota, list[str]] = {}
    for quota in (*_callers(documents, known), *_trusts(documents, known), *_roles(documents, known)):
        equal.setdefault(replace(quota, of=""), []).append(quota.of)
    return Headroom(tuple(replace(each, of=names[0], alike=len(names) - 1) for each, names in equal.items()))


room = headroom  # the public name


def retained_policies(documents: Documents, state: State, role: str) -> dict[ResourceKey, Any]:
    """Return the policies and attachments that a role keeps which others made; they use its quotas too."""
    live = state.role(role)
    tags: Mapping[str, str] = live["tags"] if live else {}
    if live is None or (tags.get(OWNER_TAG) == documents.grant.name and ADOPTED_TAG not in tags):
        return {}
    there = {**state.resources, **state.of_others}
    kinds = ("inline-policy", "attachment")
    present = {key: value for key, value in there.items() if key.kind in kinds and key.target == role}
    own = {policy_name(documents.grant), *documents.grant.managed_policies}
    return {key: value for key, value in present.items() if key.name not in own}


def _callers(documents: Documents, state: State) -> Iterator[Quota]:
    grant = documents.grant
    for arn, policies in documents.caller_policies.items():
        if grant.caller_policy == "inline":
            inline = {key.name: value for key, value in state.of("inline-policy", arn).items()}
            live = inline | dict(_live(state, arn).inline)
            others = [value for name, value in live.items() if name != policy_name(grant)]
            name, limit = "inline policies", quotas.INLINE_TOTAL[Arn.parse(arn).kind]
            used = sum(map(quotas.size, (*policies, *others)))
        else:
            name, limit = "caller policy", quotas.MANAGED_POLICY
            name += f" {len(policies)}" if len(policies) > 1 else ""
            used = quotas.size(policies[-1])
        yield _characters(name, arn, used, limit, limit, grant.destinations, "destinations")
        if grant.caller_policy != "inline":
            known = {key.name for key in state.of("attachment", arn)} | {*_live(state, arn).attached}
            others = [policy for policy in known if not is_caller_policy(grant, policy)]
            own = max(len(policies), len(known) - len(others))
            yield _attached(state, arn, own + len(others))


def _live(state: State, arn: str) -> LivePrincipal:
    """Return the user, role or group as it was read, without anything where it was not."""
    found = state.details.get(ResourceKey("principal", arn))
    return found if isinstance(found, LivePrincipal) else LivePrincipal(arn)


def _raised(state: State, arn: str, name: str, usual: int) -> int:
    """Return the quota of the account, where AWS has raised it."""
    named = Arn.parse(arn)
    root = f"arn:{named.partition}:iam::{named.account}:root"
    return max(usual, int(state.details.get(ResourceKey("quotas", root), {}).get(name, 0)))


def _trusts(documents: Documents, state: State) -> Iterator[Quota]:
    for role, trust in documents.trust_policies.items():
        statement = trust["Statement"][0]
        trusted = statement.get("Condition", {}).get("ArnLike", {}).get("aws:PrincipalArn")
        trusted = trusted or statement["Principal"]["AWS"]
        one = isinstance(trusted, str)
        # A single principal has no brackets; the second one adds them.
        whole = quotas.size(merged_trust(documents, state, role))
        used = whole + (2 if one else 0)
        limit = _raised(state, role, "AssumeRolePolicySizeQuota", quotas.TRUST_POLICY)
        limits = (limit, quotas.TRUST_POLICY_MAX)
        found = _characters("trust policy", role, used, *limits, [trusted] if one else trusted, "sources")
        yield replace(found, used=whole)


def _roles(documents: Documents, state: State) -> Iterator[Quota]:
    grant, total = documents.grant, quotas.INLINE_TOTAL["role"]
    named = [resource for each in grant.permissions for resource in each.resources]
    for role in documents.trust_policies if not grant.trust_only else ():
        retained = retained_policies(documents, state, role)
        inline = [value for key, value in retained.items() if key.kind == "inline-policy"]
        own = [documents.permissions_policies[role]] if grant.permissions else []
        if used := sum(map(quotas.size, (*own, *inline))):
            yield _characters("inline policies", role, used, total, total, named, "resources")
        if attached := len(grant.managed_policies) + len(retained) - len(inline):
            yield _attached(state, role, attached)


def _characters(
    what: str, arn: str, used: int, limit: int, most: int, items: Sequence[str], name: str
) -> Quota:
    average = -(-sum(map(len, items)) // len(items)) if items else 0
    # Each further one adds its quotation marks and a comma.
    more = max(0, limit - used) // (average + 3) if items else 0
    return Quota(what, Arn.parse(arn).resource, used, limit, most, CHARACTERS, more, name)


def _attached(state: State, arn: str, used: int) -> Quota:
    kind, resource = Arn.parse(arn).kind, Arn.parse(arn).resource
    limit = _raised(state, arn, f"AttachedPoliciesPer{kind.title()}Quota", quotas.ATTACHED[kind])
    most = max(limit, quotas.ATTACHED_MAX[kind])
    return Quota("attachments", resource, used, limit, most, POLICIES, max(0, limit - used), POLICIES)


def _row(quota: Quota) -> tuple[str, ...]:
    raised = f" ({quota.most:,} if raised)" if quota.most > quota.limit else ""
    limit = f"{quota.limit:,} {quota.unit}{raised}"
    return quota.name, f"{quota.used:,}", limit, f"{quota.left:,}", f"{quota.more:,} more {quota.items}"
