"""Rules on the live state: what in the two accounts will refuse, undo or hinder the grant's plan."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any

from xacct_nb.grants.caller_statement import is_caller_document
from xacct_nb.grants.grant import account_of
from xacct_nb.grants.live_principal import LivePrincipal
from xacct_nb.grants.naming import ADOPTED_TAG, OWNER_TAG, policy_arn, policy_name
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.canonical import same_policy
from xacct_nb.iam.explain import summarize
from xacct_nb.iam.quotas import ROLE_SESSION_SECONDS, TAGS
from xacct_nb.linting.after_plan import BOUNDARY, PERHAPS, POLICY, Obstacle
from xacct_nb.linting.managers import managers, protected_by
from xacct_nb.linting.rules.grant import GrantCase
from xacct_nb.linting.rules.rule import NOTE, WARNING, Find, Hit, Rule

_OF_CALLERS, _OF_ROLES = attrgetter("caller_obstacles"), attrgetter("role_obstacles")


def _state(case: GrantCase) -> State:
    return case.state or State({})


def _callers(case: GrantCase) -> Iterator[LivePrincipal]:
    """Yield the sources and the group of the caller policy, as they were read."""
    read = {key.target: it for key, it in _state(case).details.items() if isinstance(it, LivePrincipal)}
    wanted = (
        dict.fromkeys((*case.documents.caller_policies, *case.documents.grant.principals)) if read else ()
    )
    yield from (read[arn] for arn in wanted if arn in read)


def _obstacles(side: Callable[[GrantCase], Iterable[Obstacle]], kind: str) -> Find[GrantCase]:
    """Find what denies callers or roles their access after the plan, each policy once."""

    def find(case: GrantCase) -> Iterator[Hit]:
        grouped: dict[tuple[str, str], list[Obstacle]] = {}
        for each in side(case):
            if each.kind == kind:
                grouped.setdefault((each.who, each.by), []).append(each)
        for (who, by), found in grouped.items():
            actions = ", ".join(dict.fromkeys(each.action for each in found))
            resources = summarize(tuple(dict.fromkeys(each.resource for each in found)))
            yield Arn.parse(who).resource, f"{by}: {actions} on {resources}"

    return find


def _planned(case: GrantCase) -> Iterator[tuple[str, Any]]:
    """Yield the ARN and the document of each managed caller policy of the grant."""
    grant = case.documents.grant
    for carrier, policies in case.documents.caller_policies.items():
        for number, policy in enumerate(policies, start=1):
            if grant.caller_policy == "managed":
                yield policy_arn(grant, account_of(carrier), number), policy


def _taken_names(case: GrantCase) -> Iterator[Hit]:
    """Find names of the grant's policies and roles that others use."""
    grant, state = case.documents.grant, _state(case)
    for arn, policy in dict(_planned(case)).items():
        live = state.resources.get(ResourceKey("managed-policy", arn))
        if live and not grant.adopt and live["tags"].get(OWNER_TAG) != grant.name:
            carriers = (ResourceKey("attachment", each, arn) for each in case.documents.caller_policies)
            if not same_policy(live["document"], policy) or _absent(case, carriers, arn):
                yield Arn.parse(arn).resource, _made_for(live["tags"], arn)
    for role, live in case.adopted.items() if not grant.adopt else ():
        if _would_change(case, role, live):
            yield Arn.parse(role).resource, _made_for(live["tags"], role)
    for key, other in state.details.items():
        if key.kind == "same-name":
            yield Arn.parse(key.target).resource, f"{other} has this name, whatever its path and case"


def _absent(case: GrantCase, attachments: Iterable[ResourceKey], policy: str) -> bool:
    """Return whether one of these attachments, in the policy's account, is not there yet."""
    own = (each for each in attachments if each.account == account_of(policy))
    return any(each not in _state(case).resources for each in own)


def _would_change(case: GrantCase, role: str, live: Mapping[str, Any]) -> bool:
    """Return whether the grant needs a change of a role that was not made for it."""
    grant, resources = case.documents.grant, _state(case).resources
    own = case.documents.permissions_policies.get(role)
    inline = resources.get(ResourceKey("inline-policy", role, policy_name(grant)))
    return (
        not same_policy(live["trust"], case.documents.trust_policies[role])
        or (own is not None and not same_policy(inline, own))
        or any(ResourceKey("attachment", role, each) not in resources for each in grant.managed_policies)
        or grant.permissions_boundary not in ("", live["boundary"])
        or live["session_seconds"] != max(grant.session_minutes * 60, ROLE_SESSION_SECONDS[0])
    )


