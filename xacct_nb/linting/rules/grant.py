"""Rules on a grant as a whole, and on what is there already where the live state is known."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from xacct_nb.grants.documents import Documents
from xacct_nb.grants.grant import account_of
from xacct_nb.grants.naming import OWNER_TAG
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.wildcards import covers
from xacct_nb.linting.headroom import CHARACTERS, POLICIES, Quota, headroom, retained_policies
from xacct_nb.linting.rules.rule import NOTE, WARNING, WIDENS, Hit, Rule, summarize
from xacct_nb.linting.rules.subjects import ROLE, SSO, Subject, principal_type

_FULL_ACCESS = ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess")
_PROTECTED = ("/aws-service-role/", "/aws-reserved/")
_CHAINED_MINUTES, _CONSOLE_NAME = 60, 64


@dataclass(frozen=True)
class GrantCase:
    """The documents of a grant, and the live state if it is known."""

    documents: Documents
    state: State | None = None

    @cached_property
    def quotas(self) -> tuple[Quota, ...]:
        """The room that is left."""
        return headroom(self.documents, self.state).quotas

    @cached_property
    def adopted(self) -> dict[str, dict[str, Any]]:
        """The live roles that were not made for the grant, by ARN."""
        grant, resources = self.documents.grant, self.state.resources if self.state else {}
        live = {role: resources.get(ResourceKey("role", role)) for role in grant.destinations}
        return {
            role: value
            for role, value in live.items()
            if value and value["tags"].get(OWNER_TAG) != grant.name
        }


Find = Callable[[GrantCase], Iterable[Hit]]


def _full_access(case: GrantCase) -> Iterator[Hit]:
    for policy in case.documents.grant.managed_policies:
        if _is_full(policy):
            yield f"managed_policies: {policy}", ""


def _nothing(case: GrantCase) -> Iterator[Hit]:
    grant = case.documents.grant
    if not grant.permissions and not grant.managed_policies and not (case.state and case.adopted):
        yield "permissions", ""


def _chained(case: GrantCase) -> Iterator[Hit]:
    grant = case.documents.grant
    roles = [source for source in grant.sources if principal_type(source) in (ROLE, SSO)]
    if roles and grant.session_minutes > _CHAINED_MINUTES:
        yield f"session_minutes: {grant.session_minutes}", summarize(roles)


def _long_names(case: GrantCase) -> Iterator[Hit]:
    grant = case.documents.grant
    people = any(principal_type(source) != ROLE for source in grant.sources)
    for role in grant.destinations if people else ():
        name = Arn.parse(role).resource.removeprefix("role/")
        if len(name) > _CONSOLE_NAME:
            yield f"destinations: {role}", str(len(name))


def _protected(case: GrantCase) -> Iterator[Hit]:
    for role in case.documents.grant.destinations:
        if Arn.parse(role).path.startswith(_PROTECTED):
            yield f"destinations: {role}", Arn.parse(role).path


def _self_trust(case: GrantCase) -> Iterator[Hit]:
    """Roles that assume themselves, or may do so now, and that the trust policy does not name."""
    grant = case.documents.grant
    for role in grant.destinations:
        wanted = role in _assumed(case) or role in _trusted(case.adopted.get(role, {}).get("trust"))
        if wanted and role not in grant.sources and account_of(role) not in grant.whole_accounts:
            yield f"sources, for {role}", role


def _assumed(case: GrantCase) -> set[str]:
    """What the permissions of the grant name as roles to assume."""
    return {
        resource
        for each in case.documents.grant.permissions
        for resource in each.resources
        if any(covers(action, "sts:AssumeRole") for action in each.actions)
    }


def _shut_out(case: GrantCase) -> Iterator[Hit]:
    for role, live in case.adopted.items():
        now = _trusted(case.documents.trust_policies[role])
        lost = [each for each in _trusted(live["trust"]) if each not in now and each != role]
        if lost:
            yield f"trust policy of {Arn.parse(role).resource}", summarize(lost)


def _trusted(trust: Any) -> list[str]:
    """Everybody whom a trust policy lets in, accounts by their ids."""
    statements = Subject("trust", "", trust, 0).statements
    named = [
        each
        for one in statements
        if one.allows
        for kind in ("AWS", "Service", "Federated")
        for each in one.principals(kind)
    ]
    return [each.split(":")[4] if each.endswith(":root") else each for each in dict.fromkeys(named)]


def _retained(full: bool) -> Find:
    """What stays on the roles that are taken over."""

    def find(case: GrantCase) -> Iterator[Hit]:
        for role in case.documents.grant.destinations if case.state else ():
            hanging = retained_policies(case.documents, case.state or State({}), role)
            names = [key.name for key in hanging if _is_full(key.name) is full]
            if names:
                yield Arn.parse(role).resource, summarize(names)

    return find


def _is_full(policy: str) -> bool:
    return policy.rpartition("/")[2] in _FULL_ACCESS


def _over(unit: str) -> Find:
    def find(case: GrantCase) -> Iterator[Hit]:
        for quota in case.quotas:
            # A long trust policy has a rule of its own.
            if quota.unit == unit and quota.left < 0 and quota.items != "sources":
                yield quota.name, f"{quota.used:,} {unit}; AWS takes {quota.limit:,}{_raised(quota)}"

    return find


def _little(case: GrantCase) -> Iterator[Hit]:
    for quota in case.quotas:
        if quota.is_little:
            used = f"{quota.used:,} of {quota.limit:,} {quota.unit}"
            yield quota.name, f"{used} are used: room for about {quota.more:,} more {quota.items}"


def _raised(quota: Quota) -> str:
    return f", or {quota.most:,} where the quota was raised" if quota.most > quota.limit else ""


GRANT_RULES = (
    Rule(
        "full-access-policy",
        WIDENS,
        _full_access,
        "With it the role can do nearly everything, or give itself the right to.",
        "Attach a narrower policy, or accept it.",
    ),
    Rule(
        "long-chained-session",
        WARNING,
        _chained,
        "A role's session gets 60 minutes at most in the next role: AWS refuses {it} a longer one.",
        "Set session_minutes to 60, or have the callers ask for no more than that.",
    ),
    Rule(
        "protected-role",
        WARNING,
        _protected,
        "Roles under {it} belong to AWS: their trust policy cannot be changed.",
        "Name a role of your own.",
    ),
    Rule(
        "self-trust-missing",
        WARNING,
        _self_trust,
        "Since 2022 a role that assumes itself has to be trusted by name, and {it} would not be.",
        "Add {it} to the sources, or have it use the session that it has.",
    ),
    Rule(
        "shut-out",
        WARNING,
        _shut_out,
        "The trust policy is replaced as a whole: {it} would no longer get in.",
        "Add them to the sources if they still need the role, or choose another role.",
    ),
    Rule(
        "kept-full-access",
        WARNING,
        _retained(full=True),
        "{it} stays on the role: the callers can do nearly everything.",
        "Choose another role, or detach it first.",
    ),
    Rule(
        "kept-permissions",
        NOTE,
        _retained(full=False),
        "{it} stays on the role: the callers may do what it allows, too.",
        "Choose another role where that is too much.",
    ),
    Rule(
        "inline-policies-full",
        WARNING,
        _over(CHARACTERS),
        "They have {it} for all of them together.",
        "Take an inline policy off, or move it into a managed policy.",
    ),
    Rule(
        "many-attachments",
        WARNING,
        _over(POLICIES),
        "There would be {it}.",
        "Have the quota raised, detach a policy, or name fewer destinations.",
    ),
    Rule(
        "little-room",
        NOTE,
        _little,
        "{it}.",
        "Begin another grant before it is full, or use fewer and shorter names.",
    ),
    Rule(
        "long-name-for-console",
        NOTE,
        _long_names,
        "Path and name have {it} characters; the console takes 64 when it switches roles.",
        "Use the AWS CLI, or a shorter path.",
    ),
    Rule(
        "nothing-allowed",
        NOTE,
        _nothing,
        "The grant lets callers into the role, and a new role may do nothing.",
        "Name permissions or managed_policies, unless somebody else gives the role its own.",
    ),
)
