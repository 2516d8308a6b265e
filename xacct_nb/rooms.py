"""How much room is left in each policy, and on each user or role, before AWS's quotas."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from xacct_nb import quotas
from xacct_nb.arns import Arn
from xacct_nb.documents import Documents, Policy
from xacct_nb.plans import ADOPTED_TAG, OWNER_TAG, Key, State
from xacct_nb.views import Shown, Table, View

CHARACTERS, POLICIES = "characters", "policies"


@dataclass(frozen=True)
class Space:
    """One quota: what it is of, how much is used, what AWS takes as a rule, and what it takes at most.

    `more` of `items` fit in about, if they are as long as those that are there.
    """

    of: str
    used: int
    limit: int
    most: int
    unit: str
    more: int
    items: str

    @property
    def left(self) -> int:
        """What is left of the limit; below zero where it is passed."""
        return self.limit - self.used

    @property
    def is_little(self) -> bool:
        """Whether less than a tenth is left, but not nothing missing."""
        return 0 <= self.left * 10 < self.limit


@dataclass(frozen=True, repr=False)
class Room(Shown):
    """The room that is left, quota by quota."""

    spaces: tuple[Space, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """One object a quota."""
        return [asdict(each) | {"left": each.left} for each in self.spaces]

    def view(self) -> View:
        """Every quota with what is used and left, and what that is good for."""
        tones = tuple("bad" if each.left < 0 else "change" if each.is_little else "" for each in self.spaces)
        headers = ("what", "used", "of", "left", "room for about")
        return Table(headers, tuple(map(_row, self.spaces)), "Room under AWS's quotas", tones)


def room(documents: Documents, state: State | None = None) -> Room:
    """The room that the grant leaves; with `state`, also for what is on its roles and users already.

    Source: IAM user guide, reference_iam-quotas; white space does not count.
    """
    known = state or State({})
    spaces = (*_callers(documents, known), *_trusts(documents), *_roles(documents, known))
    return Room(tuple(spaces))


def kept(documents: Documents, state: State, role: str) -> dict[Key, Any]:
    """What hangs on a role that was not made for the grant: it stays, and counts."""
    live = state.things.get(Key("role", role))
    tags: Mapping[str, str] = live["tags"] if live else {}
    if live is None or (tags.get(OWNER_TAG) == documents.grant.name and ADOPTED_TAG not in tags):
        return {}
    hanging = state.of("inline-policy", role) | state.of("attachment", role)
    own = {_policy_name(documents), *documents.grant.managed_policies}
    return {key: value for key, value in hanging.items() if key.name not in own}


def _callers(documents: Documents, state: State) -> Iterator[Space]:
    grant = documents.grant
    for arn, policies in documents.caller_policies.items():
        kind, named, roles = Arn.parse(arn).kind, Arn.parse(arn).resource, grant.destinations
        if grant.caller_policy == "inline":
            others = _others(state.of("inline-policy", arn), _policy_name(documents))
            used = sum(map(quotas.size, (*policies, *others)))
            total = quotas.INLINE_TOTAL[kind]
            yield _characters(f"inline policies of {named}", used, total, total, roles, "destinations")
            continue
        whole, last = quotas.MANAGED_POLICY, policies[-1]
        name = "caller policy" if len(policies) == 1 else f"caller policy {len(policies)}"
        yield _characters(f"{name} of {named}", quotas.size(last), whole, whole, roles, "destinations")
        attached = {key.name for key in state.of("attachment", arn)}
        yield _attached(arn, max(len(policies), len(attached)))


def _trusts(documents: Documents) -> Iterator[Space]:
    # The trust policy is the same on every role of a grant.
    for role, trust in list(documents.trust_policies.items())[:1]:
        more = f" and {len(documents.trust_policies) - 1} more" if len(documents.trust_policies) > 1 else ""
        trusted = trust["Statement"][0]["Principal"]["AWS"]
        # A single principal stands without brackets.
        brackets = 2 if isinstance(trusted, str) else 0
        yield _characters(
            f"trust policy of {Arn.parse(role).resource}{more}",
            quotas.size(trust),
            quotas.TRUST_POLICY,
            quotas.TRUST_POLICY_MOST,
            [trusted] if isinstance(trusted, str) else trusted,
            "sources",
            brackets,
        )


def _roles(documents: Documents, state: State) -> Iterator[Space]:
    grant, total = documents.grant, quotas.INLINE_TOTAL["role"]
    named = [resource for each in grant.permissions for resource in each.resources]
    for role in documents.trust_policies:
        hanging = kept(documents, state, role)
        inline = [value for key, value in hanging.items() if key.kind == "inline-policy"]
        own: list[Policy] = [documents.permissions_policies[role]] if grant.permissions else []
        attached = len(grant.managed_policies) + len(hanging) - len(inline)
        if (used := sum(map(quotas.size, (*own, *inline)))) and (hanging or role == grant.destinations[0]):
            resource = Arn.parse(role).resource
            yield _characters(f"inline policies of {resource}", used, total, total, named, "resources")
        if attached and (hanging or role == grant.destinations[0]):
            yield _attached(role, attached)


def _characters(
    of: str, used: int, limit: int, most: int, items: Sequence[str], name: str, once: int = 0
) -> Space:
    usual = -(-sum(map(len, items)) // len(items)) if items else 0
    # Each further one brings its quotation marks and a comma.
    more = max(0, limit - used - once) // (usual + 3) if items else 0
    return Space(of, used, limit, most, CHARACTERS, more, name)


def _attached(arn: str, used: int) -> Space:
    kind, limit = Arn.parse(arn).kind, quotas.ATTACHED[Arn.parse(arn).kind]
    of = f"policies attached to {Arn.parse(arn).resource}"
    return Space(of, used, limit, quotas.ATTACHED_MOST[kind], POLICIES, max(0, limit - used), POLICIES)


def _others(inline: Mapping[Key, Any], own: str) -> Iterable[Any]:
    return [value for key, value in inline.items() if key.name.partition(".")[0] != own]


def _policy_name(documents: Documents) -> str:
    # Not above: the plan asks for the findings, and these ask for the room.
    from xacct_nb.differences import policy_name

    return policy_name(documents.grant)


def _row(space: Space) -> tuple[str, ...]:
    raised = f" ({space.most:,} if raised)" if space.most > space.limit else ""
    unit = f" {space.unit}" if space.unit == CHARACTERS else ""
    most = f"{space.limit:,}{unit}{raised}"
    return space.of, f"{space.used:,}", most, f"{space.left:,}", f"{space.more:,} more {space.items}"