def _made_for(tags: Mapping[str, str], arn: str) -> str:
    other = tags.get(OWNER_TAG)
    return f"{arn} exists, and " + (f"is of the grant {other}" if other else "was not made for a grant")


def _missing_policies(case: GrantCase) -> Iterator[Hit]:
    """Find managed policies and boundaries that the grant names and that AWS does not have."""
    grant = case.documents.grant
    for policy in filter(None, (*grant.managed_policies, grant.permissions_boundary)):
        key = ResourceKey("policy", policy)
        if key in _state(case).details and _state(case).details[key] is None:
            yield Arn.parse(policy).resource, policy


def _shared_policies(case: GrantCase) -> Iterator[Hit]:
    """Find policies of others that the plan takes over and that others have too: it replaces them there."""
    grant, state = case.documents.grant, _state(case)
    for arn, policy in dict(_planned(case)).items() if grant.adopt else ():
        live = state.resources.get(ResourceKey("managed-policy", arn))
        if live is None or live["tags"].get(OWNER_TAG) == grant.name or same_policy(live["document"], policy):
            continue
        found = (key.target for key in state.of("attachment") if key.name == arn)
        if others := [each for each in found if each not in case.documents.caller_policies]:
            yield Arn.parse(arn).resource, summarize(tuple(Arn.parse(each).resource for each in others))


def _many_tags(case: GrantCase) -> Iterator[Hit]:
    """Find roles and policies that the plan takes over and that have no room for its two tags."""
    grant, resources = case.documents.grant, _state(case).resources
    policies = (ResourceKey("managed-policy", arn) for arn in dict(_planned(case)))
    for key in (*(ResourceKey("role", arn) for arn in grant.destinations), *policies):
        tags = (resources.get(key) or {}).get("tags", {})
        count = len({*tags, OWNER_TAG, ADOPTED_TAG})
        if grant.adopt and tags.get(OWNER_TAG) != grant.name and count > TAGS:
            yield Arn.parse(key.target).resource, f"{count} tags; AWS accepts {TAGS}"


def _replaced_inline_policies(case: GrantCase) -> Iterator[Hit]:
    """Find inline policies of the grant's name with a content that no grant writes: they have no owner."""
    grant, state = case.documents.grant, _state(case)
    for carrier in case.documents.caller_policies if grant.caller_policy == "inline" else ():
        for key, document in state.of("inline-policy", carrier).items():
            if not is_caller_document(document):
                yield Arn.parse(carrier).resource, key.name
    for role in case.adopted:
        live = state.resources.get(ResourceKey("inline-policy", role, policy_name(grant)))
        own = case.documents.permissions_policies.get(role)
        if live is not None and own is not None and not same_policy(live, own):
            yield Arn.parse(role).resource, policy_name(grant)


def _lost_versions(case: GrantCase) -> Iterator[Hit]:
    planned = dict(_planned(case))
    for key in _state(case).details:
        if key.kind == "version" and key.target in planned:
            yield Arn.parse(key.target).resource, key.name


def _managed_elsewhere(case: GrantCase) -> Iterator[Hit]:
    """Find roles that the grant takes over, and policies, that somebody else manages."""
    for role, live in case.adopted.items():
        read = _state(case).details.get(ResourceKey("principal", role))
        template = read.template if isinstance(read, LivePrincipal) else ""
        if found := managers(role, live["tags"], template):
            yield Arn.parse(role).resource, " and ".join(found)
    for arn in dict(_planned(case)):
        tags = (_state(case).resources.get(ResourceKey("managed-policy", arn)) or {}).get("tags", {})
        if tags.get(OWNER_TAG) != case.documents.grant.name and (found := managers(arn, tags)):
            yield Arn.parse(arn).resource, " and ".join(found)


def _callers_managed_elsewhere(case: GrantCase) -> Iterator[Hit]:
    for live in _callers(case):
        carries = live.arn in case.documents.caller_policies
        if carries and not protected_by(live.arn) and (found := managers(live.arn, live.tags, live.template)):
            yield live.title, " and ".join(found)


def _protected_callers(case: GrantCase) -> Iterator[Hit]:
    for arn in case.documents.caller_policies:
        if who := protected_by(arn):
            yield Arn.parse(arn).resource, who


