"""Rules on a grant as a whole, and on the live resources where the state was read."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from xacct_nb.grants.documents import Documents
from xacct_nb.grants.naming import OWNER_TAG
from xacct_nb.grants.pattern_trust import patterns_in
from xacct_nb.grants.sources import covers_source, includes, is_whole_account, permission_set_of
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.explain import summarize
from xacct_nb.iam.patterns import covers
from xacct_nb.linting.after_plan import Obstacle, caller_obstacles, role_obstacles
from xacct_nb.linting.headroom import Quota, headroom, retained_policies
from xacct_nb.linting.rules.rule import NOTE, WARNING, WIDENS, Find, Hit, Rule
from xacct_nb.linting.rules.subjects import ACCOUNT, ROLE, SSO, USER, LintStatement, Subject, principal_type

# Managed policies that allow nearly everything, or with which a role can raise its own permissions: they
# write permissions, or pass any role to a service.
_FULL_ACCESS = (
    *("AdministratorAccess", "PowerUserAccess", "IAMFullAccess", "SystemAdministrator"),
    *("AdministratorAccess-Amplify", "AdministratorAccess-AWSElasticBeanstalk", "AWSLambda_FullAccess"),
    *("AWSDataPipeline_FullAccess", "AmazonElasticMapReduceFullAccess", "AWSSSOMasterAccountAdministrator"),
    "AWSSSOMemberAccountAdministrator",
)
_PROTECTED = ("/aws-service-role/", "/aws-reserved/")
_CHAINED_MINUTES, _CONSOLE_NAME = 60, 64
_IN_ACCOUNTS = (ROLE, SSO, USER, ACCOUNT)


@dataclass(frozen=True)
class GrantCase:
    """The documents of a grant, and the live state if it was read."""

    documents: Documents
    state: State | None = None

    @cached_property
    def quotas(self) -> tuple[Quota, ...]:
        """Return the headroom, quota by quota."""
        return headroom(self.documents, self.state).quotas

    @cached_property
    def caller_obstacles(self) -> tuple[Obstacle, ...]:
        """Return what denies the callers the roles after the plan."""
        return tuple(caller_obstacles(self.documents, self.state or State({})))

    @cached_property
    def role_obstacles(self) -> tuple[Obstacle, ...]:
        """Return what denies the roles their own permissions after the plan."""
        return tuple(role_obstacles(self.documents, self.state or State({})))

    @cached_property
    def adopted(self) -> dict[str, dict[str, Any]]:
        """Return the live roles that were not made for the grant, by ARN."""
        grant, resources = self.documents.grant, self.state.resources if self.state else {}
        live = {role: resources.get(ResourceKey("role", role)) for role in grant.destinations}
        return {
            role: value
            for role, value in live.items()
            if value and value["tags"].get(OWNER_TAG) != grant.name
        }


def _full_access(case: GrantCase) -> Iterator[Hit]:
    for policy in case.documents.grant.managed_policies:
        if _is_full(policy):
            yield f"managed_policies: {policy}", ""


def _without_permissions(case: GrantCase) -> Iterator[Hit]:
    grant = case.documents.grant
    set_by_others = grant.trust_only or bool(grant.managed_policies)
    if not grant.permissions and not set_by_others and not (case.state and case.adopted):
        yield "permissions", ""


def _chained(case: GrantCase) -> Iterator[Hit]:
    grant = case.documents.grant
    roles = [source for source in grant.sources if principal_type(source) in (ROLE, SSO)]
    if roles and grant.session_minutes > _CHAINED_MINUTES:
        yield f"session_minutes: {grant.session_minutes}", summarize(roles)


def _renewable(case: GrantCase) -> Iterator[Hit]:
    grant = case.documents.grant
    if grant.self_assume:
        yield "self_assume", str(grant.session_minutes)


def _reaching(case: GrantCase) -> Iterator[Hit]:
    grant = case.documents.grant
    if grant.caller_reach != "roles":
        names = dict.fromkeys(Arn.parse(role).resource for role in grant.destinations)
        yield "caller_reach", f"every {summarize(list(names))}"


def _matched(case: GrantCase) -> Iterator[Hit]:
    """Find patterns of roles that somebody in the account can make; those of AWS only AWS makes."""
    for source in case.documents.grant.role_patterns:
        if not Arn.parse(source).path.startswith(_PROTECTED):
            yield f"sources: {source}", Arn.parse(source).resource


def _other_sets(case: GrantCase) -> Iterator[Hit]:
    for source in case.documents.grant.role_patterns:
        if (name := permission_set_of(source)) and source.endswith("_*"):
            yield f"sources: {source}", name


def _outliving(case: GrantCase) -> Iterator[Hit]:
    grant = case.documents.grant
    if grant.expires:
        yield f"expires: {grant.expires}", str(grant.session_minutes)


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
    """Find roles that assume themselves, or may now, and that the trust policy would not name."""
    grant = case.documents.grant
    for role in grant.destinations:
        wanted = role in _roles_to_assume(case) or role in _allowed_principals(
            case.adopted.get(role, {}).get("trust")
        )
        named = role in grant.sources or grant.self_assume
        if wanted and not named and not any(includes(source, role) for source in grant.sources):
            yield f"sources, for {role}", role


def _roles_to_assume(case: GrantCase) -> set[str]:
    return {
        resource
        for each in case.documents.grant.permissions
        for resource in each.resources
        if any(covers(action, "sts:AssumeRole") for action in each.actions)
    }


def _losing_access(case: GrantCase) -> Iterator[Hit]:
    for role, live in case.adopted.items():
        now = _allowed_principals(case.documents.trust_policies[role])
        had = _allowed_principals(live["trust"])
        lost = [each for each in had if each != role and not any(_covers(other, each) for other in now)]
        if lost:
            yield f"trust policy of {Arn.parse(role).resource}", summarize(lost)


def _allowed_principals(trust: object) -> list[str]:
    """Return the principals that a trust policy allows, accounts by their ids; roles by their patterns."""
    statements = Subject("trust", "", trust, 0).statements
    named = [each for one in statements if one.allows for each in _principals_of(one)]
    return [each.split(":")[4] if each.endswith(":root") else each for each in dict.fromkeys(named)]


def _principals_of(statement: LintStatement) -> tuple[str, ...]:
    kinds = ("AWS", "Service", "Federated")
    return patterns_in(statement.fields) or tuple(
        each for kind in kinds for each in statement.principals(kind)
    )


def _covers(one: str, other: str) -> bool:
    """Return whether all of a principal is in another one, as far as a grant can name the two."""
    known = principal_type(one) in _IN_ACCOUNTS and principal_type(other) in _IN_ACCOUNTS
    return one == other or (known and not is_whole_account(one) and covers_source(one, other))


def _retained(full: bool) -> Find[GrantCase]:
    """Find the policies that remain on adopted roles."""

    def find(case: GrantCase) -> Iterator[Hit]:
        for role in case.documents.grant.destinations if case.state else ():
            retained = retained_policies(case.documents, case.state or State({}), role)
            names = [key.name for key in retained if _is_full(key.name) is full]
            if names:
                yield Arn.parse(role).resource, summarize(names)

    return find


def _is_full(policy: str) -> bool:
    return policy.rpartition("/")[2] in _FULL_ACCESS


GRANT_RULES = (
    Rule("full-access-policy", WIDENS, _full_access,
        why="The role can do nearly everything with it, or can give itself the permissions.",
        mend="Attach a narrower policy, or accept it."),
    Rule("long-chained-session", WARNING, _chained,
        why="Role chaining limits a session to 60 minutes: AWS refuses a longer one to {it}.",
        mend="Set session_minutes to 60, or let the callers request 60 minutes at most."),
    Rule("renewable-session", NOTE, _renewable,
        why="A session can assume the role again before its {it} minutes are over, as often as it likes.",
        mend="Leave self_assume out unless a program needs it; a rollback can end sessions."),
    Rule("session-outlives-expiry", NOTE, _outliving,
        why="A session that is opened before that moment goes on for up to {it} minutes after it.",
        mend="Choose an earlier moment or shorter sessions where that matters."),
    Rule("role-name-reach", WIDENS, _reaching,
        why="The callers may call for {it} in every account of the organization, not only for the roles that "
        "the grant names; there a role lets them in if it trusts them or their account. The condition on "
        "aws:ResourceOrgID alone keeps them out of other organizations. AWS's samples for STS use this key, "
        "but it was not tried on AWS here: a proof with outside_roles does. Without the key nobody gets in.",
        mend="Leave caller_reach out where the roles fit into the caller policies, or accept it and name "
        "outside_roles."),
    Rule("role-pattern", NOTE, _matched,
        why="Every role there that matches {it} gets access, also one that is made later: "
        "whoever may make roles in that account decides.",
        mend="Name the roles, or use a path in which few may make roles."),
    Rule("permission-set-prefix", NOTE, _other_sets,
        why="It matches also other permission sets whose name begins with {it}_.",
        mend='Write it as {permission_set: {it}, account: "..."}, which matches this one only.'),
    Rule("protected-role", WARNING, _protected,
        why="Roles under {it} belong to AWS: their trust policy cannot be changed.",
        mend="Name a role of your own."),
    Rule("long-name-for-console", NOTE, _long_names,
        why="Path and name have {it} characters; the console takes 64 when it switches roles.",
        mend="Use the AWS CLI, or a shorter path."),
)  # fmt: skip
# Those that the live state decides too.
LIVE_GRANT_RULES = (
    Rule("self-trust-missing", WARNING, _self_trust,
        why="Since 2022 a role that assumes itself must be named in its trust policy, and {it} would not be.",
        mend="Set self_assume: true, or let it use the session that it has."),
    Rule("shut-out", WARNING, _losing_access,
        why="The trust policy is replaced as a whole: {it} would lose access.",
        mend="Add them to the sources if they still need the role, or choose another role."),
    Rule("kept-full-access", WARNING, _retained(full=True),
        why="{it} stays on the role: the callers can do nearly everything.",
        mend="Choose another role, or detach the policy first."),
    Rule("kept-permissions", NOTE, _retained(full=False),
        why="{it} stays on the role: the callers may do what it allows too.",
        mend="Choose another role where that is too much."),
    Rule("nothing-allowed", NOTE, _without_permissions,
        why="The grant lets callers assume the role, and a new role has no permissions.",
        mend="Name permissions or managed_policies, unless another owner attaches them to the role."),
)  # fmt: skip