def _full_accounts(case: GrantCase) -> Iterator[Hit]:
    """Find accounts without room for the roles or policies that the plan makes."""
    state, grant = _state(case), case.documents.grant
    new_roles = [arn for arn in grant.destinations if ResourceKey("role", arn) not in state.resources]
    policies = [
        arn for arn in dict(_planned(case)) if ResourceKey("managed-policy", arn) not in state.resources
    ]
    for what, new in (("Roles", new_roles), ("Policies", policies)):
        for key, quotas in state.details.items():
            count = sum(account_of(arn) == key.account for arn in new) if key.kind == "quotas" else 0
            used, limit = quotas.get(what, 0) if count else 0, quotas.get(f"{what}Quota", 0) if count else 0
            if count and limit and used + count > limit:
                yield f"account {key.account}", f"{used + count:,} {what.lower()}; its quota is {limit:,}"


def _unread(case: GrantCase) -> Iterator[Hit]:
    for live in _callers(case):
        if live.denied_reads:
            yield live.title, ", ".join(live.denied_reads)
    for key, operations in _state(case).details.items():
        if key.kind == "unread":
            yield f"account {key.account}", ", ".join(operations)


LIVE_RULES = (
    Rule("managed-elsewhere", WARNING, _managed_elsewhere,
        why="It is managed by {it}, which may undo the change, or fail because of it.",
        mend="Make the change there, or choose another name. To take it over, accept this code."),
    Rule("name-taken", WARNING, _taken_names,
        why="The plan will not be made: {it}.",
        mend="Choose another name for the grant or the role. adopt: true takes over what has the same ARN."),
    Rule("missing-policy", WARNING, _missing_policies,
        why="AWS refuses the plan: {it} does not exist.",
        mend="Correct managed_policies or permissions_boundary, or create the policy first."),
    Rule("shared-policy", WARNING, _shared_policies,
        why="The plan replaces this policy, and {it} has it too: what it allows there is lost.",
        mend="Choose another name for the grant, or give them a policy of their own first."),
    Rule("too-many-tags", WARNING, _many_tags,
        why="It would have {it}.",
        mend="Remove tags of it first, or choose another name."),
    Rule("caller-denied", WARNING, _obstacles(_OF_CALLERS, POLICY),
        why="After the change the caller is still denied by {it}.",
        mend="A Deny is usually intended: agree with its author first, then exclude these roles from it."),
    Rule("caller-boundary", WARNING, _obstacles(_OF_CALLERS, BOUNDARY),
        why="After the change the caller is still denied, because its boundary does not allow it. By {it}.",
        mend="Let the boundary's owner allow the action on these roles."),
    Rule("role-boundary", WARNING, _obstacles(_OF_ROLES, BOUNDARY),
        why="The role's permissions boundary does not allow all that the grant names. By {it}.",
        mend="Allow it in the boundary, or leave it out of the grant."),
    Rule("role-denied", WARNING, _obstacles(_OF_ROLES, POLICY),
        why="A policy that the role has denies what the grant names: {it}.",
        mend="Leave it out of the grant, or choose another role."),
    Rule("protected-caller", WARNING, _protected_callers,
        why="The role belongs to {it}: AWS refuses every policy that others attach to it.",
        mend="Allow sts:AssumeRole on these roles in the permission set, or in that service."),
    Rule("inline-policy-replaced", WARNING, _replaced_inline_policies,
        why="It has an inline policy {it} that no grant wrote, and the plan replaces it.",
        mend="Rename the grant, or save that policy under another name first."),
    Rule("account-full", WARNING, _full_accounts,
        why="There would be {it}.",
        mend="Request a higher quota (Service Quotas, IAM, us-east-1), or remove what is not used."),
    Rule("caller-denied-perhaps", NOTE, _obstacles(_OF_CALLERS, PERHAPS),
        why="Whether the caller's other policies deny it depends on {it}.",
        mend="Let the proof try it with the caller's own session."),
    Rule("oldest-version-deleted", NOTE, _lost_versions,
        why="The policy has as many versions as AWS keeps: {it} is deleted for good.",
        mend="Its text is in the plan. Delete another version first to keep it."),
    Rule("caller-managed-elsewhere", NOTE, _callers_managed_elsewhere,
        why="It is managed by {it}, which may remove the caller policy again.",
        mend="Tell its owner, or add the caller policy there."),
    Rule("not-read", NOTE, _unread,
        why="The session may not call {it}: what they return is not part of these findings.",
        mend="Give the session these permissions (docs/rights.md), then run it again."),
)  # fmt: skip
